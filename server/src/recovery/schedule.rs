//! What a run does next, decided from its rows alone.
//!
//! Pure on purpose: no clock, no store, no cloud. The runner carries out what is decided here and asks again after every
//! change, so a node that takes a run over decides exactly as the one that died would have. Two kinds of edges lead to a
//! step: what it *needs* must have succeeded, what it comes *after* must be over, whichever way.

use model::run::{RunState, StepState};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What the operators want of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desired {
    Run,
    Pause,
    Cancel,
}

impl Desired {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        [Self::Run, Self::Pause, Self::Cancel].into_iter().find(|d| d.as_str() == s)
    }
}

/// What the failure of a step means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Somebody decides: retry, skip or cancel. What comes after it waits too.
    Wait,
    /// What needs it is skipped, everything else goes on.
    GoOn,
}

impl OnError {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::GoOn => "go_on",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        [Self::Wait, Self::GoOn].into_iter().find(|d| d.as_str() == s)
    }
}

/// What a person decided about one step. A row, so that any node can take it and none is lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Decision {
    Retry { by: String },
    Skip { by: String, reason: String },
    Answer { by: String, proceed: bool, comment: String },
}

#[derive(Clone, Debug)]
pub struct StepView {
    pub key: String,
    pub state: StepState,
    pub needs: Vec<String>,
    pub after: Vec<String>,
    pub on_error: OnError,
    pub decision: Option<Decision>,
    /// Its success is what the run is for: with none of these a run has failed, with some it ended with errors.
    pub goal: bool,
    /// Part of what a cancelled run does to leave everything as it was.
    pub undo: bool,
    /// Looks at what came of the others: done again when one of those is.
    pub closing: bool,
    /// This node works on it now. A step that is `Running` without is one that a lost node left in the middle.
    pub in_flight: bool,
}

#[derive(Clone, Debug)]
pub struct View {
    pub desired: Desired,
    pub state: RunState,
    pub steps: Vec<StepView>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Begin a pending step, or enter again one that a lost owner left running: it looks before it acts.
    Start(String),
    /// End it without doing it.
    Settle {
        key: String,
        state: StepState,
        message: String,
    },
    /// A failed step is to be done again, with all that was skipped because of it.
    Reopen {
        key: String,
        skipped: Vec<String>,
        by: String,
    },
    /// Tell the step under way to end early.
    Interrupt(String),
    /// Every step that is not over is cancelled, and the steps that undo are added.
    Unwind,
    State(RunState, Option<String>),
    Finish(RunState, Option<String>),
}

/// Decides. An empty answer means: wait for a step under way or for somebody.
pub fn next(view: &View) -> Vec<Do> {
    if view.state.is_over() {
        return vec![];
    }
    let graph = Graph::new(view);
    let (interrupts, decided): (Vec<Do>, Vec<Do>) = graph.decisions().into_iter().partition(|d| matches!(d, Do::Interrupt(_)));
    if !decided.is_empty() {
        return decided;
    }
    if view.desired == Desired::Cancel && !view.steps.iter().any(|s| s.undo) {
        return graph.cancel();
    }
    if view.steps.iter().all(|s| graph.is_over(s)) && !view.steps.iter().any(|s| s.in_flight) {
        let (state, message) = graph.verdict();
        return vec![Do::Finish(state, message)];
    }
    let mut out = graph.skips();
    if out.is_empty() {
        out = graph.starts();
    }
    out.extend(graph.state(&out));
    out.extend(interrupts);
    out
}

struct Graph<'a> {
    view: &'a View,
    by_key: HashMap<&'a str, &'a StepView>,
}

impl<'a> Graph<'a> {
    fn new(view: &'a View) -> Self {
        Self { view, by_key: view.steps.iter().map(|s| (s.key.as_str(), s)).collect() }
    }

    /// Over for those that come after it: a failure that waits for somebody is not.
    fn is_over(&self, step: &StepView) -> bool {
        step.state.is_over() && !waits(step)
    }

    /// Can it still come to do its work, now or later? Skipped by a person counts as done.
    fn satisfied(&self, key: &str) -> bool {
        self.by_key.get(key).is_some_and(|s| s.state == StepState::Succeeded || skipped_by_person(s))
    }

    /// Over without success: what needs it will never be able to.
    fn lost(&self, key: &str) -> bool {
        self.by_key.get(key).is_none_or(|s| self.is_over(s)) && !self.satisfied(key)
    }

    fn decisions(&self) -> Vec<Do> {
        self.view.steps.iter().filter_map(|s| s.decision.as_ref().and_then(|d| self.decision(s, d))).collect()
    }

    fn decision(&self, step: &StepView, decision: &Decision) -> Option<Do> {
        match decision {
            Decision::Retry { by } if step.state == StepState::Failed => {
                let mut skipped = self.skipped_because(&step.key);
                skipped.extend(self.closing(&step.key, &skipped));
                Some(Do::Reopen { key: step.key.clone(), skipped, by: by.clone() })
            }
            Decision::Skip { .. } if step.in_flight => Some(Do::Interrupt(step.key.clone())),
            Decision::Skip { by, reason } if step.state != StepState::Succeeded && step.state != StepState::Skipped => {
                Some(settle(step, StepState::Skipped, format!("Skipped by {by}: {reason}")))
            }
            Decision::Answer { by, proceed, comment } if step.state == StepState::Waiting => {
                let (state, word) = if *proceed { (StepState::Succeeded, "go on") } else { (StepState::Failed, "do not go on") };
                let comment = if comment.is_empty() { String::new() } else { format!(": {comment}") };
                Some(settle(step, state, format!("{by} answered '{word}'{comment}")))
            }
            _ => None,
        }
    }

    /// Everything that was skipped since it needs `key`, directly or not.
    fn skipped_because(&self, key: &str) -> Vec<String> {
        let mut found: Vec<&str> = vec![key];
        let mut at = 0;
        while at < found.len() {
            let cause = found[at];
            let more = self.view.steps.iter().filter(|s| {
                s.state == StepState::Skipped
                    && !skipped_by_person(s)
                    && s.needs.iter().any(|n| n == cause)
                    && !found.contains(&s.key.as_str())
            });
            let more: Vec<&str> = more.map(|s| s.key.as_str()).collect();
            found.extend(more);
            at += 1;
        }
        found.into_iter().skip(1).map(str::to_owned).collect()
    }

    /// What had looked at these steps already, and at what comes of that.
    fn closing(&self, key: &str, skipped: &[String]) -> Vec<String> {
        let again = |k: &String| k == key || skipped.contains(k);
        let over = self.view.steps.iter().filter(|s| s.closing && s.state.is_over() && !s.in_flight);
        let (last, first): (Vec<&StepView>, Vec<&StepView>) = over.partition(|s| s.key == "finish");
        first.into_iter().filter(|s| s.after.iter().any(again)).chain(last).map(|s| s.key.clone()).collect()
    }

    fn cancel(&self) -> Vec<Do> {
        let busy: Vec<Do> = self.view.steps.iter().filter(|s| s.in_flight).map(|s| Do::Interrupt(s.key.clone())).collect();
        if busy.is_empty() {
            return vec![Do::Unwind];
        }
        let mut out = busy;
        if self.view.state != RunState::Cancelling {
            out.push(Do::State(RunState::Cancelling, Some("Cancelling: the step under way ends first.".into())));
        }
        out
    }

    fn skips(&self) -> Vec<Do> {
        let open = self.view.steps.iter().filter(|s| s.state == StepState::Pending);
        open.filter_map(|s| {
            let cause = s.needs.iter().find(|n| self.lost(n))?;
            Some(settle(s, StepState::Skipped, format!("Skipped: {}", self.why_lost(cause))))
        })
        .collect()
    }

    fn why_lost(&self, key: &str) -> String {
        let word = match self.by_key.get(key).map(|s| s.state) {
            Some(StepState::Skipped) => "was skipped",
            Some(StepState::Cancelled) => "was cancelled",
            Some(_) => "failed",
            None => "does not exist",
        };
        format!("it needs {key}, which {word}.")
    }

    fn starts(&self) -> Vec<Do> {
        let entering = |s: &&StepView| s.state == StepState::Running && !s.in_flight;
        // When cancelled only the steps that undo are left pending.
        let may_begin = self.view.desired != Desired::Pause;
        let ready = |s: &&StepView| may_begin && s.state == StepState::Pending && self.ready(s);
        self.view.steps.iter().filter(|s| entering(s) || ready(s)).map(|s| Do::Start(s.key.clone())).collect()
    }

    fn ready(&self, step: &StepView) -> bool {
        step.needs.iter().all(|n| self.satisfied(n))
            && step.after.iter().all(|a| self.by_key.get(a.as_str()).is_none_or(|s| self.is_over(s)))
    }

    /// What the run shows, when it differs from what it shows now.
    fn state(&self, decided: &[Do]) -> Option<Do> {
        let busy = decided.iter().any(|d| matches!(d, Do::Start(_))) || self.view.steps.iter().any(|s| s.in_flight);
        let (state, message) = self.shown(busy);
        (state != self.view.state).then_some(Do::State(state, message))
    }

    fn shown(&self, busy: bool) -> (RunState, Option<String>) {
        let asking = self.view.steps.iter().find(|s| s.state == StepState::Waiting);
        let failed = self.view.steps.iter().find(|s| waits(s));
        match (self.view.desired, asking, failed) {
            (Desired::Pause, ..) if !busy => (RunState::Paused, None),
            (_, Some(s), _) => (RunState::Waiting, Some(format!("{} waits for an answer.", s.key))),
            (_, _, Some(s)) => (RunState::Waiting, Some(format!("{} failed: retry it, skip it or cancel the run.", s.key))),
            (Desired::Cancel, ..) => (RunState::Cancelling, None),
            _ => (RunState::Running, None),
        }
    }

    fn verdict(&self) -> (RunState, Option<String>) {
        if self.view.desired == Desired::Cancel {
            return (RunState::Cancelled, None);
        }
        let bad: Vec<&str> = self.view.steps.iter().filter(|s| s.state != StepState::Succeeded).map(|s| s.key.as_str()).collect();
        let first = self.view.steps.iter().find(|s| s.state == StepState::Failed).map(|s| s.key.as_str());
        let Some(first) = first.or(bad.first().copied()) else { return (RunState::Succeeded, None) };
        let more = if bad.len() > 1 { format!(" and {} more steps", bad.len() - 1) } else { String::new() };
        let reached = self.view.steps.iter().any(|s| s.goal && s.state == StepState::Succeeded);
        let state = if reached { RunState::SucceededWithErrors } else { RunState::Failed };
        (state, Some(format!("{first}{more} did not succeed.")))
    }
}

/// Failed, and somebody has to say how to go on.
fn waits(step: &StepView) -> bool {
    step.state == StepState::Failed && step.on_error == OnError::Wait && !given_up(step)
}

/// Somebody said that it is not to be tried any more: what needs it is skipped, everything else goes on.
fn given_up(step: &StepView) -> bool {
    matches!(step.decision, Some(Decision::Answer { proceed: false, .. }))
}

fn skipped_by_person(step: &StepView) -> bool {
    step.state == StepState::Skipped && matches!(step.decision, Some(Decision::Skip { .. }))
}

fn settle(step: &StepView, state: StepState, message: String) -> Do {
    Do::Settle { key: step.key.clone(), state, message }
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
