//! `crossfade group`.

use super::{
    client::{Client, Result},
    names,
    output::{Out, age, bytes, problems, table, word},
    placement, spec, target,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::protection::{Group, NewGroup, Policy, Reprotection};

#[derive(Subcommand)]
pub enum Command {
    /// Protect machines: keep recovery points of them at another site
    Add(Add),
    /// Change a group; what is not named stays as it is
    Change(Box<Change>),
    /// Take more machines into a group
    Protect {
        group: String,
        #[arg(required = true)]
        machines: Vec<String>,
    },
    /// End the protection of one machine; its recovery points go, the machine stays
    Release {
        group: String,
        machine: String,
    },
    List,
    /// One group with its members
    Show {
        group: String,
    },
    /// Where its machines can run: every cloud, asked now, with what it would take and cost
    Where {
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
    /// Further clouds that its machines are replicated to
    #[command(subcommand)]
    Target(target::Command),
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

#[derive(Args)]
pub struct Change {
    group: String,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// Where its machines run; only while it has none
    #[arg(long)]
    protected_site: Option<String>,
    /// Where they come up; only while it has none
    #[arg(long)]
    recovery_site: Option<String>,
    /// The cloud at the recovery site that keeps the recovery points; only while it has no machine
    #[arg(long, value_name = "CLOUD")]
    target: Option<String>,
    /// Seconds: the newest recovery point is never older
    #[arg(long)]
    rpo: Option<u32>,
    #[arg(long)]
    keep_points: Option<u32>,
    #[arg(long)]
    keep_hours: Option<u32>,
    /// Bytes per second for all members together
    #[arg(long, conflicts_with = "no_bandwidth")]
    bandwidth: Option<u64>,
    /// No limit
    #[arg(long)]
    no_bandwidth: bool,
    /// A network's counterpart, or new addresses: '10.1.0.0/24 via 10.1.0.1=10.2.0.0/24 via 10.2.0.1'; nothing after = takes
    /// the mapping away
    #[arg(long, value_name = "FROM=TO")]
    network: Vec<String>,
    /// Nothing after = takes the mapping away
    #[arg(long, value_name = "FROM=TO")]
    storage: Vec<String>,
}

impl Change {
    /// What the group is to be. Pure.
    fn of(self, known: Group, target_cloud_id: String) -> Result<NewGroup> {
        let old = known.policy;
        Ok(NewGroup {
            name: self.name.unwrap_or(known.name),
            protected_site: self.protected_site.unwrap_or(known.protected_site),
            recovery_site: self.recovery_site.unwrap_or(known.recovery_site),
            target_cloud_id,
            policy: Policy {
                rpo_seconds: self.rpo.unwrap_or(old.rpo_seconds),
                keep_points: self.keep_points.unwrap_or(old.keep_points),
                keep_hours: self.keep_hours.unwrap_or(old.keep_hours),
                bandwidth: if self.no_bandwidth { None } else { self.bandwidth.or(old.bandwidth) },
            },
            networks: spec::remapped(known.networks, spec::mappings("--network", &self.network)?),
            storage: spec::remapped(known.storage, spec::mappings("--storage", &self.storage)?),
            machine_ids: vec![],
        })
    }
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Add(a) => add(a, api, out).await,
        Command::Change(c) => change(*c, api, out).await,
        Command::Protect { group, machines } => protect(api, out, &group, &machines).await,
        Command::Release { group, machine } => {
            let found = names::group(api, &group).await?;
            let member = names::member(std::slice::from_ref(&found), &machine)?;
            api.delete::<Group>(&format!("/groups/{}/members/{member}", found.id)).await?;
            out.say(format!("{machine} is not protected any more."));
            Ok(())
        }
        Command::List => out.show(&api.all::<Group>("/groups").await?, |all| list(all)),
        Command::Show { group } => out.show(&names::group(api, &group).await?, show),
        Command::Where { group } => placement::group(api, out, &group).await,
        Command::Pause { group } => switch(api, out, &group, "pause").await,
        Command::Resume { group } => switch(api, out, &group, "resume").await,
        Command::Reprotect { group, check } => reprotect(api, out, &group, check).await,
        Command::Target(command) => target::run(command, api, out).await,
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

/// Refused when somebody else changed the group since it was read here.
async fn change(c: Change, api: &Client, out: Out) -> Result<()> {
    let known = names::group(api, &c.group).await?;
    let target = match &c.target {
        Some(cloud) => names::cloud(api, cloud).await?,
        None => known.target_cloud_id.clone(),
    };
    let (path, version) = (format!("/groups/{}", known.id), known.version);
    let group: Group = api.put_seen(&path, &c.of(known, target)?, version).await?;
    out.show(&group, |g| format!("{} is changed.", g.name))
}

async fn protect(api: &Client, out: Out, group: &str, machines: &[String]) -> Result<()> {
    let id = names::group(api, group).await?.id;
    let mut machine_ids = vec![];
    for name in machines {
        machine_ids.push(names::machine(api, name).await?);
    }
    let group: Group = api.post(&format!("/groups/{id}/members"), &serde_json::json!({ "machine_ids": machine_ids })).await?;
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
    let main = format!(
        "{}  {} → {} ({}), objective {} s{paused}\n\n{members}",
        g.name, g.protected_site, g.recovery_site, g.target_cloud, g.policy.rpo_seconds
    );
    std::iter::once(main).chain(g.further.iter().map(target::show)).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use model::Mapping;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        change: Change,
    }

    fn changed(line: &str) -> NewGroup {
        let group = serde_json::json!({"id": "g", "name": "shop", "protected_site": "a", "recovery_site": "b", "target_cloud_id": "c",
            "target_cloud": "c", "policy": {"rpo_seconds": 60, "keep_points": 3, "keep_hours": 4, "bandwidth": 100_000}, "paused": false,
            "networks": [{"from": "lan", "to": "net1"}, {"from": "dmz", "to": "net2"}], "storage": [], "members": [], "created_at": 0});
        let line = ["x", "shop"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(line).unwrap().change.of(serde_json::from_value(group).unwrap(), "c".into()).unwrap()
    }

    #[test]
    fn a_change_leaves_alone_what_it_does_not_name() {
        let same = changed("");
        assert_eq!((same.name.as_str(), same.policy.bandwidth, same.networks.len()), ("shop", Some(100_000), 2));
        let new = changed("--rpo 30 --no-bandwidth --network lan=net9 --network dmz=");
        assert_eq!((new.policy.rpo_seconds, new.policy.keep_points, new.policy.bandwidth), (30, 3, None));
        assert_eq!(new.networks, [Mapping { from: "lan".into(), to: "net9".into() }]);
    }
}
