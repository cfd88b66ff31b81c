//! Geometry of the timeline: where a bar begins, how long it is, which ticks the axis has. No drawing here.

use model::{
    Millis,
    run::{Run, Step},
};

/// The span that the timeline shows; it grows as long as the run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    pub from: Millis,
    pub to: Millis,
}

/// A bar, in percent of the span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    pub left: f64,
    pub width: f64,
}

/// Shorter than this a bar could not be seen.
const THINNEST: f64 = 0.4;
/// So that the first second of a run is not drawn as if it were everything.
const SHORTEST: Millis = 10_000;

impl Scale {
    pub fn of(run: &Run, now: Millis) -> Self {
        let from = run.created_at;
        let to = run.finished_at.unwrap_or(now);
        Self { from, to: to.max(from + if run.finished_at.is_some() { 1 } else { SHORTEST }) }
    }

    /// `None` for a step that has not begun.
    pub fn bar(&self, step: &Step, now: Millis) -> Option<Bar> {
        let begun = step.started_at?;
        let end = step.finished_at.unwrap_or(now).max(begun);
        let left = self.percent(begun).min(100.0 - THINNEST);
        let width = (self.percent(end) - left).max(THINNEST);
        Some(Bar { left, width })
    }

    fn percent(&self, at: Millis) -> f64 {
        let span = (self.to - self.from) as f64;
        ((at - self.from) as f64 / span * 100.0).clamp(0.0, 100.0)
    }

    /// At most six round offsets from the start, in milliseconds, with their place in percent.
    pub fn ticks(&self) -> Vec<(Millis, f64)> {
        let span = self.to - self.from;
        let step = STEPS.into_iter().find(|s| span / s < 6).unwrap_or(span.max(1));
        (0..).map(|n| n * step).take_while(|offset| *offset <= span).map(|offset| (offset, self.percent(self.from + offset))).collect()
    }
}

/// Round steps of an axis in milliseconds: from half a second to a day.
const STEPS: [Millis; 16] = [
    500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000,
    86_400_000,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::runs::sample::{T0, detail, step};
    use model::run::StepState;

    #[test]
    fn bars_stay_inside_and_can_be_seen() {
        let now = T0 + 20_000;
        let scale = Scale::of(&detail().run, now);
        let whole = scale.bar(&step("a", "create", 1, StepState::Running, Some(10_000), None), now);
        assert_eq!(whole, Some(Bar { left: 50.0, width: 50.0 }));
        let blink = scale.bar(&step("b", "create", 1, StepState::Succeeded, Some(20_000), Some(20_000)), now);
        assert!(blink.is_some_and(|b| b.left + b.width <= 100.0 && b.width >= THINNEST), "{blink:?}");
        assert_eq!(scale.bar(&step("c", "create", 1, StepState::Pending, None, None), now), None);
    }

    #[test]
    fn a_clock_that_runs_behind_gives_no_negative_bar() {
        let scale = Scale::of(&detail().run, T0 - 5_000);
        let bar = scale.bar(&step("a", "create", 1, StepState::Running, Some(0), None), T0 - 5_000);
        assert!(bar.is_some_and(|b| b.left >= 0.0 && b.width > 0.0), "{bar:?}");
    }

    #[test]
    fn ticks_are_few_and_round() {
        for seconds in [10, 47, 95, 1_000, 100_000] {
            let scale = Scale { from: T0, to: T0 + seconds * 1_000 };
            let ticks = scale.ticks();
            assert!((2..=7).contains(&ticks.len()), "{seconds}: {ticks:?}");
            assert_eq!(ticks[0], (0, 0.0));
        }
    }
}
