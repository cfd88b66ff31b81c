//! What a run came to: from what its steps observed, never from what was planned.

use super::{
    spec::{Facts, RunSpec, Subject},
    view,
};
use crate::store::{runs::RunRow, steps::StepRow};
use model::{
    Millis, Severity,
    run::{MachineOutcome, Outcome, RunKind, RunState, StepState},
};

pub fn observed(spec: &RunSpec, run: &RunRow, steps: &[StepRow], now: Millis) -> Outcome {
    let machines: Vec<(Facts, MachineOutcome)> = spec.subjects.iter().map(|s| machine(s, run, steps, now)).collect();
    let worst = |get: fn(&MachineOutcome) -> Option<u64>| machines.iter().filter_map(|(_, m)| get(m)).max();
    let planned = run.kind == RunKind::Move.as_str();
    let downtime = |f: &Facts| between(f.asked_off_at.or(f.off_at), f.well_at);
    let downtime_ms = if planned { machines.iter().filter_map(|(f, _)| downtime(f)).max() } else { None };
    let bytes: u64 = steps.iter().filter(|s| s.kind == "sync").filter_map(|s| view::facts(s).bytes).sum();
    Outcome {
        rta_ms: worst(|m| m.rta_ms),
        rpa_ms: worst(|m| m.rpa_ms),
        downtime_ms,
        bytes: Some(bytes),
        machines: machines.into_iter().map(|(_, m)| m).collect(),
    }
}

fn machine(subject: &Subject, run: &RunRow, steps: &[StepRow], now: Millis) -> (Facts, MachineOutcome) {
    let own: Vec<&StepRow> = steps.iter().filter(|s| s.machine.as_deref() == Some(&subject.label)).collect();
    let mut facts = Facts::default();
    for step in &own {
        facts.merge(&view::facts(step));
    }
    let last = own.iter().rev().find(|s| matches!(s.kind.as_str(), "health" | "start" | "promote"));
    let recovered =
        own.iter().any(|s| s.kind == "promote" && ok(s)) && !own.iter().any(|s| matches!(s.kind.as_str(), "start" | "health") && !ok(s));
    let trouble = own.iter().find(|s| view::step_state(s) == StepState::Failed).or(last.filter(|s| !ok(s)));
    let warnings: Vec<String> = own.iter().filter_map(|s| view::facts(s).warning).collect();
    let message = trouble.and_then(|s| s.message.clone()).into_iter().chain(warnings).collect::<Vec<_>>().join(" ");
    let outcome = MachineOutcome {
        name: subject.name.clone(),
        recovered,
        rta_ms: between(Some(run.created_at), facts.well_at),
        // Seen off: nothing was written after that. Not seen off: it lived at least until it was last seen.
        rpa_ms: between(facts.taken_at, facts.off_at.or(subject.seen_at)).filter(|_| loss_is_known(facts.taken_at, now)),
        point_taken_at: facts.taken_at,
        message: (!message.is_empty()).then_some(message),
    };
    (facts, outcome)
}

fn ok(step: &StepRow) -> bool {
    view::step_state(step) == StepState::Succeeded
}

/// Of a point from the future (a clock was set back) nobody can say how much was lost: never nothing.
fn loss_is_known(taken_at: Option<Millis>, now: Millis) -> bool {
    taken_at.is_some_and(|at| model::age(at, now).is_some())
}

/// Never negative: the later one may have been taken by another clock.
fn between(from: Option<Millis>, to: Option<Millis>) -> Option<u64> {
    Some(u64::try_from(to? - from?).unwrap_or_default())
}

/// What a cancelled run could not make undone.
pub fn left(steps: &[StepRow]) -> Vec<String> {
    let each = steps.iter().map(|s| (s.machine.clone().unwrap_or_default(), view::facts(s)));
    each.filter_map(|(name, facts)| facts.arrived.map(|cloud| format!("{name} had arrived at {cloud} and runs there"))).collect()
}

/// The last event of a run. `left`: see [`left`].
pub fn in_words(state: RunState, message: Option<&str>, outcome: &Outcome, left: &[String]) -> (Severity, String) {
    let good = outcome.machines.iter().filter(|m| m.recovered).count();
    let time = outcome.rta_ms.map_or(String::new(), |ms| format!(" in {:.1} s", ms as f64 / 1000.0));
    let loss = outcome.rpa_ms.map_or(String::new(), |ms| format!(", at most {:.1} s of data lost", ms as f64 / 1000.0));
    let why = message.map_or(String::new(), |m| format!(" {m}"));
    match state {
        RunState::Cancelled if left.is_empty() => (Severity::Info, "Cancelled: everything is as it was.".into()),
        RunState::Cancelled => (Severity::Warning, format!("Cancelled. Not everything is as it was: {}.", left.join("; "))),
        RunState::Succeeded => {
            let warned = outcome.machines.iter().filter(|m| m.message.is_some()).count();
            let look = if warned == 0 { String::new() } else { format!(" Look at {warned} of them: there are warnings.") };
            let severity = if warned == 0 { Severity::Info } else { Severity::Warning };
            (severity, format!("Done: {good} of {} machines{time}{loss}.{look}", outcome.machines.len()))
        }
        RunState::SucceededWithErrors => {
            (Severity::Warning, format!("Done with errors: {good} of {} machines{time}{loss}.{why}", outcome.machines.len()))
        }
        _ => (Severity::Critical, format!("Failed.{why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_from_the_future_is_no_loss_of_nothing() {
        assert!(loss_is_known(Some(1_000), 2_000) && loss_is_known(Some(3_000), 2_000));
        assert!(!loss_is_known(Some(3_600_000), 2_000) && !loss_is_known(None, 2_000));
    }
}
