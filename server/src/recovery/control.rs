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
    run::{RunCommand, RunState, StepState},
};

/// Why it cannot be commanded now.
pub type Refusal = String;

/// Checked before the row is written; the row's own condition decides in a race.
pub fn refusal(command: &RunCommand, run: &RunRow, steps: &[StepRow]) -> Option<Refusal> {
    let state = view::state(run);
    if state.is_over() {
        return match command {
            RunCommand::RetryStep { step } if reopens(run) => about(steps, step, |s| retry(s, steps).or_else(|| after_the_end(s, steps))),
            _ => Some("The run is over. Start a new one.".into()),
        };
    }
    let cancelling = run.desired == Desired::Cancel.as_str();
    match command {
        RunCommand::Pause | RunCommand::Resume | RunCommand::Cancel if cancelling => Some("The run is being cancelled.".into()),
        RunCommand::Pause => (run.desired == Desired::Pause.as_str()).then(|| "The run is paused already.".into()),
        RunCommand::Resume => (run.desired == Desired::Run.as_str()).then(|| "The run is not paused.".into()),
        RunCommand::Cancel => cutover(steps).map(|s| {
            format!("'{}' has begun: the target takes over, there is no way back by cancelling. Let it end, then move back.", s.title)
        }),
        RunCommand::RetryStep { step } => about(steps, step, |s| retry(s, steps)),
        RunCommand::SkipStep { step, reason } if reason.trim().is_empty() => {
            Some(format!("Say why {step} is skipped: the reason goes into the run's record."))
        }
        RunCommand::SkipStep { step, .. } => about(steps, step, skip),
        RunCommand::Answer { step, proceed, comment } => about(steps, step, |s| answer(run, s, steps, *proceed, comment)),
    }
}

/// An ended failover or move of which something failed can be taken up again.
pub fn reopens(run: &RunRow) -> bool {
    matches!(view::state(run), RunState::SucceededWithErrors | RunState::Failed) && run.desired != Desired::Cancel.as_str()
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

fn retry(step: &StepRow, steps: &[StepRow]) -> Option<Refusal> {
    if view::step_state(step) != StepState::Failed {
        return Some(format!("{} did not fail.", step.key));
    }
    let back = of_machine(step, steps, "put_back").filter(|b| b.key != step.key)?;
    let begun = view::step_state(back) == StepState::Running || view::facts(back).put_back_at.is_some();
    begun.then(|| "Its source was started again: what was copied is stale. Fail over again when this run is over.".into())
}

/// Only what comes after the handover: whoever was not handed over goes by a new run, with a new look and a new statement.
fn after_the_end(step: &StepRow, steps: &[StepRow]) -> Option<Refusal> {
    step.machine.as_ref()?;
    let promoted = of_machine(step, steps, "promote").is_some_and(|p| view::step_state(p) == StepState::Succeeded);
    (!promoted || step.cutover != 0 || step.kind == "put_back")
        .then(|| "It was not handed over: begin anew, only what is not recovered is in it then.".into())
}

fn of_machine<'a>(step: &StepRow, steps: &'a [StepRow], kind: &str) -> Option<&'a StepRow> {
    let machine = step.machine.as_ref()?;
    steps.iter().find(|s| s.kind == kind && s.machine.as_ref() == Some(machine))
}

fn skip(step: &StepRow) -> Option<Refusal> {
    if view::step_state(step) == StepState::Succeeded || view::step_state(step) == StepState::Skipped {
        return Some(format!("{} is over.", step.key));
    }
    let may = view::action(step).is_some_and(|a| a.may_be_skipped());
    (!may).then(|| format!("{} cannot be skipped: what follows depends on it. Retry it or cancel the run.", step.key))
}

fn answer(run: &RunRow, step: &StepRow, steps: &[StepRow], proceed: bool, comment: &str) -> Option<Refusal> {
    if !proceed && may_be_given_up(step, steps) {
        return None;
    }
    if view::step_state(step) != StepState::Waiting {
        return Some(format!("{} does not ask anything now.", step.key));
    }
    let Some(Action::StopSource { .. }) = view::action(step) else { return None };
    let site = super::site_of(run, step)?;
    (proceed && comment != statement(&site)).then(|| format!("To go on, type exactly: {}", statement(&site)))
}

/// A step that failed and waits, of a machine that is put back where it was when it is not handed over.
fn may_be_given_up(step: &StepRow, steps: &[StepRow]) -> bool {
    let waits = view::step_state(step) == StepState::Failed && step.on_error == "wait" && step.kind != "put_back";
    waits && of_machine(step, steps, "put_back").is_some_and(|b| view::step_state(b) == StepState::Pending)
}

/// What a step must be for a decision about it to be written.
pub fn states(command: &RunCommand) -> &'static [&'static str] {
    match command {
        RunCommand::RetryStep { .. } => &["failed"],
        RunCommand::Answer { proceed: false, .. } => &["waiting", "failed"],
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
        if reopens(run) {
            let failed = steps.iter().filter(|s| view::step_state(s) == StepState::Failed);
            let retry = |s: &StepRow| button(&format!("retry_step:{}", s.key), &RunCommand::RetryStep { step: s.key.clone() });
            out.extend(failed.map(retry));
        }
        return out;
    }
    let mut of_steps = vec![];
    for step in steps {
        let key = step.key.clone();
        match view::step_state(step) {
            StepState::Failed => {
                of_steps.push(button(&format!("retry_step:{key}"), &RunCommand::RetryStep { step: key.clone() }));
                if may_be_given_up(step, steps) {
                    of_steps.push(Button { name: format!("give_up:{key}"), refused: None });
                }
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
