//! What a failover does with one machine up to its promotion, and if that is never reached.
//!
//! A source that answers is not touched before the target was seen to be ready for the machine, its last changes are
//! copied before the copy is made, and it is started again when the machine could not be handed over. A source that does
//! not answer costs nothing: the copy is made at once; should the source answer again meanwhile and turn out to have run
//! on, the copy is made anew with what it wrote.

use super::{Builder, FailoverMachine};
use crate::recovery::{
    schedule::OnError,
    spec::{Action, Phase},
};

/// A guest gets so long to go down before its power is taken: in a failover the time counts.
pub const GRACE: u32 = 30;

pub fn handover(b: &mut Builder, m: &FailoverMachine) {
    let s = &m.subject;
    let hold = b.add(s, "hold", format!("Take over replication of {}", s.name), 0, Action::HoldReplication).key();
    let mut free = vec![hold.clone()];
    if m.old_copy {
        let aside = b.add(s, "aside", format!("Set the old copy of {} at {} aside", s.name, s.target.cloud), 0, Action::SetAside);
        free.push(aside.needs(&[&hold]).key());
    }
    let promote = if m.source_answers { planned(b, m, &free) } else { unplanned(b, m, &free) };
    let back = Action::PutBack { grace_seconds: m.grace_seconds };
    let back = b.add(s, "back", format!("Start {} again at {} if it was not handed over", s.name, s.source.cloud), 0, back);
    back.after(&[promote]).on_error(OnError::Wait);
}

fn planned(b: &mut Builder, m: &FailoverMachine, free: &[String]) -> String {
    let s = &m.subject;
    let ready = b.add(s, "ready", format!("See that {} can take {}", s.target.cloud, s.name), 0, Action::Ready);
    let mut before = vec![ready.needs(free).key()];
    let stop = stop(b, m).needs(&before).key();
    before.push(stop.clone());
    // An older point was chosen: what was written since is not wanted.
    if s.point_id.is_none() {
        let fin = Action::Sync { phase: Phase::Final, older_ok: true };
        let fin = b.add(s, "final", format!("Copy the last changes of {}", s.name), 0, fin);
        before.push(fin.needs(&before).on_error(OnError::Wait).key());
    }
    let create = create(b, m).needs(free).needs(&before).key();
    promote(b, m, &[create, stop])
}

fn unplanned(b: &mut Builder, m: &FailoverMachine, free: &[String]) -> String {
    let s = &m.subject;
    let stop = stop(b, m).key();
    let create = create(b, m).needs(free).key();
    let mut before = vec![create.clone(), stop.clone()];
    if s.point_id.is_none() {
        let catch_up = b.add(s, "final", format!("Copy what {} wrote if it answers again", s.name), 0, Action::CatchUp);
        before.push(catch_up.needs(&[&free[0], &stop]).after(&[&create]).on_error(OnError::Wait).key());
    }
    promote(b, m, &before)
}

fn stop<'a>(b: &'a mut Builder, m: &FailoverMachine) -> super::Link<'a> {
    let s = &m.subject;
    let stop = Action::StopSource { grace_seconds: m.grace_seconds, unproved_ok: true };
    b.add(s, "stop", format!("Make sure that {} is off at {}", s.name, s.source.cloud), 0, stop)
}

fn create<'a>(b: &'a mut Builder, m: &FailoverMachine) -> super::Link<'a> {
    let s = &m.subject;
    b.add(s, "create", format!("Make {} at {}", s.name, s.target.cloud), 0, Action::Create)
}

fn promote(b: &mut Builder, m: &FailoverMachine, needs: &[String]) -> String {
    let s = &m.subject;
    b.add(s, "promote", format!("Hand {} over to {}", s.name, s.target.cloud), 0, Action::Promote).needs(needs).key()
}

/// The step that says that it is there: its health check, or its promotion where it is not started.
pub fn health(m: &FailoverMachine) -> String {
    format!("{}.{}", m.subject.label, if m.starts { "health" } else { "promote" })
}
