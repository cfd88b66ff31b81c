//! `crossfade site`.

use super::{
    client::{Client, Failure, Result, escape},
    names,
    output::{Out, age, ask, problems, span, table},
    run::watch,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::{
    failover::{GroupTargets, TargetChoice, TargetOption},
    run::{BlastRadius, FailoverRequest, PointChoice, Run},
};

#[derive(Subcommand)]
pub enum Command {
    /// Start a site's machines at their recovery sites
    Failover(Failover),
}

#[derive(Args)]
pub struct Failover {
    site: String,
    /// Only show what it would do
    #[arg(long)]
    check: bool,
    /// The site's name once more, instead of being asked
    #[arg(long, value_name = "SITE")]
    confirm: Option<String>,
    /// What stands in for a proof that the site is off, typed exactly as the check shows it
    #[arg(long)]
    statement: Option<String>,
    /// Only this plan (several times for several)
    #[arg(long = "plan")]
    plans: Vec<String>,
    /// An older recovery point for a machine, as MACHINE=POINT (several times for several; see `machine points`)
    #[arg(long = "point", value_name = "MACHINE=POINT")]
    points: Vec<String>,
    /// Where a group comes up, as GROUP=CLOUD, of those that keep recovery points of it (several times for several)
    #[arg(long = "target", value_name = "GROUP=CLOUD", conflicts_with = "spread")]
    targets: Vec<String>,
    /// Fill the targets one after the other: a group that finds no room at its main one goes to the next
    #[arg(long)]
    spread: bool,
    /// Wait for the end
    #[arg(long)]
    watch: bool,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    let Command::Failover(f) = command;
    let path = format!("/sites/{}/failover", escape(&f.site));
    let query = if f.targets.is_empty() && !f.spread { String::new() } else { query(&f.targets, f.spread, &api.get(&path).await?)? };
    let blast: BlastRadius = api.get(&format!("{path}{query}")).await?;
    if f.check {
        return out.show(&blast, radius);
    }
    out.say(radius(&blast));
    if blast.problems.iter().any(model::Problem::blocks) {
        return Err(Failure::failed("The failover was not started: mend what is marked STOP."));
    }
    let mut plan_ids = vec![];
    for plan in &f.plans {
        plan_ids.push(names::plan(api, plan).await?.id);
    }
    let request = FailoverRequest {
        confirm: typed(f.confirm, "--confirm", &blast.confirm)?,
        statement: statement(f.statement, &blast)?,
        plan_ids,
        points: f.points.iter().map(|text| point(text, &blast)).collect::<Result<_>>()?,
        // As it was shown.
        targets: blast.targets.iter().map(|g| TargetChoice { group_id: g.group_id.clone(), cloud_id: g.cloud_id.clone() }).collect(),
        spread: false,
    };
    let run: Run = api.post(&path, &request).await?;
    if f.watch {
        out.say(format!("Run {} began.", run.id));
        return watch(api, out, &run.id).await;
    }
    out.show(&run, |r| format!("Run {} began: crossfade run watch {}", r.id, r.id))
}

/// The names of groups and clouds as the console knows them.
fn query(targets: &[String], spread: bool, blast: &BlastRadius) -> Result<String> {
    let mut all = vec![];
    for text in targets {
        let (group, cloud) = text.split_once('=').ok_or_else(|| Failure::input(format!("--target {text}: write GROUP=CLOUD")))?;
        let none = || Failure::input(format!("--target {text}: {group} is not among the groups that come up"));
        let found = blast.targets.iter().find(|g| g.group == group || g.group_id == group).ok_or_else(none)?;
        let names: Vec<&str> = found.options.iter().map(|o| o.cloud.as_str()).collect();
        let option = found.options.iter().find(|o| o.cloud == cloud || o.cloud_id == cloud);
        let none = || Failure::input(format!("--target {text}: {group} has recovery points at {}", names.join(", ")));
        all.push(format!("{}:{}", found.group_id, option.ok_or_else(none)?.cloud_id));
    }
    Ok(format!("?targets={}&spread={spread}", all.join(",")))
}

fn point(text: &str, blast: &BlastRadius) -> Result<PointChoice> {
    let (name, point_id) = text.split_once('=').ok_or_else(|| Failure::input(format!("--point {text}: write MACHINE=POINT")))?;
    let machine = blast.machines.iter().find(|m| m.name == name);
    let machine = machine.ok_or_else(|| Failure::input(format!("--point {text}: {name} is not among the machines that come up")))?;
    Ok(PointChoice { member_id: machine.member_id.clone(), point_id: point_id.into() })
}

fn statement(given: Option<String>, blast: &BlastRadius) -> Result<Option<String>> {
    blast.statement.as_deref().map(|wanted| typed(given, "--statement", wanted)).transpose()
}

fn typed(given: Option<String>, flag: &str, wanted: &str) -> Result<String> {
    match given {
        Some(text) => Ok(text),
        None => ask(&format!("Type exactly: {wanted}\n>"), &format!("Nothing was started: repeat with {flag} \"{wanted}\".")),
    }
}

fn radius(b: &BlastRadius) -> String {
    let at = now();
    let machines = table(["priority", "machine", "plan", "now", "newest point", "objective", "to", "addresses"], &b.machines, |m| {
        [
            m.priority.to_string(),
            m.name.clone(),
            m.plan.clone(),
            format!("{}{}", m.state.as_str().replace('_', " "), if m.starts { "" } else { ", stays off" }),
            age(m.newest_point_at, at),
            format!("{} s", m.rpo_seconds),
            m.target_cloud.clone(),
            m.addresses.join(" "),
        ]
    });
    let answers = if b.site_answers { "still answers: its machines are stopped first" } else { "does not answer" };
    let mut lines = vec![format!("Fail over {}: the site {answers}.", b.site), String::new(), machines, String::new()];
    if !b.unprotected.is_empty() {
        lines.push(format!("NOT PROTECTED, will be lost: {}", b.unprotected.join(", ")));
    }
    lines.extend(b.targets.iter().filter(|g| g.options.len() > 1).map(|g| targets(g, at)));
    lines.extend(b.forecast_rto_ms.map(|ms| format!("Forecast: {}", span(i64::try_from(ms).unwrap_or(i64::MAX)))));
    lines.push(problems(&b.problems));
    lines.join("\n")
}

fn targets(g: &GroupTargets, at: i64) -> String {
    let of = |o: &TargetOption| {
        let chosen = if o.cloud_id == g.cloud_id { " <- here" } else { "" };
        let free = o.memory_free_mib.map_or_else(|| "does not answer".into(), |mib| format!("{mib} MiB free"));
        let without = if o.without > 0 { format!(", {} without a point", o.without) } else { String::new() };
        format!("  {} ({}): {free}, points {}{without}{chosen}", o.cloud, o.site, age(o.point_at, at))
    };
    let options: Vec<String> = g.options.iter().map(of).collect();
    format!("{} ({} machines, {} MiB) can come up at:\n{}", g.group, g.machines, g.memory_mib, options.join("\n"))
}
