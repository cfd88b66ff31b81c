//! What cannot be right in a plan: field by field, with what would be.

use crate::{error::Result, state::Node, steering, store::plans};
use model::{
    Id,
    error::FieldError,
    limits,
    plan::{Callout, CalloutAction, HealthCheck, PlanMachine, PlanSpec},
};
use std::{
    collections::{HashMap, HashSet},
    net::Ipv4Addr,
};

pub async fn fields(node: &Node, spec: &PlanSpec) -> Result<Vec<FieldError>> {
    let groups = plans::groups(&node.db).await?;
    let mut members: HashMap<Id, String> = HashMap::new();
    for id in &spec.group_ids {
        members.extend(plans::member_ids(&node.db, id).await?);
    }
    let mut wrong = Wrong::default();
    wrong.name(&spec.name);
    let known: Vec<&plans::GroupSites> = groups.iter().filter(|g| spec.group_ids.contains(&g.id)).collect();
    wrong.groups(spec, &known);
    wrong.machines(&spec.machines, &members);
    wrong.addresses(spec, &members);
    for (i, callout) in spec.callouts.iter().enumerate() {
        wrong.callout(i, callout);
    }
    Ok(wrong.0)
}

#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), message: message.into(), span: None });
    }

    fn name(&mut self, name: &str) {
        if name.is_empty() || name.chars().count() > 100 {
            self.add("name", "A plan needs a name of 1 to 100 characters.");
        }
    }

    fn groups(&mut self, spec: &PlanSpec, known: &[&plans::GroupSites]) {
        if spec.group_ids.is_empty() {
            self.add("group_ids", "A plan needs at least one protection group.");
        }
        for (i, id) in spec.group_ids.iter().enumerate() {
            if !known.iter().any(|g| &g.id == id) {
                self.add(format!("group_ids[{i}]"), format!("There is no protection group {id}. Take one of GET /groups."));
            }
        }
        let Some(first) = known.first() else { return };
        let other = known.iter().find(|g| g.protected_site != first.protected_site || g.recovery_site != first.recovery_site);
        if let Some(g) = other {
            let message = format!(
                "{} goes from {} to {}, but {} from {} to {}: a plan is for one direction. Make two plans.",
                first.name, first.protected_site, first.recovery_site, g.name, g.protected_site, g.recovery_site
            );
            self.add("group_ids", message);
        }
    }

    fn machines(&mut self, machines: &[PlanMachine], members: &HashMap<Id, String>) {
        let priorities: HashMap<&Id, u8> = machines.iter().map(|m| (&m.member_id, m.priority)).collect();
        let mut seen = HashSet::new();
        for (i, m) in machines.iter().enumerate() {
            let at = |field: &str| format!("machines[{i}].{field}");
            if !members.contains_key(&m.member_id) {
                self.add(at("member_id"), format!("{} is not a member of the plan's groups.", m.member_id));
            }
            if !seen.insert(&m.member_id) {
                self.add(at("member_id"), format!("{} is listed twice. Keep one.", name(members, &m.member_id)));
            }
            if !limits::PRIORITIES.contains(&m.priority) {
                self.add(at("priority"), format!("{} is not a priority group. Take 1 (first) to 5 (last).", m.priority));
            }
            if !limits::HEALTH_TIMEOUT_SECONDS.contains(&m.health_timeout_seconds) {
                self.add(at("health_timeout_seconds"), "The health check may take 1 to 3600 seconds.");
            }
            if !limits::START_DELAY_SECONDS.contains(&m.start_delay_seconds) {
                self.add(at("start_delay_seconds"), "A start delay is 3600 seconds at most.");
            }
            if let Err((field, why)) = check_health(&m.health) {
                self.add(at(&format!("health.{field}")), why);
            }
            for (j, other) in m.after.iter().enumerate() {
                self.dependency(&format!("machines[{i}].after[{j}]"), m, other, &priorities, members);
            }
        }
        if let Some(cycle) = cycle(machines) {
            let names: Vec<&str> = cycle.iter().map(|id| name(members, id)).collect();
            self.add("machines", format!("These machines wait for each other: {}. Take one dependency out.", names.join(" → ")));
        }
    }

    fn dependency(&mut self, field: &str, m: &PlanMachine, other: &Id, priorities: &HashMap<&Id, u8>, members: &HashMap<Id, String>) {
        if other == &m.member_id {
            self.add(field, format!("{} cannot wait for itself.", name(members, other)));
        } else if !members.contains_key(other) {
            self.add(field, format!("{other} is not a member of the plan's groups."));
        } else if priorities.get(other).copied().unwrap_or(3) != m.priority {
            let message =
                format!("{} is in another priority group. Those are in order anyway: take the dependency out.", name(members, other));
            self.add(field, message);
        }
    }

    fn addresses(&mut self, spec: &PlanSpec, members: &HashMap<Id, String>) {
        let mut seen = HashSet::new();
        for (i, a) in spec.service_addresses.iter().enumerate() {
            let at = |field: &str| format!("service_addresses[{i}].{field}");
            if !a.fits() && a.is_name() {
                self.add(at("address"), format!("'{}' is not a name of DNS. Write it like shop.example.com.", a.address));
            } else if !a.fits() {
                self.add(
                    at("address"),
                    format!("'{}' is not an IPv4 address. Write it like 10.0.0.5, without a prefix length.", a.address),
                );
            }
            if !seen.insert(&a.address) {
                self.add(at("address"), format!("{} is listed twice. Keep one.", a.address));
            }
            if !members.contains_key(&a.member_id) {
                self.add(at("member_id"), format!("{} is not a member of the plan's groups.", a.member_id));
            }
            if let Err(why) = steering::is_known(&a.mechanism) {
                self.add(at("mechanism"), why);
            }
            if let Err((field, why)) = check_health(&a.probe) {
                self.add(at(&format!("probe.{field}")), why);
            }
        }
    }

    fn callout(&mut self, i: usize, callout: &Callout) {
        let at = |field: &str| format!("callouts[{i}].{field}");
        if callout.name.trim().is_empty() {
            self.add(at("name"), "A callout needs a name.");
        }
        if !(1..=6).contains(&callout.before_priority) {
            self.add(at("before_priority"), "A callout runs before a priority group, 1 to 5, or after all with 6.");
        }
        match &callout.action {
            CalloutAction::Prompt { question } if question.trim().is_empty() => self.add(at("action.question"), "What is to be asked?"),
            CalloutAction::Script { program, timeout_seconds, .. } => {
                if program.is_empty() || program.starts_with('.') || program.contains(['/', '\\', '\0']) {
                    self.add(at("action.program"), "Name a program of the node's callout folder, without a path.");
                }
                if !limits::CALLOUT_TIMEOUT_SECONDS.contains(timeout_seconds) {
                    self.add(at("action.timeout_seconds"), "A program may take 1 to 86400 seconds.");
                }
            }
            CalloutAction::Prompt { .. } => {}
        }
    }
}

fn name<'a>(members: &'a HashMap<Id, String>, id: &'a Id) -> &'a str {
    members.get(id).map_or(id, String::as_str)
}

/// A health check that cannot be right: which field, and why.
///
/// # Errors
/// That.
pub fn check_health(check: &HealthCheck) -> std::result::Result<(), (&'static str, String)> {
    let (address, port, path) = match check {
        HealthCheck::Running | HealthCheck::GuestAgent => return Ok(()),
        HealthCheck::Ping { address } => (address, None, None),
        HealthCheck::Tcp { address, port } => (address, Some(*port), None),
        HealthCheck::Http { address, port, path } => (address, Some(*port), Some(path)),
    };
    if let Some(a) = address.as_ref().filter(|a| a.parse::<Ipv4Addr>().is_err()) {
        return Err(("address", format!("'{a}' is not an IPv4 address. Write it like 10.0.0.5, or leave it out.")));
    }
    if port == Some(0) {
        return Err(("port", "Port 0 does not exist. Take 1 to 65535.".into()));
    }
    if path.is_some_and(|p| !p.starts_with('/') || p.contains(char::is_whitespace)) {
        return Err(("path", "The path begins with / and has no spaces.".into()));
    }
    Ok(())
}

/// Machines that wait for each other, in order, the first one again at the end.
fn cycle(machines: &[PlanMachine]) -> Option<Vec<Id>> {
    let after: HashMap<&Id, &Vec<Id>> = machines.iter().map(|m| (&m.member_id, &m.after)).collect();
    let mut done: HashSet<&Id> = HashSet::new();
    machines.iter().find_map(|m| walk(&m.member_id, &after, &mut vec![], &mut done))
}

fn walk<'a>(id: &'a Id, after: &HashMap<&'a Id, &'a Vec<Id>>, path: &mut Vec<&'a Id>, done: &mut HashSet<&'a Id>) -> Option<Vec<Id>> {
    if let Some(at) = path.iter().position(|p| *p == id) {
        return Some(path[at..].iter().copied().chain([id]).cloned().collect());
    }
    if done.contains(id) {
        return None;
    }
    path.push(id);
    // One that waits only for itself is told by its own message.
    let found = after.get(id).into_iter().flat_map(|l| l.iter()).filter(|o| *o != id).find_map(|other| walk(other, after, path, done));
    path.pop();
    done.insert(id);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::plan::ServiceAddress;

    fn machine(id: &str, after: &[&str]) -> PlanMachine {
        PlanMachine { after: after.iter().map(|a| (*a).to_owned()).collect(), ..PlanMachine::with_defaults(id.into()) }
    }

    #[test]
    fn a_cycle_is_found_and_named_in_order() {
        let machines = [machine("a", &[]), machine("b", &["d", "a"]), machine("c", &["b"]), machine("d", &["c"])];
        assert_eq!(cycle(&machines).unwrap(), ["b", "d", "c", "b"]);
        assert_eq!(cycle(&machines[..3]), None);
    }

    #[test]
    fn a_name_is_for_dns_and_an_address_for_the_others() {
        let members = HashMap::from([("a".to_owned(), "web1".to_owned())]);
        let said = |mechanism: &str, address: &str| {
            let (mechanism, address, member_id) = (mechanism.into(), address.into(), "a".into());
            let service_addresses = vec![ServiceAddress { address, member_id, mechanism, network: None, probe: HealthCheck::default() }];
            let mut wrong = Wrong::default();
            wrong.addresses(&PlanSpec { service_addresses, ..PlanSpec::default() }, &members);
            wrong.0.into_iter().map(|f| f.message).collect::<String>()
        };
        assert_eq!(said("dns", "shop.example.com") + &said("garp", "10.0.0.5"), "");
        assert!(said("dns", "10.0.0.5").contains("not a name of DNS") && said("floating", "shop.example.com").contains("not an IPv4"));
        assert!(said("carrier-pigeon", "10.0.0.5").contains("Take one of: garp, floating, dns"));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let members = HashMap::from([("a".to_owned(), "db1".to_owned())]);
        let mut wrong = Wrong::default();
        let bad = PlanMachine {
            priority: 9,
            health: HealthCheck::Tcp { address: Some("nowhere".into()), port: 0 },
            ..machine("a", &["a", "zz"])
        };
        wrong.machines(&[bad], &members);
        let fields: Vec<&str> = wrong.0.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["machines[0].priority", "machines[0].health.address", "machines[0].after[0]", "machines[0].after[1]"]);
    }
}
