//! Rows of the store as the words of the model and of the scheduler.

use super::{
    schedule::{Decision, Desired, OnError, StepView, View},
    spec::{Action, Facts},
};
use crate::store::{
    runs::RunRow,
    steps::{EventRow, StepRow},
};
use model::{
    Severity,
    run::{Run, RunEvent, RunKind, RunState, Step, StepState},
};
use std::collections::HashSet;

pub fn run(row: &RunRow) -> Run {
    Run {
        id: row.id.clone(),
        kind: RunKind::parse(&row.kind).unwrap_or(RunKind::Move),
        title: row.title.clone(),
        subject: row.subject.clone(),
        state: state(row),
        created_by: row.created_by.clone(),
        created_at: row.created_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        owner: row.owner.clone(),
        epoch: row.epoch,
        steps_total: u32::try_from(row.steps_total).unwrap_or_default(),
        steps_done: u32::try_from(row.steps_done).unwrap_or_default(),
        message: row.message.clone(),
        outcome: row.outcome.as_deref().and_then(|o| serde_json::from_str(o).ok()),
    }
}

pub fn state(row: &RunRow) -> RunState {
    RunState::parse(&row.state).unwrap_or(RunState::Queued)
}

pub fn step(row: &StepRow) -> Step {
    Step {
        key: row.key.clone(),
        kind: row.kind.clone(),
        title: row.title.clone(),
        machine: row.machine.clone(),
        priority: u8::try_from(row.priority).unwrap_or_default(),
        state: step_state(row),
        attempt: u32::try_from(row.attempt).unwrap_or_default(),
        started_at: row.started_at,
        finished_at: row.finished_at,
        message: row.message.clone(),
        transfer: row.transfer.as_deref().and_then(|t| serde_json::from_str(t).ok()),
        needs: list(&row.needs),
        after: list(&row.after),
        cutover: row.cutover != 0,
    }
}

pub fn step_state(row: &StepRow) -> StepState {
    StepState::parse(&row.state).unwrap_or(StepState::Pending)
}

pub fn event(row: &EventRow) -> RunEvent {
    let severity = match row.severity.as_str() {
        "critical" => Severity::Critical,
        "warning" => Severity::Warning,
        _ => Severity::Info,
    };
    let (step, text) = (row.step.clone(), row.text.clone());
    RunEvent { seq: row.seq, run_id: row.run_id.clone(), step, at: row.at, severity, text }
}

pub fn decision(row: &StepRow) -> Option<Decision> {
    row.decision.as_deref().and_then(|d| serde_json::from_str(d).ok())
}

/// `None`: written by a newer version of this program.
pub fn action(row: &StepRow) -> Option<Action> {
    serde_json::from_str(&row.params).ok()
}

/// What a step has observed so far, in this attempt or in earlier ones.
pub fn facts(row: &StepRow) -> Facts {
    let read = |text: &Option<String>| text.as_deref().and_then(|t| serde_json::from_str::<Facts>(t).ok()).unwrap_or_default();
    let mut facts = read(&row.handle);
    facts.merge(&read(&row.result));
    facts
}

/// For the scheduler. `flying`: the steps that this node works on.
pub fn view(run: &RunRow, steps: &[StepRow], flying: &HashSet<String>) -> View {
    let desired = Desired::parse(&run.desired).unwrap_or(Desired::Run);
    View { desired, state: state(run), steps: steps.iter().map(|s| step_view(s, flying)).collect() }
}

fn step_view(row: &StepRow, flying: &HashSet<String>) -> StepView {
    StepView {
        key: row.key.clone(),
        state: step_state(row),
        needs: list(&row.needs),
        after: list(&row.after),
        on_error: OnError::parse(&row.on_error).unwrap_or(OnError::Wait),
        decision: decision(row),
        goal: matches!(row.kind.as_str(), "start" | "migrate"),
        undo: row.kind.starts_with("undo_"),
        closing: matches!(row.kind.as_str(), "put_back" | "finish"),
        in_flight: flying.contains(&row.key),
    }
}

fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}
