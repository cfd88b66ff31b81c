//! Which clocks a run shows, and what they read. Pure.

use model::{
    Millis,
    run::{Run, RunDetail, RunKind, Step, StepState},
};

/// Time since the button was pressed, as the observed recovery time counts too; it stands still once the run is over.
pub fn elapsed(run: &Run, now: Millis) -> Millis {
    (run.finished_at.unwrap_or(now) - run.created_at).max(0)
}

/// How long the machine of a move has been away so far: from the moment at which its stop began until a step that
/// proved it well was over. The run's outcome replaces it with what was really observed.
pub fn away(detail: &RunDetail, now: Millis) -> Option<Millis> {
    if detail.run.kind != RunKind::Move {
        return None;
    }
    let from = detail.steps.iter().filter(|s| is_stop(s)).filter_map(|s| s.started_at).min()?;
    let back = detail.steps.iter().filter(|s| s.kind == "health" && s.state == StepState::Succeeded).filter_map(|s| s.finished_at).max();
    Some((back.or(detail.run.finished_at).unwrap_or(now) - from).max(0))
}

fn is_stop(step: &Step) -> bool {
    step.kind == "stop_source" && step.state != StepState::Skipped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::runs::sample::{T0, detail, step};

    #[test]
    fn the_clock_stands_still_when_the_run_is_over() {
        let mut run = detail().run;
        run.started_at = None;
        assert_eq!(elapsed(&run, T0 + 5_000), 5_000);
        run.finished_at = Some(T0 + 7_000);
        assert_eq!(elapsed(&run, T0 + 60_000), 7_000);
        assert_eq!(elapsed(&run, T0 - 1), 7_000);
    }

    #[test]
    fn a_move_is_away_from_its_stop_until_it_answers() {
        let mut detail = detail();
        detail.run.kind = RunKind::Move;
        assert_eq!(away(&detail, T0 + 9_000), Some(9_000));
        detail.steps.push(step("db1.health", "health", 1, StepState::Succeeded, Some(3_000), Some(4_000)));
        assert_eq!(away(&detail, T0 + 9_000), Some(4_000));
    }

    #[test]
    fn a_failover_has_no_downtime_clock() {
        assert_eq!(away(&detail(), T0 + 1), None);
    }
}
