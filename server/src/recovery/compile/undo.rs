//! What a cancelled run does to leave everything as it was: for each machine that it began to work on, and only that.

use super::Builder;
use crate::{
    recovery::{
        schedule::OnError,
        spec::{Action, Planned, RunSpec, Subject},
        view,
    },
    store::steps::StepRow,
};

pub fn undo(spec: &RunSpec, steps: &[StepRow]) -> Vec<Planned> {
    let mut b = Builder::new(OnError::Wait);
    for subject in &spec.subjects {
        one(&mut b, subject, steps);
    }
    if b.steps.is_empty() {
        // Nothing was begun; the run still ends with a step that says so.
        for subject in spec.subjects.iter().take(1) {
            replication(&mut b, subject, &[]);
        }
    }
    b.steps
}

fn one(b: &mut Builder, s: &Subject, steps: &[StepRow]) {
    let began = |verb: &str| steps.iter().any(|row| row.key == format!("{}.{verb}", s.label) && row.attempt > 0);
    let mut before = vec![];
    if began("create") {
        before.push(b.add(s, "undo_target", format!("Remove {} from {}", s.name, s.target.cloud), 6, Action::UndoTarget).key());
    }
    if began("migrate") {
        let title = format!("See where {} runs", s.name);
        before.push(b.add(s, "undo_migrate", title, 6, Action::UndoMigrate).key());
    }
    let stop = steps.iter().find(|row| row.key == format!("{}.stop", s.label));
    if let Some(Action::StopSource { grace_seconds, .. }) = stop.filter(|row| row.attempt > 0).and_then(view::action) {
        let source = b.add(s, "undo_source", format!("Put {} back at {}", s.name, s.source.cloud), 6, Action::UndoSource { grace_seconds });
        // Never both: what was made at the target is gone first.
        before = vec![source.needs(&before).key()];
    }
    if began("convert") {
        // What was made of them is gone by then, and replication goes on from what lies below.
        let title = format!("Give up the converted disks of {}", s.name);
        before = vec![b.add(s, "undo_convert", title, 6, Action::UndoConvert).needs(&before).key()];
    }
    if began("hold") {
        replication(b, s, &before);
    }
}

fn replication(b: &mut Builder, s: &Subject, before: &[String]) {
    b.add(s, "undo_replication", format!("Give replication of {} back", s.name), 6, Action::UndoReplication).needs(before);
}
