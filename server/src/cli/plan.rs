//! `crossfade plan`.

mod callouts;
mod flags;
#[cfg(test)]
mod tests;

use super::{
    client::{Client, Failure, Result},
    names,
    output::{Out, age, problems, table},
};
use crate::state::now;
use clap::{Args, Subcommand};
use flags::Flags;
use model::{
    plan::{CalloutAction, CalloutError, Plan, PlanMachine, PlanSpec},
    protection::Group,
};

#[derive(Subcommand)]
pub enum Command {
    /// Write a plan: which machines come up in which order, and how each is known to be well
    Add(Box<Add>),
    /// Change a plan; what is not named stays as it is
    Change(Box<Change>),
    List,
    /// One plan
    Show {
        plan: String,
    },
    /// Look whether it would work; changes nothing
    Check {
        plan: String,
    },
    Remove {
        plan: String,
    },
}

#[derive(Args)]
pub struct Add {
    #[arg(long)]
    name: String,
    /// Protection group (several times for several)
    #[arg(long = "group", required = true)]
    groups: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Args)]
pub struct Change {
    plan: String,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// Exactly these protection groups in place of those that it has (several times for several)
    #[arg(long = "group")]
    groups: Vec<String>,
    /// Take a service address away
    #[arg(long = "no-service-address", value_name = "IP")]
    no_addresses: Vec<String>,
    /// Take a script or a prompt away, by its name
    #[arg(long = "no-callout", value_name = "NAME")]
    no_callouts: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Add(a) => add(*a, api, out).await,
        Command::Change(c) => change(*c, api, out).await,
        Command::List => out.show(&api.all::<Plan>("/plans").await?, |all| list(all)),
        Command::Show { plan } => {
            let (plan, groups) = (names::plan(api, &plan).await?, api.all::<Group>("/groups").await?);
            out.show(&plan, |p| show(p, &groups))
        }
        Command::Check { plan } => check(api, out, &plan).await,
        Command::Remove { plan } => {
            let id = names::plan(api, &plan).await?.id;
            api.delete::<serde_json::Value>(&format!("/plans/{id}")).await?;
            out.say(format!("{plan} is removed."));
            Ok(())
        }
    }
}

async fn add(a: Add, api: &Client, out: Out) -> Result<()> {
    let groups = groups(api, &a.groups).await?;
    let mut spec = PlanSpec { name: a.name, group_ids: groups.iter().map(|g| g.id.clone()).collect(), ..PlanSpec::default() };
    a.flags.apply(&mut spec, &groups)?;
    let plan: Plan = api.post("/plans", &spec).await?;
    out.show(&plan, |p| {
        format!("{} is written: {} machines, {} → {}.", p.spec.name, p.spec.machines.len(), p.protected_site, p.recovery_site)
    })
}

/// Refused when somebody else changed the plan since it was read here.
async fn change(c: Change, api: &Client, out: Out) -> Result<()> {
    let known = names::plan(api, &c.plan).await?;
    let mut spec = known.spec;
    let wanted = if c.groups.is_empty() { spec.group_ids.clone() } else { c.groups };
    let groups = groups(api, &wanted).await?;
    spec.group_ids = groups.iter().map(|g| g.id.clone()).collect();
    spec.name = c.name.unwrap_or(spec.name);
    take_away(&mut spec, &c.no_addresses, &c.no_callouts)?;
    c.flags.apply(&mut spec, &groups)?;
    let plan: Plan = api.put_seen(&format!("/plans/{}", known.id), &spec, known.version).await?;
    out.show(&plan, |p| format!("{} is changed.", p.spec.name))
}

/// By name or identifier.
async fn groups(api: &Client, given: &[String]) -> Result<Vec<Group>> {
    let mut groups = vec![];
    for name in given {
        groups.push(names::group(api, name).await?);
    }
    Ok(groups)
}

fn take_away(spec: &mut PlanSpec, addresses: &[String], callouts: &[String]) -> Result<()> {
    for ip in addresses {
        let all: Vec<String> = spec.service_addresses.iter().map(|a| a.address.clone()).collect();
        let at = all.iter().position(|a| a == ip).ok_or_else(|| not_there("service address", ip, &all))?;
        spec.service_addresses.remove(at);
    }
    for name in callouts {
        let all: Vec<String> = spec.callouts.iter().map(|c| c.name.clone()).collect();
        let at = all.iter().position(|a| a == name).ok_or_else(|| not_there("script or prompt", name, &all))?;
        spec.callouts.remove(at);
    }
    Ok(())
}

fn not_there(what: &str, given: &str, all: &[String]) -> Failure {
    let there = if all.is_empty() { "It has none.".into() } else { format!("It has: {}.", all.join(", ")) };
    Failure::input(format!("The plan has no {what} '{given}'. {there}"))
}

async fn check(api: &Client, out: Out, plan: &str) -> Result<()> {
    let id = names::plan(api, plan).await?.id;
    let plan: Plan = api.post(&format!("/plans/{id}/check"), &serde_json::json!({})).await?;
    out.show(&plan, |p| if p.problems.is_empty() { format!("{} is ready.", p.spec.name) } else { problems(&p.problems) })?;
    let blocked = plan.problems.iter().any(model::Problem::blocks);
    if blocked { Err(Failure::failed("The plan is not ready: mend what is marked STOP.")) } else { Ok(()) }
}

fn list(all: &[Plan]) -> String {
    let at = now();
    table(["name", "from", "to", "machines", "addresses", "checked", "findings"], all, |p| {
        [
            p.spec.name.clone(),
            p.protected_site.clone(),
            p.recovery_site.clone(),
            p.spec.machines.len().to_string(),
            p.spec.service_addresses.len().to_string(),
            age(p.checked_at, at),
            p.problems.len().to_string(),
        ]
    })
}

fn show(p: &Plan, groups: &[Group]) -> String {
    let member = |id: &String| groups.iter().flat_map(|g| &g.members).find(|m| &m.id == id).map_or_else(|| id.clone(), |m| m.name.clone());
    let mut machines: Vec<&PlanMachine> = p.spec.machines.iter().collect();
    machines.sort_by_key(|m| m.priority);
    let rows = table(["priority", "machine", "health", "timeout", "later by", "after", "starts"], machines, |m| {
        [
            m.priority.to_string(),
            member(&m.member_id),
            super::spec::health_text(&m.health),
            format!("{} s", m.health_timeout_seconds),
            format!("{} s", m.start_delay_seconds),
            m.after.iter().map(member).collect::<Vec<_>>().join(", "),
            if m.always_start { "always".into() } else { "as seen".into() },
        ]
    });
    let addresses = p.spec.service_addresses.iter().map(|a| {
        let network = a.network.as_ref().map(|n| format!(" in {n}")).unwrap_or_default();
        format!("  address  {} at {}{network}, proved by {}", a.address, member(&a.member_id), super::spec::health_text(&a.probe))
    });
    let callouts = p.spec.callouts.iter().map(|c| {
        let place = if c.before_priority > 5 { "after all".into() } else { format!("before {}", c.before_priority) };
        let goes_on = if c.on_error == CalloutError::GoOn { ", goes on when it fails" } else { "" };
        match &c.action {
            CalloutAction::Script { program, args, timeout_seconds } => {
                format!("  script   {place}: {} ({program} {}, {timeout_seconds} s{goes_on})", c.name, args.join(" "))
            }
            CalloutAction::Prompt { question } => format!("  prompt   {place}: {} ({question})", c.name),
        }
    });
    let mut lines = vec![format!("{}  {} → {}", p.spec.name, p.protected_site, p.recovery_site), String::new(), rows];
    lines.extend(addresses.chain(callouts));
    lines.extend((!p.problems.is_empty()).then(|| format!("\n{}", problems(&p.problems))));
    lines.join("\n")
}
