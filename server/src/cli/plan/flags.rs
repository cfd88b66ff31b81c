//! The flags of a plan, and what they make of one: the same for a new plan and for a change, which leaves alone what it
//! does not name. Pure.

use super::callouts;
use crate::cli::{
    client::{Failure, Result},
    names, spec,
};
use clap::Args;
use model::{
    limits,
    plan::{HealthCheck, PlanMachine, PlanSpec, ServiceAddress},
    protection::Group,
};
use std::{ops::RangeInclusive, str::FromStr};

#[derive(Args, Default)]
pub struct Flags {
    /// Machines of a priority group, 1 (first) to 5; others get 3
    #[arg(long = "priority", value_name = "N=MACHINE,…")]
    priorities: Vec<String>,
    /// For every machine, or MACHINE=CHECK for one: running, ping, tcp:PORT, http:/path, http:PORT/path, guest-agent;
    /// at another address than its first: ping@IP, tcp@IP:PORT, http@IP:PORT/path
    #[arg(long = "health", value_name = "CHECK")]
    health: Vec<String>,
    /// Seconds until every machine must be well, or MACHINE=SECONDS for one
    #[arg(long = "health-timeout", value_name = "SECONDS")]
    health_timeouts: Vec<String>,
    /// A machine waits for others of its priority group; nothing after = takes that away
    #[arg(long = "after", value_name = "MACHINE=OTHER,…")]
    after: Vec<String>,
    /// A machine is started so much later than it could be
    #[arg(long = "start-delay", value_name = "MACHINE=SECONDS")]
    start_delays: Vec<String>,
    /// Machines that are started although they were off when they were last seen
    #[arg(long = "always-start", value_name = "MACHINE,…")]
    always_start: Vec<String>,
    /// Machines that stay off when they were off
    #[arg(long = "as-seen", value_name = "MACHINE,…")]
    as_seen: Vec<String>,
    /// An address that clients use (with the mechanism dns: a name), and the machine that carries it
    #[arg(long = "service-address", value_name = "IP=MACHINE")]
    service_addresses: Vec<String>,
    /// How the address is moved: garp (announced on a stretched network), floating (pointed by the recovery cloud), dns (a
    /// name in a zone of a connected cloud)
    #[arg(long = "address-mechanism", value_name = "IP=MECHANISM")]
    address_mechanisms: Vec<String>,
    /// The network at the recovery site of the card that carries the address; nothing after = takes that away
    #[arg(long = "address-network", value_name = "IP=NETWORK")]
    address_networks: Vec<String>,
    /// How the address is proved from outside: a check as for --health
    #[arg(long = "address-probe", value_name = "IP=CHECK")]
    address_probes: Vec<String>,
    /// A program of the node's callout folder, before priority group N (6: after all); options follow N with commas:
    /// go-on (when it fails; else the run waits for somebody), timeout:SECONDS, name:WORDS
    #[arg(long = "script", value_name = "N[,OPTION…]=PROGRAM ARGS")]
    scripts: Vec<String>,
    /// A question that somebody must answer, before priority group N (6: after all)
    #[arg(long = "prompt", value_name = "N[,name:WORDS]=QUESTION")]
    prompts: Vec<String>,
}

impl Flags {
    /// Writes them into the plan. `groups` are those of the plan, with their members.
    pub fn apply(&self, plan: &mut PlanSpec, groups: &[Group]) -> Result<()> {
        fill(plan, groups);
        self.settings(plan, groups)?;
        self.addresses(plan, groups)?;
        for text in &self.scripts {
            plan.callouts.push(callouts::script(text)?);
        }
        for text in &self.prompts {
            plan.callouts.push(callouts::prompt(text)?);
        }
        Ok(())
    }

    fn settings(&self, plan: &mut PlanSpec, groups: &[Group]) -> Result<()> {
        for text in &self.priorities {
            let (number, list) = spec::numbered("--priority", text, 5)?;
            for name in split(&list) {
                machine(plan, groups, name)?.priority = number;
            }
        }
        // First what holds for all, whatever the order: one machine's own is the exception.
        for text in self.health.iter().filter(|h| !names_a_machine(h)) {
            let check = spec::health("--health", text)?;
            plan.machines.iter_mut().for_each(|m| m.health = check.clone());
        }
        for text in self.health.iter().filter(|h| names_a_machine(h)) {
            let (name, check) = spec::pair("--health", text)?;
            machine(plan, groups, &name)?.health = spec::health("--health", &check)?;
        }
        for text in self.health_timeouts.iter().filter(|t| !t.contains('=')) {
            let seconds = seconds("--health-timeout", text, &limits::HEALTH_TIMEOUT_SECONDS)?;
            plan.machines.iter_mut().for_each(|m| m.health_timeout_seconds = seconds);
        }
        for text in self.health_timeouts.iter().filter(|t| t.contains('=')) {
            let (name, text) = spec::pair("--health-timeout", text)?;
            machine(plan, groups, &name)?.health_timeout_seconds = seconds("--health-timeout", &text, &limits::HEALTH_TIMEOUT_SECONDS)?;
        }
        for text in &self.after {
            let (name, others) = spec::pair("--after", text)?;
            let others = split(&others).map(|o| names::member(groups, o)).collect::<Result<Vec<_>>>()?;
            machine(plan, groups, &name)?.after = others;
        }
        for text in &self.start_delays {
            let (name, text) = spec::pair("--start-delay", text)?;
            machine(plan, groups, &name)?.start_delay_seconds = seconds("--start-delay", &text, &limits::START_DELAY_SECONDS)?;
        }
        for (list, on) in [(&self.always_start, true), (&self.as_seen, false)] {
            for name in list.iter().flat_map(|l| split(l)) {
                machine(plan, groups, name)?.always_start = on;
            }
        }
        Ok(())
    }

    fn addresses(&self, plan: &mut PlanSpec, groups: &[Group]) -> Result<()> {
        for text in &self.service_addresses {
            let (address, name) = spec::pair("--service-address", text)?;
            let member_id = names::member(groups, &name)?;
            match plan.service_addresses.iter_mut().find(|a| a.address == address) {
                Some(known) => known.member_id = member_id,
                None => plan.service_addresses.push(fresh(address, member_id)),
            }
        }
        for text in &self.address_mechanisms {
            let (ip, mechanism) = spec::pair("--address-mechanism", text)?;
            address(plan, "--address-mechanism", &ip)?.mechanism = mechanism;
        }
        for text in &self.address_networks {
            let (ip, network) = spec::pair("--address-network", text)?;
            address(plan, "--address-network", &ip)?.network = Some(network).filter(|n| !n.is_empty());
        }
        for text in &self.address_probes {
            let (ip, check) = spec::pair("--address-probe", text)?;
            address(plan, "--address-probe", &ip)?.probe = spec::health("--address-probe", &check)?;
        }
        Ok(())
    }
}

fn fresh(address: String, member_id: String) -> ServiceAddress {
    ServiceAddress { address, member_id, mechanism: "garp".into(), network: None, probe: HealthCheck::default() }
}

/// Every member has settings of its own, so that one can be found by its name; those that left the groups go.
fn fill(plan: &mut PlanSpec, groups: &[Group]) {
    let members: Vec<&String> = groups.iter().flat_map(|g| &g.members).map(|m| &m.id).collect();
    plan.machines.retain(|m| members.contains(&&m.member_id));
    for id in members {
        if !plan.machines.iter().any(|m| &m.member_id == id) {
            plan.machines.push(PlanMachine::with_defaults(id.clone()));
        }
    }
}

fn machine<'a>(plan: &'a mut PlanSpec, groups: &[Group], name: &str) -> Result<&'a mut PlanMachine> {
    let id = names::member(groups, name)?;
    plan.machines.iter_mut().find(|m| m.member_id == id).ok_or_else(|| Failure::input(format!("{name} is not in these groups.")))
}

fn address<'a>(plan: &'a mut PlanSpec, flag: &str, ip: &str) -> Result<&'a mut ServiceAddress> {
    let wrong =
        || Failure::input(format!("{flag} names {ip}, which is no service address of the plan: add --service-address {ip}=MACHINE"));
    plan.service_addresses.iter_mut().find(|a| a.address == ip).ok_or_else(wrong)
}

/// `web1=http:8080/`, but not `http:/a=b`.
fn names_a_machine(health: &str) -> bool {
    health.split_once('=').is_some_and(|(name, _)| !name.contains(':'))
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|s| !s.is_empty())
}

/// A number of seconds within what is possible.
pub fn seconds<T: FromStr + PartialOrd + std::fmt::Display>(flag: &str, text: &str, range: &RangeInclusive<T>) -> Result<T> {
    let wrong = || Failure::input(format!("{flag} is '{text}': write seconds from {} to {}", range.start(), range.end()));
    text.parse().ok().filter(|n| range.contains(n)).ok_or_else(wrong)
}
