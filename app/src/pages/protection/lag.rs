//! The lag: age of the newest recovery point against the objective, counting on while one looks.

use crate::{
    components::status::{Status, Tone},
    format,
    state::Clock,
};
use leptos::prelude::*;
use model::{
    Millis,
    protection::{Policy, Replication, ReplicationState},
};

/// What a lag comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub ms: Option<i64>,
    /// There is a point, but a clock was set back: how old it is nobody can tell.
    pub unknown: bool,
    pub breach: bool,
    /// Nothing flows, on purpose: a breach is then no alarm of replication.
    pub at_rest: bool,
}

pub fn lag(replication: &Replication, policy: &Policy, now: Millis) -> Lag {
    Lag {
        ms: replication.lag_ms(now),
        unknown: replication.newest_point_at.is_some() && replication.lag_ms(now).is_none(),
        breach: replication.in_breach(policy, now),
        at_rest: replication.state == ReplicationState::Recovered,
    }
}

/// Length of the bar in percent; the objective stands at half of it, so that a breach can be seen as well as read.
pub fn length(ms: i64, rpo_seconds: u32) -> f64 {
    let objective = f64::from(rpo_seconds.max(1)) * 1000.0;
    (ms as f64 / objective * 50.0).clamp(1.0, 100.0)
}

fn words(lag: Lag, rpo_seconds: u32) -> (Tone, String) {
    let objective = format::seconds(rpo_seconds);
    match (lag.ms, lag.at_rest) {
        (_, true) => (Tone::Idle, "Recovered; not replicating".into()),
        (None, _) if lag.unknown => (Tone::Bad, format!("Age unknown since a clock was set back, objective {objective}")),
        (None, _) => (Tone::Bad, format!("No recovery point yet, objective {objective}")),
        (Some(ms), _) if lag.breach => (Tone::Bad, format!("Breach: {} old, objective {objective}", format::age(ms))),
        (Some(ms), _) => (Tone::Good, format!("{} old, objective {objective}", format::age(ms))),
    }
}

#[component]
pub fn LagBar(#[prop(into)] replication: Signal<Replication>, #[prop(into)] policy: Signal<Policy>) -> impl IntoView {
    let now = Clock::get();
    let lag = Memo::new(move |_| replication.with(|r| policy.with(|p| lag(r, p, now.get()))));
    let words = Memo::new(move |_| words(lag.get(), policy.with(|p| p.rpo_seconds)));
    let width = move || lag.get().ms.filter(|_| !lag.get().at_rest).map(|ms| format!("{:.1}%", length(ms, policy.with(|p| p.rpo_seconds))));
    view! {
        <div class="lag" data-tone=move || words.with(|w| w.0.as_str())>
            <svg class="lag-bar" width="100%" height="8" aria-hidden="true">
                <rect class="rail" width="100%" height="8" rx="2"></rect>
                <rect class="bar" width=move || width().unwrap_or_else(|| "0%".into()) height="8" rx="2"></rect>
                <rect class="mark" x="50%" width="2" height="8"></rect>
            </svg>
            <Status tone=Signal::derive(move || words.with(|w| w.0)) label=Signal::derive(move || words.with(|w| w.1.clone()))/>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_objective_stands_in_the_middle() {
        assert_eq!(length(60_000, 60), 50.0);
        assert_eq!(length(600_000, 60), 100.0);
        assert_eq!(length(0, 60), 1.0);
        assert!(length(5, 0) > 0.0);
    }

    #[test]
    fn no_point_at_all_is_told_apart_from_an_old_one() {
        let none = Lag { ms: None, unknown: false, breach: true, at_rest: false };
        assert!(words(none, 60).1.contains("No recovery point yet"));
        assert!(words(Lag { unknown: true, ..none }, 60).1.contains("unknown"));
        let old = Lag { ms: Some(90_000), unknown: false, breach: true, at_rest: false };
        assert!(words(old, 60).1.starts_with("Breach: 1 min 30 s"));
        assert_eq!(words(Lag { at_rest: true, ..old }, 60).0, Tone::Idle);
    }
}
