//! What a live event does to the run on the screen. Pure, so that it can be tested without a stream.
//!
//! A state that changed may change what can be commanded, and only the server knows that: the answer says whether
//! the whole run should be read again. Steps and log lines are shown at once, without waiting for that.

use model::{
    live::{LiveEvent, Topic},
    run::{Run, RunDetail, RunEvent, Step},
};

/// What the page does after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Not about this run, or nothing new.
    Nothing,
    /// Shown already.
    Shown,
    /// Shown as far as it goes; what can be commanded may have changed, so read it again.
    ReadAgain,
}

pub fn apply(detail: &mut RunDetail, event: &LiveEvent) -> Effect {
    match event.topic {
        Topic::Reset => Effect::ReadAgain,
        Topic::Run if event.id == detail.run.id => take_run(detail, event),
        Topic::Step if event.id == detail.run.id => take_step(detail, event),
        Topic::RunEvent => take_line(detail, event),
        _ => Effect::Nothing,
    }
}

/// Was the answer written before what is shown? A run that is over stays so, and its log only grows.
pub fn is_older(shown: &RunDetail, answer: &RunDetail) -> bool {
    let last = |detail: &RunDetail| detail.events.last().map(|line| line.seq);
    shown.run.id == answer.run.id && (last(answer) < last(shown) || shown.run.state.is_over() && !answer.run.state.is_over())
}

fn take_run(detail: &mut RunDetail, event: &LiveEvent) -> Effect {
    let Ok(run) = serde_json::from_value::<Run>(event.data.clone()) else { return Effect::ReadAgain };
    let changed = run.state != detail.run.state;
    detail.run = run;
    if changed { Effect::ReadAgain } else { Effect::Shown }
}

fn take_step(detail: &mut RunDetail, event: &LiveEvent) -> Effect {
    let Ok(step) = serde_json::from_value::<Step>(event.data.clone()) else { return Effect::ReadAgain };
    let Some(known) = detail.steps.iter_mut().find(|s| s.key == step.key) else { return Effect::ReadAgain };
    let changed = known.state != step.state;
    *known = step;
    if changed { Effect::ReadAgain } else { Effect::Shown }
}

/// Lines come in order, but a line may arrive both in the first reading and by the stream.
fn take_line(detail: &mut RunDetail, event: &LiveEvent) -> Effect {
    let Ok(line) = serde_json::from_value::<RunEvent>(event.data.clone()) else { return Effect::Nothing };
    if line.run_id != detail.run.id || detail.events.iter().rev().any(|known| known.seq == line.seq) {
        return Effect::Nothing;
    }
    let place = detail.events.partition_point(|known| known.seq < line.seq);
    detail.events.insert(place, line);
    Effect::Shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::runs::sample;
    use model::{
        Severity,
        run::{RunState, StepState},
    };

    fn event(topic: Topic, id: &str, data: impl serde::Serialize) -> LiveEvent {
        LiveEvent { seq: 1, topic, id: id.into(), data: serde_json::to_value(data).unwrap_or_default() }
    }

    #[test]
    fn progress_is_shown_and_a_new_state_asks_for_the_whole_run() {
        let mut detail = sample::detail();
        let mut step = detail.steps[1].clone();
        step.message = Some("12 MiB of 40".into());
        assert_eq!(apply(&mut detail, &event(Topic::Step, "r1", &step)), Effect::Shown);
        step.state = StepState::Succeeded;
        assert_eq!(apply(&mut detail, &event(Topic::Step, "r1", &step)), Effect::ReadAgain);
        assert_eq!(detail.steps[1].state, StepState::Succeeded);
    }

    #[test]
    fn another_run_changes_nothing() {
        let mut detail = sample::detail();
        let before = detail.clone();
        let mut other = detail.run.clone();
        other.id = "r2".into();
        other.state = RunState::Failed;
        assert_eq!(apply(&mut detail, &event(Topic::Run, "r2", &other)), Effect::Nothing);
        assert_eq!(detail, before);
    }

    #[test]
    fn an_answer_that_was_on_its_way_takes_nothing_back() {
        let before = sample::detail();
        let mut over = before.clone();
        over.run.state = RunState::Succeeded;
        assert!(is_older(&over, &before) && !is_older(&before, &over) && !is_older(&over, &over));
        let mut longer = before.clone();
        longer.events.push(RunEvent { seq: 99, run_id: "r1".into(), step: None, at: 1, severity: Severity::Info, text: String::new() });
        assert!(is_older(&longer, &before) && !is_older(&before, &longer));
        let mut another = before;
        another.run.id = "r2".into();
        assert!(!is_older(&longer, &another), "the page has gone to another run");
    }

    #[test]
    fn a_line_is_kept_once_and_in_order() {
        let mut detail = sample::detail();
        let line = |seq| RunEvent { seq, run_id: "r1".into(), step: None, at: 1, severity: Severity::Info, text: format!("{seq}") };
        for seq in [12, 11, 12] {
            apply(&mut detail, &event(Topic::RunEvent, "r1", line(seq)));
        }
        let seqs: Vec<i64> = detail.events.iter().map(|e| e.seq).collect();
        assert!(seqs.ends_with(&[11, 12]), "{seqs:?}");
        assert!(seqs.windows(2).all(|w| w[0] < w[1]), "{seqs:?}");
    }
}
