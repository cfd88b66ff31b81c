//! What can be done with a machine now, and why the rest cannot: pure. The screens show it, the API enforces the same.

use crate::store::machines::StoredMachine;
use model::{
    Millis,
    access::Role,
    cloud::{Capability, CloudStatus},
    machine::{self, Action, Copy, CopyRole, MachineRow},
    protection::ReplicationState,
};

pub struct Situation<'a> {
    pub role: Option<CopyRole>,
    pub row: &'a MachineRow,
    pub stored: &'a StoredMachine,
    pub copies: &'a [Copy],
    /// Of its cloud.
    pub capabilities: Vec<Capability>,
    /// Of each other cloud.
    pub targets: Vec<Vec<Capability>>,
}

pub fn actions(s: &Situation, role: Role) -> Vec<Action> {
    let all = [
        ("start", Role::Operator, power(s).or_else(|| start(s))),
        ("stop", Role::Operator, power(s).or_else(|| off(s))),
        ("power_off", Role::Operator, power(s).or_else(|| off(s))),
        ("reset", Role::Operator, power(s).or_else(|| off(s))),
        ("move", Role::Operator, busy(s).or_else(|| not_active(s)).or_else(|| movable(s))),
        ("recover", Role::Operator, not_active(s).or_else(|| busy(s)).or_else(|| recoverable(s))),
        ("protect", Role::Administrator, protect(s).or_else(|| not_active(s)).or_else(|| movable(s))),
        ("remove_copy", Role::Operator, removable(s)),
        ("unprotect", Role::Administrator, unprotect(s)),
    ];
    let action = |(name, needs, refused): (&str, Role, Option<String>)| Action {
        name: name.into(),
        refused: gone(s).or_else(|| may(role, needs)).or(refused),
    };
    all.into_iter().map(action).collect()
}

pub fn time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

fn gone(s: &Situation) -> Option<String> {
    s.stored.gone_at.map(|at| format!("It is gone from {} since {}.", s.row.cloud, time(at)))
}

fn may(role: Role, needs: Role) -> Option<String> {
    (role < needs).then(|| format!("This takes the role {}.", needs.as_str()))
}

fn answers(s: &Situation) -> Option<String> {
    let silent = !matches!(s.row.cloud_status, CloudStatus::Ok | CloudStatus::Stale);
    silent.then(|| format!("{} does not answer.", s.row.cloud))
}

fn busy(s: &Situation) -> Option<String> {
    s.row.run_id.as_ref().map(|_| "A run works on it now.".into())
}

fn can(s: &Situation, what: Capability, words: &str) -> Option<String> {
    (!s.capabilities.contains(&what)).then(|| format!("{} cannot {words}.", s.row.cloud))
}

fn power(s: &Situation) -> Option<String> {
    can(s, Capability::Power, "switch machines").or_else(|| answers(s)).or_else(|| busy(s))
}

fn off(s: &Situation) -> Option<String> {
    s.row.state.is_off().then(|| "It is off.".into())
}

/// The reasons why a second copy could come to run are all here.
fn start(s: &Situation) -> Option<String> {
    let locked = || s.stored.observed.locked.as_ref().map(|why| format!("It is locked: {why}"));
    let running = || s.row.state.is_live().then(|| "It runs already.".into());
    let other = || s.copies.iter().find(|c| c.state.is_live()).map(|c| format!("Its copy at {} ({}) runs.", c.site, c.cloud));
    not_active(s).or_else(running).or_else(other).or_else(locked)
}

fn not_active(s: &Situation) -> Option<String> {
    match s.role {
        Some(CopyRole::Superseded) => Some(match s.copies.iter().find(|c| c.role == CopyRole::Active) {
            Some(active) => format!("Superseded by the copy at {} since {}.", active.site, time(active.since)),
            None => "Superseded by another copy.".into(),
        }),
        Some(CopyRole::Incoming) => Some("A run is building this copy.".into()),
        _ => None,
    }
}

/// A superseded copy that is off, while the active one is known.
fn removable(s: &Situation) -> Option<String> {
    let superseded = || (s.role != Some(CopyRole::Superseded)).then(|| "It is not a superseded copy.".into());
    let on = || (!s.row.state.is_off()).then(|| "It is not off: stop it first.".into());
    let alone = || (!s.copies.iter().any(|c| c.role == CopyRole::Active)).then(|| "No active copy of it is known.".into());
    superseded()
        .or_else(|| can(s, Capability::Create, "remove machines"))
        .or_else(|| answers(s))
        .or_else(|| busy(s))
        .or_else(on)
        .or_else(alone)
}

fn movable(s: &Situation) -> Option<String> {
    let takes = |c: &Vec<Capability>| c.contains(&Capability::DiskSink) && c.contains(&Capability::Create);
    let nowhere = || (!s.targets.iter().any(takes)).then(|| "No other cloud can take it: add one first.".into());
    can(s, Capability::DiskSource, "give machines away").or_else(|| answers(s)).or_else(nowhere)
}

/// It failed, and a recovery point of it lies at another cloud.
fn recoverable(s: &Situation) -> Option<String> {
    if machine::failed(s.row.state, s.row.cloud_status, &s.row.cloud).is_none() {
        return Some("It has not failed: it can be moved.".into());
    }
    match &s.row.protection {
        None => Some("It is not protected: there is no recovery point of it at another cloud.".into()),
        Some(p) if p.state == ReplicationState::Recovered => {
            Some("It was recovered here and is not protected again yet: no newer point lies elsewhere.".into())
        }
        Some(p) if p.newest_point_at.is_none() => Some(format!("{} has no recovery point of it yet.", p.group)),
        Some(_) => None,
    }
}

fn protect(s: &Situation) -> Option<String> {
    s.row.protection.as_ref().map(|p| format!("It is protected by {}.", p.group))
}

fn unprotect(s: &Situation) -> Option<String> {
    s.row.protection.is_none().then(|| "It is not protected.".into()).or_else(|| busy(s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::Observed;
    use model::machine::{Firmware, PowerState};

    fn observed(state: PowerState) -> Observed {
        Observed {
            native_id: "n".into(),
            name: "db1".into(),
            state,
            vcpus: 1,
            memory_mib: 1,
            disks: vec![],
            nics: vec![],
            tags: vec![],
            title: None,
            firmware: Firmware::Bios,
            arch: None,
            guest_os: None,
            autostart: None,
            locked: None,
            native: serde_json::Value::Null,
        }
    }

    fn row(state: PowerState, cloud_status: CloudStatus) -> MachineRow {
        MachineRow {
            id: "m".into(),
            name: "db1".into(),
            site: "berlin".into(),
            cloud_id: "c".into(),
            cloud: "berlin-1".into(),
            cloud_status,
            simulated: false,
            state,
            vcpus: 1,
            memory_mib: 1,
            disk_bytes: 0,
            addresses: vec![],
            tags: vec![],
            role: None,
            split_brain: false,
            protection: None,
            run_id: None,
            observed_at: 0,
        }
    }

    fn refused(state: PowerState, status: CloudStatus, role: Option<CopyRole>, copies: &[Copy], who: Role, name: &str) -> Option<String> {
        let stored = StoredMachine {
            id: "m".into(),
            cloud_id: "c".into(),
            native_id: "n".into(),
            observed: observed(state),
            changed_at: 0,
            gone_at: None,
        };
        let row = row(state, status);
        let capabilities = vec![Capability::Power, Capability::DiskSource];
        let targets = vec![vec![Capability::DiskSink, Capability::Create]];
        let situation = Situation { role, row: &row, stored: &stored, copies, capabilities, targets };
        actions(&situation, who).into_iter().find(|a| a.name == name).unwrap().refused
    }

    #[test]
    fn only_what_failed_and_is_protected_elsewhere_is_recovered() {
        let why = |state, status| refused(state, status, None, &[], Role::Operator, "recover").unwrap();
        assert!(why(PowerState::Running, CloudStatus::Ok).starts_with("It has not failed"));
        assert!(why(PowerState::Stopped, CloudStatus::Refused).starts_with("It has not failed"), "it may run on");
        for (state, status) in [
            (PowerState::Crashed, CloudStatus::Ok),
            (PowerState::Paused, CloudStatus::Stale),
            (PowerState::Running, CloudStatus::Unreachable),
        ] {
            assert!(why(state, status).starts_with("It is not protected"), "{state:?}");
        }
    }

    fn copy(role: CopyRole, state: PowerState) -> Copy {
        Copy { machine_id: "o".into(), site: "dublin".into(), cloud: "dublin-1".into(), role, state, since: 0, run_id: None }
    }

    #[test]
    fn a_superseded_copy_is_not_started() {
        let active = [copy(CopyRole::Active, PowerState::Running)];
        let why = refused(PowerState::Stopped, CloudStatus::Ok, Some(CopyRole::Superseded), &active, Role::Operator, "start");
        assert_eq!(why.as_deref(), Some("Superseded by the copy at dublin since 1970-01-01 00:00:00 UTC."));
        let stop = refused(PowerState::Running, CloudStatus::Ok, Some(CopyRole::Superseded), &active, Role::Operator, "stop");
        assert_eq!(stop, None, "a split brain can be ended from here");
    }

    #[test]
    fn an_active_copy_is_not_started_while_another_runs() {
        let other = [copy(CopyRole::Superseded, PowerState::Running)];
        let why = refused(PowerState::Stopped, CloudStatus::Ok, Some(CopyRole::Active), &other, Role::Operator, "start");
        assert_eq!(why.as_deref(), Some("Its copy at dublin (dublin-1) runs."));
    }

    #[test]
    fn reasons_come_in_the_order_that_helps() {
        let silent = refused(PowerState::Running, CloudStatus::Unreachable, None, &[], Role::Operator, "stop");
        assert_eq!(silent.as_deref(), Some("berlin-1 does not answer."));
        let viewer = refused(PowerState::Running, CloudStatus::Ok, None, &[], Role::Viewer, "stop");
        assert_eq!(viewer.as_deref(), Some("This takes the role operator."));
        assert_eq!(refused(PowerState::Running, CloudStatus::Ok, None, &[], Role::Operator, "move"), None);
        assert_eq!(
            refused(PowerState::Running, CloudStatus::Ok, None, &[], Role::Operator, "unprotect").as_deref(),
            Some("This takes the role administrator.")
        );
    }
}
