//! Editing a plan: what each control does to the [`PlanSpec`]. Pure; the screen only calls it.
//!
//! Two rules hold after every call: a machine depends only on machines of its own priority group, and the
//! dependencies have no circle. So an editor that uses these functions cannot write a plan that never ends.

use model::{
    Id,
    plan::{Callout, CalloutAction, PlanMachine, PlanSpec},
    protection::{Group, Member},
};

pub use model::limits::PRIORITIES;

/// Settings of a member: what the plan says, or the defaults.
pub fn settings(spec: &PlanSpec, member: &str) -> PlanMachine {
    spec.machines.iter().find(|m| m.member_id == member).cloned().unwrap_or_else(|| PlanMachine::with_defaults(member.into()))
}

/// All members that the plan's groups have now, by name.
pub fn members(spec: &PlanSpec, groups: &[Group]) -> Vec<Member> {
    let mut members: Vec<Member> = groups.iter().filter(|g| spec.group_ids.contains(&g.id)).flat_map(|g| g.members.clone()).collect();
    members.sort_by(|a, b| a.name.cmp(&b.name));
    members
}

pub fn at_priority(spec: &PlanSpec, groups: &[Group], priority: u8) -> Vec<Member> {
    members(spec, groups).into_iter().filter(|m| settings(spec, &m.id).priority == priority).collect()
}

/// Changes the settings of one member, writing them down if the plan had only the defaults.
pub fn edit(spec: &mut PlanSpec, member: &str, change: impl FnOnce(&mut PlanMachine)) {
    match spec.machines.iter_mut().find(|m| m.member_id == member) {
        Some(known) => change(known),
        None => {
            let mut fresh = PlanMachine::with_defaults(member.into());
            change(&mut fresh);
            spec.machines.push(fresh);
        }
    }
}

/// Moves a machine to another priority group; dependencies from and to its old neighbours go away.
pub fn set_priority(spec: &mut PlanSpec, member: &str, priority: u8) {
    edit(spec, member, |m| {
        m.priority = priority.clamp(*PRIORITIES.start(), *PRIORITIES.end());
        m.after.clear();
    });
    for other in &mut spec.machines {
        other.after.retain(|id| id != member);
    }
}

/// May `member` wait for `other`? The reason when not.
pub fn may_follow(spec: &PlanSpec, member: &str, other: &str) -> Result<(), &'static str> {
    if member == other {
        return Err("A machine cannot wait for itself.");
    }
    if settings(spec, member).priority != settings(spec, other).priority {
        return Err("Only machines of the same priority group; the next group waits for this one anyway.");
    }
    if waits_for(spec, other, member) { Err("It waits for this one already: that would be a circle.") } else { Ok(()) }
}

pub fn toggle_after(spec: &mut PlanSpec, member: &str, other: &str, on: bool) -> Result<(), &'static str> {
    if on {
        may_follow(spec, member, other)?;
    }
    edit(spec, member, |m| {
        m.after.retain(|id| id != other);
        if on {
            m.after.push(other.into());
        }
    });
    Ok(())
}

/// Does `a` wait for `b`, directly or through others?
fn waits_for(spec: &PlanSpec, a: &str, b: &str) -> bool {
    let mut open: Vec<Id> = vec![a.into()];
    let mut seen: Vec<Id> = vec![];
    while let Some(id) = open.pop() {
        if id == b {
            return true;
        }
        if !seen.contains(&id) {
            open.extend(settings(spec, &id).after);
            seen.push(id);
        }
    }
    false
}

/// Adds or removes a group; what the plan says of members that it no longer has goes with them.
pub fn toggle_group(spec: &mut PlanSpec, groups: &[Group], group: &str, on: bool) {
    spec.group_ids.retain(|id| id != group);
    if on {
        spec.group_ids.push(group.into());
    }
    let left: Vec<Id> = members(spec, groups).into_iter().map(|m| m.id).collect();
    spec.machines.retain(|m| left.contains(&m.member_id));
    spec.service_addresses.retain(|a| left.contains(&a.member_id));
    for machine in &mut spec.machines {
        machine.after.retain(|id| left.contains(id));
    }
}

/// Callouts with their place in the list, for one point of the plan.
pub fn callouts_before(spec: &PlanSpec, priority: u8) -> Vec<(usize, Callout)> {
    spec.callouts.iter().cloned().enumerate().filter(|(_, c)| c.before_priority == priority).collect()
}

/// What is wrong with the draft, each with the field it is about. The server checks again.
pub fn faults(spec: &PlanSpec) -> Vec<(String, String)> {
    let mut faults = vec![];
    let mut fault = |field: &str, text: &str| faults.push((field.to_string(), text.to_string()));
    if spec.name.trim().is_empty() {
        fault("name", "A plan needs a name, for example “Shop to dublin”.");
    }
    if spec.group_ids.is_empty() {
        fault("group_ids", "Choose at least one protection group: its machines are what the plan brings up.");
    }
    for (n, address) in spec.service_addresses.iter().enumerate() {
        if !address.fits() && address.is_name() {
            fault(&format!("service_addresses.{n}"), "A name is needed, for example shop.example.com.");
        } else if !address.fits() {
            fault(&format!("service_addresses.{n}"), "An IPv4 address without prefix length is needed, for example 10.0.0.80.");
        }
    }
    for (n, callout) in spec.callouts.iter().enumerate() {
        if let Some(text) = callout_fault(callout) {
            fault(&format!("callouts.{n}"), text);
        }
    }
    faults
}

/// What the node calls `machines[2].health.port`, in words: whose it is, and which field.
pub fn place(spec: &PlanSpec, groups: &[Group], field: &str) -> String {
    let parts = field.split_once('[').and_then(|(list, rest)| rest.split_once(']').map(|(n, tail)| (list, n, tail)));
    let Some((list, Ok(n), tail)) = parts.map(|(list, n, tail)| (list, n.parse::<usize>(), tail)) else { return field.into() };
    let name = match list {
        "machines" => spec.machines.get(n).and_then(|m| members(spec, groups).into_iter().find(|k| k.id == m.member_id)).map(|m| m.name),
        "callouts" => spec.callouts.get(n).map(|c| format!("“{}”", c.name)),
        "service_addresses" => Some(format!("Service address {}", n + 1)),
        _ => None,
    };
    let tail = tail.trim_start_matches('.').replace(['.', '_'], " ");
    name.map_or_else(|| field.into(), |name| format!("{name}, {tail}:"))
}

fn callout_fault(callout: &Callout) -> Option<&'static str> {
    match &callout.action {
        CalloutAction::Prompt { question } if question.trim().is_empty() => {
            Some("A prompt needs a question for the person who runs the plan.")
        }
        CalloutAction::Script { program, .. } if program.trim().is_empty() => Some("Name a program of the node's callout folder."),
        CalloutAction::Script { program, .. } if program.contains('/') => {
            Some("Only the name of a program in the callout folder, without a path.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(links: &[(&str, &str)]) -> PlanSpec {
        let mut spec = PlanSpec { name: "p".into(), group_ids: vec!["g".into()], ..PlanSpec::default() };
        for (a, b) in links {
            let linked = toggle_after(&mut spec, a, b, true);
            assert_eq!(linked, Ok(()), "{a} after {b}");
        }
        spec
    }

    #[test]
    fn a_circle_is_refused_also_through_others() {
        let mut plan = spec(&[("b", "a"), ("c", "b")]);
        assert!(toggle_after(&mut plan, "a", "c", true).is_err());
        assert!(toggle_after(&mut plan, "a", "a", true).is_err());
        assert_eq!(toggle_after(&mut plan, "c", "b", false), Ok(()));
        assert_eq!(toggle_after(&mut plan, "a", "c", true), Ok(()));
    }

    #[test]
    fn leaving_a_priority_group_leaves_its_dependencies() {
        let mut plan = spec(&[("b", "a"), ("c", "b")]);
        set_priority(&mut plan, "b", 1);
        assert_eq!(settings(&plan, "b").after, Vec::<Id>::new());
        assert_eq!(settings(&plan, "c").after, Vec::<Id>::new());
        assert!(may_follow(&plan, "c", "b").is_err(), "another priority group");
    }

    #[test]
    fn what_the_node_says_is_told_with_names() {
        let mut plan = PlanSpec { group_ids: vec!["g".into()], ..PlanSpec::default() };
        plan.machines.push(PlanMachine::with_defaults("x".into()));
        assert_eq!(place(&plan, &[], "machines[0].health.port"), "machines[0].health.port", "a member that is not known");
        assert_eq!(place(&plan, &[], "service_addresses[1].address"), "Service address 2, address:");
        assert_eq!(place(&plan, &[], "name"), "name");
    }

    #[test]
    fn each_fault_names_its_field() {
        let mut plan = PlanSpec::default();
        plan.callouts.push(Callout {
            name: "x".into(),
            before_priority: 1,
            action: CalloutAction::Script { program: "../sh".into(), args: vec![], timeout_seconds: 1 },
            on_error: Default::default(),
        });
        let fields: Vec<String> = faults(&plan).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["name", "group_ids", "callouts.0"]);
    }
}
