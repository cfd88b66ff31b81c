//! `crossfade group`.

use super::{
    client::{Client, Result},
    names,
    output::{Out, age, bytes, problems, table, word},
    spec,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::protection::{Group, NewGroup, Policy, Reprotection};

#[derive(Subcommand)]
pub enum Command {
    /// Protect machines: keep recovery points of them at another site
    Add(Add),
    List,
    /// One group with its members
    Show {
        group: String,
    },
    /// Stop replicating until resumed
    Pause {
        group: String,
    },
    Resume {
        group: String,
    },
    /// Protect machines that were recovered at the other site in the other direction: the way back
    Reprotect {
        group: String,
        /// Only show what it would take
        #[arg(long)]
        check: bool,
    },
    /// Give up the protection; the recovery points go, the machines stay
    Remove {
        group: String,
    },
}

#[derive(Args)]
pub struct Add {
    #[arg(long)]
    name: String,
    #[arg(long)]
    protected_site: String,
    #[arg(long)]
    recovery_site: String,
    /// The cloud at the recovery site that keeps the recovery points
    #[arg(long, value_name = "CLOUD")]
    target: String,
    /// Seconds: the newest recovery point is never older
    #[arg(long, default_value_t = Policy::default().rpo_seconds)]
    rpo: u32,
    #[arg(long, default_value_t = Policy::default().keep_points)]
    keep_points: u32,
    #[arg(long, default_value_t = Policy::default().keep_hours)]
    keep_hours: u32,
    /// Bytes per second for all members together
    #[arg(long)]
    bandwidth: Option<u64>,
    /// Machines to protect
    #[arg(long = "machine", num_args = 1.., required = true)]
    machines: Vec<String>,
    #[arg(long, value_name = "FROM=TO")]
    network: Vec<String>,
    #[arg(long, value_name = "FROM=TO")]
    storage: Vec<String>,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Add(a) => add(a, api, out).await,
        Command::List => out.show(&api.all::<Group>("/groups").await?, |all| list(all)),
        Command::Show { group } => out.show(&names::group(api, &group).await?, show),
        Command::Pause { group } => switch(api, out, &group, "pause").await,
        Command::Resume { group } => switch(api, out, &group, "resume").await,
        Command::Reprotect { group, check } => reprotect(api, out, &group, check).await,
        Command::Remove { group } => {
            let id = names::group(api, &group).await?.id;
            api.delete::<serde_json::Value>(&format!("/groups/{id}")).await?;
            out.say(format!("{group} is removed; its machines are not protected any more."));
            Ok(())
        }
    }
}

async fn add(a: Add, api: &Client, out: Out) -> Result<()> {
    let mut machine_ids = vec![];
    for name in &a.machines {
        machine_ids.push(names::machine(api, name).await?);
    }
    let new = NewGroup {
        name: a.name,
        protected_site: a.protected_site,
        recovery_site: a.recovery_site,
        target_cloud_id: names::cloud(api, &a.target).await?,
        policy: Policy { rpo_seconds: a.rpo, keep_points: a.keep_points, keep_hours: a.keep_hours, bandwidth: a.bandwidth },
        networks: spec::mappings("--network", &a.network)?,
        storage: spec::mappings("--storage", &a.storage)?,
        machine_ids,
    };
    let group: Group = api.post("/groups", &new).await?;
    out.show(&group, |g| format!("{} protects {} machines to {}.", g.name, g.members.len(), g.target_cloud))
}

async fn switch(api: &Client, out: Out, group: &str, verb: &str) -> Result<()> {
    let id = names::group(api, group).await?.id;
    let group: Group = api.post(&format!("/groups/{id}/{verb}"), &serde_json::json!({})).await?;
    out.show(&group, |g| format!("{} is {}.", g.name, if g.paused { "paused" } else { "replicating" }))
}

async fn reprotect(api: &Client, out: Out, group: &str, check: bool) -> Result<()> {
    let path = format!("/groups/{}/reprotect", names::group(api, group).await?.id);
    let found: Reprotection = api.get(&path).await?;
    if check {
        return out.show(&found, reprotection);
    }
    out.say(reprotection(&found));
    let group: Group = api.post(&path, &serde_json::json!({})).await?;
    out.show(&group, |g| format!("{} is protected from {} to {} now.", g.name, g.protected_site, g.recovery_site))
}

fn reprotection(r: &Reprotection) -> String {
    let machines = table(["machine", "about"], &r.machines, |m| [m.name.clone(), bytes(m.bytes)]);
    let mut lines = vec![format!("{} → {} ({}), about {}", r.from, r.to, r.target_cloud, bytes(r.bytes)), String::new(), machines];
    lines.extend(r.refused.iter().map(|why| format!("STOP: {why}")));
    lines.push(problems(&r.problems));
    lines.join("\n")
}

fn list(all: &[Group]) -> String {
    let at = now();
    table(["name", "from", "to", "machines", "objective", "worst lag", "breach"], all, |g| {
        let lags: Option<Vec<i64>> = g.members.iter().map(|m| m.replication.lag_ms(at)).collect();
        let worst = lags.map_or("no point yet".into(), |l| l.into_iter().max().map(super::output::span).unwrap_or_default());
        let breach = g.members.iter().filter(|m| m.replication.in_breach(&g.policy, at)).count();
        [
            g.name.clone(),
            g.protected_site.clone(),
            format!("{} ({})", g.recovery_site, g.target_cloud),
            g.members.len().to_string(),
            format!("{} s", g.policy.rpo_seconds),
            if g.paused { format!("{worst}, paused") } else { worst },
            breach.to_string(),
        ]
    })
}

fn show(g: &Group) -> String {
    let at = now();
    let members = table(["machine", "state", "lag", "points", "error"], &g.members, |m| {
        let r = &m.replication;
        [m.name.clone(), word(&r.state), age(r.newest_point_at, at), r.points.to_string(), r.last_error.clone().unwrap_or_default()]
    });
    let paused = if g.paused { ", paused" } else { "" };
    format!(
        "{}  {} → {} ({}), objective {} s{paused}\n\n{members}",
        g.name, g.protected_site, g.recovery_site, g.target_cloud, g.policy.rpo_seconds
    )
}
