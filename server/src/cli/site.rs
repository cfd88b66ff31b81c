//! `crossfade site`.

use super::{
    client::{Client, Failure, Result, escape},
    names,
    output::{Out, age, ask, problems, span, table},
    run::watch,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::run::{BlastRadius, FailoverRequest, PointChoice, Run};

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
    /// Wait for the end
    #[arg(long)]
    watch: bool,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    let Command::Failover(f) = command;
    let path = format!("/sites/{}/failover", escape(&f.site));
    let blast: BlastRadius = api.get(&path).await?;
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
    };
    let run: Run = api.post(&path, &request).await?;
    if f.watch {
        out.say(format!("Run {} began.", run.id));
        return watch(api, out, &run.id).await;
    }
    out.show(&run, |r| format!("Run {} began: crossfade run watch {}", r.id, r.id))
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
    lines.extend(b.forecast_rto_ms.map(|ms| format!("Forecast: {}", span(i64::try_from(ms).unwrap_or(i64::MAX)))));
    lines.push(problems(&b.problems));
    lines.join("\n")
}
