//! `crossfade plan`.

use super::{
    client::{Client, Failure, Result},
    names,
    output::{Out, age, problems, table},
    spec,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::{
    plan::{Callout, CalloutAction, CalloutError, HealthCheck, Plan, PlanMachine, PlanSpec, ServiceAddress},
    protection::Group,
};

#[derive(Subcommand)]
pub enum Command {
    /// Write a plan: which machines come up in which order, and how each is known to be well
    Add(Add),
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
    /// Machines of a priority group, 1 (first) to 5; others get 3
    #[arg(long = "priority", value_name = "N=MACHINE,…")]
    priorities: Vec<String>,
    /// For every machine, or MACHINE=CHECK for one: running, ping, tcp:PORT, http:/path, http:PORT/path, guest-agent
    #[arg(long = "health", value_name = "CHECK")]
    health: Vec<String>,
    /// Seconds until a machine must be well
    #[arg(long, default_value_t = 120)]
    health_timeout: u32,
    /// A machine waits for others of its priority group
    #[arg(long = "after", value_name = "MACHINE=OTHER,…")]
    after: Vec<String>,
    /// An address that clients use, and the machine that carries it
    #[arg(long = "service-address", value_name = "IP=MACHINE")]
    service_addresses: Vec<String>,
    /// A program of the node's callout folder, before priority group N (6: after all)
    #[arg(long = "script", value_name = "N=PROGRAM ARGS")]
    scripts: Vec<String>,
    /// A question that somebody must answer, before priority group N (6: after all)
    #[arg(long = "prompt", value_name = "N=QUESTION")]
    prompts: Vec<String>,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Add(a) => {
            let mut groups = vec![];
            for name in &a.groups {
                groups.push(names::group(api, name).await?);
            }
            let plan: Plan = api.post("/plans", &compose(&a, &groups)?).await?;
            out.show(&plan, |p| {
                format!("{} is written: {} machines, {} → {}.", p.spec.name, p.spec.machines.len(), p.protected_site, p.recovery_site)
            })
        }
        Command::List => out.show(&api.all::<Plan>("/plans").await?, |all| list(all)),
        Command::Show { plan } => out.show(&names::plan(api, &plan).await?, show),
        Command::Check { plan } => check(api, out, &plan).await,
        Command::Remove { plan } => {
            let id = names::plan(api, &plan).await?.id;
            api.delete::<serde_json::Value>(&format!("/plans/{id}")).await?;
            out.say(format!("{plan} is removed."));
            Ok(())
        }
    }
}

async fn check(api: &Client, out: Out, plan: &str) -> Result<()> {
    let id = names::plan(api, plan).await?.id;
    let plan: Plan = api.post(&format!("/plans/{id}/check"), &serde_json::json!({})).await?;
    out.show(&plan, |p| if p.problems.is_empty() { format!("{} is ready.", p.spec.name) } else { problems(&p.problems) })?;
    let blocked = plan.problems.iter().any(model::Problem::blocks);
    if blocked { Err(Failure::failed("The plan is not ready: mend what is marked STOP.")) } else { Ok(()) }
}

/// Pure: from the flags and the groups to the plan.
fn compose(a: &Add, groups: &[Group]) -> Result<PlanSpec> {
    let common = a.health.iter().find(|h| !names_a_machine(h)).map_or(Ok(HealthCheck::Running), |h| spec::health(h))?;
    let defaults = |id: &String| PlanMachine {
        health: common.clone(),
        health_timeout_seconds: a.health_timeout,
        ..PlanMachine::with_defaults(id.clone())
    };
    let mut machines: Vec<PlanMachine> = groups.iter().flat_map(|g| g.members.iter().map(|m| defaults(&m.id))).collect();
    for text in &a.priorities {
        let (number, list) = numbered("--priority", text, 5)?;
        for name in split(&list) {
            machine(&mut machines, groups, name)?.priority = number;
        }
    }
    for text in a.health.iter().filter(|h| names_a_machine(h)) {
        let (name, check) = spec::pair("--health", text)?;
        machine(&mut machines, groups, &name)?.health = spec::health(&check)?;
    }
    for text in &a.after {
        let (name, others) = spec::pair("--after", text)?;
        let others = split(&others).map(|o| names::member(groups, o)).collect::<Result<Vec<_>>>()?;
        machine(&mut machines, groups, &name)?.after = others;
    }
    Ok(PlanSpec {
        name: a.name.clone(),
        group_ids: groups.iter().map(|g| g.id.clone()).collect(),
        machines,
        service_addresses: a.service_addresses.iter().map(|text| address(groups, text)).collect::<Result<_>>()?,
        callouts: callouts(a)?,
    })
}

fn machine<'a>(machines: &'a mut [PlanMachine], groups: &[Group], name: &str) -> Result<&'a mut PlanMachine> {
    let id = names::member(groups, name)?;
    machines.iter_mut().find(|m| m.member_id == id).ok_or_else(|| Failure::input(format!("{name} is not in these groups.")))
}

/// `web1=http:8080/`, but not `http:/a=b`.
fn names_a_machine(health: &str) -> bool {
    health.split_once('=').is_some_and(|(name, _)| !name.contains(':'))
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|s| !s.is_empty())
}

fn numbered(flag: &str, text: &str, most: u8) -> Result<(u8, String)> {
    let (number, rest) = spec::pair(flag, text)?;
    match number.parse() {
        Ok(n) if (1..=most).contains(&n) => Ok((n, rest)),
        _ => Err(Failure::input(format!("{flag} begins with '{number}': write a number from 1 to {most}"))),
    }
}

fn address(groups: &[Group], text: &str) -> Result<ServiceAddress> {
    let (address, name) = spec::pair("--service-address", text)?;
    let (member_id, mechanism) = (names::member(groups, &name)?, "garp".into());
    Ok(ServiceAddress { address, member_id, mechanism, network: None, probe: HealthCheck::default() })
}

fn callouts(a: &Add) -> Result<Vec<Callout>> {
    let script = |text: &String| {
        let (before_priority, line) = numbered("--script", text, 6)?;
        let mut words = line.split_whitespace().map(str::to_owned);
        let program = words.next().ok_or_else(|| Failure::input("--script names no program"))?;
        Ok(Callout {
            name: program.clone(),
            before_priority,
            action: CalloutAction::Script { program, args: words.collect(), timeout_seconds: 120 },
            on_error: CalloutError::default(),
        })
    };
    let prompt = |text: &String| {
        let (before_priority, question) = numbered("--prompt", text, 6)?;
        Ok(Callout {
            name: question.clone(),
            before_priority,
            action: CalloutAction::Prompt { question },
            on_error: CalloutError::default(),
        })
    };
    a.scripts.iter().map(script).chain(a.prompts.iter().map(prompt)).collect()
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

fn show(p: &Plan) -> String {
    let mut machines: Vec<&PlanMachine> = p.spec.machines.iter().collect();
    machines.sort_by_key(|m| m.priority);
    let rows = table(["priority", "member", "health", "timeout"], machines, |m| {
        let health = serde_json::to_string(&m.health).unwrap_or_default();
        [m.priority.to_string(), m.member_id.clone(), health, format!("{} s", m.health_timeout_seconds)]
    });
    format!("{}  {} → {}\n\n{rows}\n\n{}", p.spec.name, p.protected_site, p.recovery_site, problems(&p.problems))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: Add,
    }

    fn group(names: &[&str]) -> Group {
        let member = |n: &&str| {
            serde_json::json!({"id": format!("m-{n}"), "group_id": "g", "machine_id": "x", "name": n, "lineage": "l", "replication":
                {"state": "waiting", "points": 0, "newest_point_at": null, "transfer": null, "last_cycle_ms": null, "last_cycle_bytes": null,
                 "last_error": null, "error_since": null, "next_try_at": null}})
        };
        serde_json::from_value(serde_json::json!({"id": "g", "name": "shop", "protected_site": "a", "recovery_site": "b", "target_cloud_id": "c",
            "target_cloud": "c", "policy": {"rpo_seconds": 1, "keep_points": 1, "keep_hours": 1}, "networks": [], "storage": [], "paused": false,
            "members": names.iter().map(member).collect::<Vec<_>>(), "created_at": 0}))
        .unwrap()
    }

    fn compose_line(line: &str) -> Result<PlanSpec> {
        let args = ["x", "--name", "shop", "--group", "shop"].into_iter().chain(line.split(' '));
        compose(&Line::try_parse_from(args).unwrap().add, &[group(&["db1", "web1"])])
    }

    #[test]
    fn the_flags_become_a_plan() {
        let spec = compose_line("--priority 1=db1 --health http:/status --health web1=tcp:80 --service-address 10.0.0.1=web1").unwrap();
        assert_eq!((spec.machines[0].priority, spec.machines[1].priority), (1, 3));
        assert_eq!(spec.machines[0].health, HealthCheck::Http { address: None, port: 80, path: "/status".into() });
        assert_eq!(spec.machines[1].health, HealthCheck::Tcp { address: None, port: 80 });
        assert_eq!(spec.service_addresses[0].member_id, "m-web1");
    }

    #[test]
    fn wrong_flags_say_what_would_be_right() {
        assert!(compose_line("--priority 9=db1").unwrap_err().to_string().contains("1 to 5"));
        assert!(compose_line("--priority 1=db7").unwrap_err().to_string().contains("db7"));
    }
}
