//! How much each machine would lose, and what stands against the failover. Pure.

use leptos::prelude::RwSignal;
use model::{
    Id, Millis,
    run::{BlastMachine, BlastRadius, PointChoice},
};
use std::collections::BTreeMap;

/// By member: the older recovery point that was chosen, and its instant.
pub type Chosen = BTreeMap<Id, (Id, Millis)>;
pub type Choices = RwSignal<Chosen>;

pub fn points(chosen: &Chosen) -> Vec<PointChoice> {
    chosen.iter().map(|(member, (point, _))| PointChoice { member_id: member.clone(), point_id: point.clone() }).collect()
}

/// Writes since the recovery point would be lost: its age in ms. `None`: there is no point, all is lost; or a clock was set
/// back and nobody can tell.
pub fn lost(machine: &BlastMachine, chosen: &Chosen, now: Millis) -> Option<i64> {
    let at = chosen.get(&machine.member_id).map(|c| c.1).or(machine.newest_point_at);
    at.and_then(|at| model::age(at, now))
}

pub fn above_objective(machine: &BlastMachine, chosen: &Chosen, now: Millis) -> bool {
    lost(machine, chosen, now).is_none_or(|ms| ms > i64::from(machine.rpo_seconds) * 1000)
}

/// The most that any machine with a recovery point would lose.
pub fn worst(radius: &BlastRadius, chosen: &Chosen, now: Millis) -> Option<i64> {
    radius.machines.iter().filter_map(|m| lost(m, chosen, now)).max()
}

/// Why the button cannot be pressed, whatever is typed.
pub fn blocked(radius: &BlastRadius) -> Option<String> {
    if radius.machines.is_empty() {
        return Some(format!("No recovery plan brings up machines of {}: there is nothing that a failover could start.", radius.site));
    }
    match radius.problems.iter().filter(|p| p.blocks()).count() {
        0 => None,
        1 => Some("One problem above stops it.".into()),
        n => Some(format!("{n} problems above stop it.")),
    }
}

/// Typed exactly, but for blanks around it.
pub fn typed(wanted: &str, given: &str) -> bool {
    given.trim() == wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Problem, Severity, machine::PowerState};

    fn machine(point: Option<Millis>) -> BlastMachine {
        BlastMachine {
            member_id: "m".into(),
            starts: true,
            name: "db1".into(),
            plan: "shop".into(),
            priority: 1,
            state: PowerState::Running,
            newest_point_at: point,
            rpo_seconds: 60,
            target_cloud: "dub".into(),
            addresses: vec![],
        }
    }

    fn radius(machines: Vec<BlastMachine>) -> BlastRadius {
        BlastRadius {
            site: "berlin".into(),
            site_answers: false,
            machines,
            unprotected: vec![],
            addresses: vec![],
            problems: vec![],
            confirm: "berlin".into(),
            statement: None,
            forecast_rto_ms: None,
            targets: vec![],
        }
    }

    #[test]
    fn no_recovery_point_is_worse_than_an_old_one() {
        let none = Chosen::new();
        assert!(above_objective(&machine(None), &none, 0));
        assert!(!above_objective(&machine(Some(0)), &none, 60_000));
        assert!(above_objective(&machine(Some(0)), &none, 60_001));
        assert_eq!(worst(&radius(vec![machine(Some(0)), machine(None), machine(Some(4_000))]), &none, 9_000), Some(9_000));
    }

    #[test]
    fn an_older_point_loses_what_was_written_since() {
        let chosen = Chosen::from([("m".to_owned(), ("p1".to_owned(), 1_000))]);
        assert_eq!(lost(&machine(Some(8_000)), &chosen, 9_000), Some(8_000));
        assert_eq!(points(&chosen), [PointChoice { member_id: "m".into(), point_id: "p1".into() }]);
    }

    #[test]
    fn nothing_to_start_and_critical_problems_block() {
        assert!(blocked(&radius(vec![])).is_some());
        let mut radius = radius(vec![machine(Some(0))]);
        assert_eq!(blocked(&radius), None);
        radius.problems.push(Problem::new(Severity::Warning, "x", "", ""));
        assert_eq!(blocked(&radius), None);
        radius.problems.push(Problem::new(Severity::Critical, "x", "", ""));
        assert!(blocked(&radius).is_some());
    }

    #[test]
    fn a_confirmation_is_exact() {
        assert!(typed("berlin", " berlin "));
        assert!(!typed("berlin", "Berlin"));
        assert!(!typed("berlin", ""));
    }
}
