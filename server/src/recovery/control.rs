//! What people may want of a run now: the buttons with their reasons, and the commands behind them.
//!
//! A command is a row; the driver of the run, wherever it is, takes it from there. Nothing is done here.

use super::{
    schedule::{Decision, Desired},
    spec::Action,
    statement, view,
};
use crate::store::{runs::RunRow, steps::StepRow};
use model::{
    machine::Action as Button,
    run::{RunCommand, StepState},
};

/// Why it cannot be commanded now.
pub type Refusal = String;

/// Checked before the row is written; the row's own condition decides in a race.
pub fn refusal(command: &RunCommand, run: &RunRow, steps: &[StepRow]) -> Option<Refusal> {
    let state = view::state(run);
    if state.is_over() {
        return Some("The run is over. Start a new one.".into());
    }
    let cancelling = run.desired == Desired::Cancel.as_str();
    match command {
        RunCommand::Pause | RunCommand::Resume | RunCommand::Cancel if cancelling => Some("The run is being cancelled.".into()),
        RunCommand::Pause => (run.desired == Desired::Pause.as_str()).then(|| "The run is paused already.".into()),
        RunCommand::Resume => (run.desired == Desired::Run.as_str()).then(|| "The run is not paused.".into()),
        RunCommand::Cancel => cutover(steps).map(|s| {
            format!("'{}' has begun: the target takes over, there is no way back by cancelling. Let it end, then move back.", s.title)
        }),
        RunCommand::RetryStep { step } => about(steps, step, retry),
        RunCommand::SkipStep { step, reason } if reason.trim().is_empty() => {
            Some(format!("Say why {step} is skipped: the reason goes into the run's record."))
        }
        RunCommand::SkipStep { step, .. } => about(steps, step, skip),
        RunCommand::Answer { step, proceed, comment } => about(steps, step, |s| answer(run, s, *proceed, comment)),
    }
}

fn cutover(steps: &[StepRow]) -> Option<&StepRow> {
    steps.iter().find(|s| s.cutover != 0 && matches!(view::step_state(s), StepState::Running | StepState::Succeeded))
}

fn about(steps: &[StepRow], key: &str, check: impl Fn(&StepRow) -> Option<Refusal>) -> Option<Refusal> {
    match steps.iter().find(|s| s.key == key) {
        Some(step) => check(step),
        None => Some(format!("The run has no step '{key}'.")),
    }
}

fn retry(step: &StepRow) -> Option<Refusal> {
    (view::step_state(step) != StepState::Failed).then(|| format!("{} did not fail.", step.key))
}

fn skip(step: &StepRow) -> Option<Refusal> {
    if view::step_state(step) == StepState::Succeeded || view::step_state(step) == StepState::Skipped {
        return Some(format!("{} is over.", step.key));
    }
    let may = view::action(step).is_some_and(|a| a.may_be_skipped());
    (!may).then(|| format!("{} cannot be skipped: what follows depends on it. Retry it or cancel the run.", step.key))
}

fn answer(run: &RunRow, step: &StepRow, proceed: bool, comment: &str) -> Option<Refusal> {
    if view::step_state(step) != StepState::Waiting {
        return Some(format!("{} does not ask anything now.", step.key));
    }
    let Some(Action::StopSource { .. }) = view::action(step) else { return None };
    let site = super::site_of(run, step)?;
    (proceed && comment != statement(&site)).then(|| format!("To go on, type exactly: {}", statement(&site)))
}

/// What a step must be for a decision about it to be written.
pub fn states(command: &RunCommand) -> &'static [&'static str] {
    match command {
        RunCommand::RetryStep { .. } => &["failed"],
        RunCommand::Answer { .. } => &["waiting"],
        _ => &["pending", "running", "waiting", "failed"],
    }
}

/// The row for a command about a step: its key and what was decided.
pub fn decision(command: &RunCommand, by: &str) -> Option<(String, Decision)> {
    let by = by.to_owned();
    Some(match command.clone() {
        RunCommand::RetryStep { step } => (step, Decision::Retry { by }),
        RunCommand::SkipStep { step, reason } => (step, Decision::Skip { by, reason: reason.trim().into() }),
        RunCommand::Answer { step, proceed, comment } => (step, Decision::Answer { by, proceed, comment }),
        _ => return None,
    })
}

/// The event that a command leaves.
pub fn event(command: &RunCommand, by: &str) -> String {
    match command {
        RunCommand::Pause => format!("{by} paused the run: steps under way end, no new ones begin."),
        RunCommand::Resume => format!("{by} resumed the run."),
        RunCommand::Cancel => format!("{by} cancelled the run."),
        RunCommand::RetryStep { step } => format!("{by} retries {step}."),
        RunCommand::SkipStep { step, reason } => format!("{by} skips {step}: {}", reason.trim()),
        RunCommand::Answer { step, proceed, comment } => {
            format!(
                "{by} answered {step}: {}{}{comment}",
                if *proceed { "go on" } else { "do not go on" },
                if comment.is_empty() { "" } else { ", " }
            )
        }
    }
}

/// `pause`, `resume`, `cancel`; `retry_step`, `skip_step`, `answer` where a step could take one; and the same with
/// `:<key>` for each such step, with its own reason where it cannot.
pub fn buttons(run: &RunRow, steps: &[StepRow]) -> Vec<Button> {
    let button = |name: &str, command: &RunCommand| Button { name: name.into(), refused: refusal(command, run, steps) };
    let mut out = vec![button("pause", &RunCommand::Pause), button("resume", &RunCommand::Resume), button("cancel", &RunCommand::Cancel)];
    if view::state(run).is_over() {
        return out;
    }
    let mut of_steps = vec![];
    for step in steps {
        let key = step.key.clone();
        match view::step_state(step) {
            StepState::Failed => {
                of_steps.push(button(&format!("retry_step:{key}"), &RunCommand::RetryStep { step: key.clone() }));
                of_steps.push(button(&format!("skip_step:{key}"), &RunCommand::SkipStep { step: key, reason: "-".into() }));
            }
            StepState::Waiting => of_steps.push(Button { name: format!("answer:{key}"), refused: None }),
            StepState::Running if view::action(step).is_some_and(|a| a.may_be_skipped()) => {
                of_steps.push(Button { name: format!("skip_step:{key}"), refused: None });
            }
            _ => {}
        }
    }
    out.extend(["retry_step", "skip_step", "answer"].map(|name| whole(name, &of_steps)));
    out.extend(of_steps);
    out
}

/// Possible where it is for one step at least; else the reason of the first.
fn whole(name: &str, of_steps: &[Button]) -> Button {
    let mut own = of_steps.iter().filter(|b| b.name.split(':').next() == Some(name));
    let refused = match own.clone().find(|b| b.refused.is_none()) {
        Some(_) => None,
        None => Some(own.next().and_then(|b| b.refused.clone()).unwrap_or_else(|| "No step is in a state for this now.".into())),
    };
    Button { name: name.into(), refused }
}
