//! From what is wanted to the steps of a run. Pure: what goes in is frozen with the run, what comes out are its rows.

mod failover;
mod handover;
mod moving;
mod undo;

pub use failover::{Failover, FailoverMachine, FailoverPlan, failover};
pub use handover::GRACE;
pub use moving::{Move, moving};
pub use undo::undo;

use super::{
    schedule::OnError,
    spec::{Action, Planned, Subject},
};

/// What every kind of run adds in the same way.
struct Builder {
    steps: Vec<Planned>,
    on_error: OnError,
}

impl Builder {
    fn new(on_error: OnError) -> Self {
        Self { steps: vec![], on_error }
    }

    /// Adds a step about a machine and answers its key.
    fn add(&mut self, subject: &Subject, verb: &str, title: String, priority: u8, action: Action) -> Link<'_> {
        let key = format!("{}.{verb}", subject.label);
        self.push(key, title, Some(subject.label.clone()), priority, action)
    }

    fn push(&mut self, key: String, title: String, machine: Option<String>, priority: u8, action: Action) -> Link<'_> {
        let on_error = self.on_error;
        self.steps.push(Planned { key, title, machine, priority, action, on_error, needs: vec![], after: vec![] });
        Link(self.steps.last_mut())
    }

    /// After its health check, whichever way that ended; nothing waits for it.
    fn compare(&mut self, s: &Subject, health: &str) {
        let compare = self.add(s, "compare", format!("Compare {} with what it was", s.name), 6, Action::Compare);
        compare.needs(&[format!("{}.start", s.label)]).after(&[health]).on_error(OnError::GoOn);
    }

    /// After everything else, whichever way it ended.
    fn finish(mut self) -> Vec<Planned> {
        let all: Vec<String> = self.steps.iter().map(|s| s.key.clone()).collect();
        self.push("finish".into(), "Write down what was observed".into(), None, 6, Action::Finish).after(&all);
        self.steps
    }
}

/// The edges of the step that was just added.
struct Link<'a>(Option<&'a mut Planned>);

impl Link<'_> {
    fn needs<S: AsRef<str>>(self, keys: &[S]) -> Self {
        self.edge(keys, |s| &mut s.needs)
    }
    fn after<S: AsRef<str>>(self, keys: &[S]) -> Self {
        self.edge(keys, |s| &mut s.after)
    }
    fn edge<S: AsRef<str>>(mut self, keys: &[S], list: impl Fn(&mut Planned) -> &mut Vec<String>) -> Self {
        if let Some(step) = &mut self.0 {
            list(step).extend(keys.iter().map(|k| k.as_ref().to_owned()));
        }
        self
    }
    fn on_error(mut self, on_error: OnError) -> Self {
        if let Some(step) = &mut self.0 {
            step.on_error = on_error;
        }
        self
    }
    fn key(self) -> String {
        self.0.map(|s| s.key.clone()).unwrap_or_default()
    }
}
