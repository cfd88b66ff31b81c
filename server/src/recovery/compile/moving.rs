//! The move of one machine: copied while it runs, stopped briefly, started at the target.

use super::Builder;
use crate::recovery::{
    schedule::OnError,
    spec::{Action, Phase, Planned, Subject},
};
use model::{plan::HealthCheck, run::MoveMode};

/// Longest time for a conversion: one that takes minutes with KVM takes ten times as long without.
const CONVERSION: u32 = 2 * 3600;

pub struct Move {
    pub subject: Subject,
    /// Not `Auto`: that was decided by the preflight.
    pub mode: MoveMode,
    pub health: HealthCheck,
    pub health_timeout_seconds: u32,
    pub stop_timeout_seconds: u32,
    pub service_addresses: Vec<String>,
    pub keep_source_hours: u32,
    /// The drivers of the target are put in on the way.
    pub convert: bool,
    /// Where it is to be made lies an older copy of it.
    pub old_copy: bool,
}

pub fn moving(m: &Move) -> Vec<Planned> {
    let s = &m.subject;
    let mut b = Builder::new(OnError::Wait);
    let hold = b.add(s, "hold", format!("Take over replication of {}", s.name), 0, Action::HoldReplication).key();
    let hold = if m.old_copy {
        let aside = format!("Set the old copy at {} aside", s.target.cloud);
        b.add(s, "aside", aside, 0, Action::SetAside).needs(&[&hold]).key()
    } else {
        hold
    };
    let ready = if m.mode == MoveMode::Live { migrate(&mut b, s, &hold) } else { copy(&mut b, m, &hold) };
    if s.was_running {
        let health = Action::Health { check: m.health.clone(), timeout_seconds: m.health_timeout_seconds };
        let health = b.add(s, "health", format!("See that {} is well", s.name), 3, health).needs(&[&ready]).key();
        if m.mode != MoveMode::Live {
            b.compare(s, &health);
        }
        for (i, address) in m.service_addresses.iter().enumerate() {
            let steer = Action::Steer { address: address.clone(), mechanism: "garp".into(), probe: HealthCheck::default(), network: None };
            b.add(s, &format!("steer{}", i + 1), format!("Steer {address} to {}", s.name), 6, steer).needs(&[&health]);
        }
    }
    let well: Vec<String> = b.steps.iter().map(|s| s.key.clone()).collect();
    let lock = b.add(s, "lock", format!("Lock the old copy at {}", s.source.cloud), 6, Action::LockSource);
    let lock = lock.needs(&[format!("{}.promote", s.label)]).on_error(OnError::Wait).key();
    let cleanup = Action::CleanupSource { keep_hours: m.keep_source_hours };
    let cleanup = b.add(s, "cleanup", format!("Keep the old copy for {} h", m.keep_source_hours), 6, cleanup);
    cleanup.needs(&[&lock]).after(&well);
    b.finish()
}

/// Answers the key of the step after which it runs at the target, or is complete there when it was not running.
fn copy(b: &mut Builder, m: &Move, hold: &str) -> String {
    let s = &m.subject;
    let mut last = hold.to_owned();
    // From an older point nothing is copied: what was written since is given up.
    let newest = s.point_id.is_none();
    if newest && m.mode == MoveMode::Warm && s.was_running {
        let initial = b.add(s, "sync", format!("Copy {} while it runs", s.name), 0, sync(Phase::Initial));
        last = initial.needs(&[&last]).key();
        let delta = b.add(s, "delta", "Copy what changed until little is left".into(), 0, sync(Phase::Delta));
        last = delta.needs(&[&last]).key();
    }
    let stop = Action::StopSource { grace_seconds: m.stop_timeout_seconds, unproved_ok: false };
    last = b.add(s, "stop", format!("Stop {} at {}", s.name, s.source.cloud), 1, stop).needs(&[&last]).key();
    if newest {
        last = b.add(s, "final", "Copy the last changes".into(), 1, sync(Phase::Final)).needs(&[&last]).key();
    }
    if m.convert {
        let convert = Action::Convert { timeout_seconds: CONVERSION };
        let title = format!("Put the drivers of {} into {}", s.target.cloud, s.name);
        last = b.add(s, "convert", title, 1, convert).needs(&[&last]).key();
    }
    last = b.add(s, "create", format!("Make {} at {}", s.name, s.target.cloud), 1, Action::Create).needs(&[&last]).key();
    let promote = b.add(s, "promote", format!("Hand over to {}", s.target.cloud), 2, Action::Promote);
    last = promote.needs(&[&last]).key();
    if s.was_running {
        let start = b.add(s, "start", format!("Start {} at {}", s.name, s.target.cloud), 3, Action::Start);
        last = start.needs(&[&last]).key();
    }
    last
}

fn sync(phase: Phase) -> Action {
    Action::Sync { phase, older_ok: false }
}

fn migrate(b: &mut Builder, s: &Subject, hold: &str) -> String {
    let migrate = b.add(s, "migrate", format!("Migrate {} running to {}", s.name, s.target.cloud), 1, Action::Migrate);
    let last = migrate.needs(&[hold]).key();
    b.add(s, "promote", format!("Hand over to {}", s.target.cloud), 2, Action::Promote).needs(&[&last]).key()
}
