//! How long a step waits: by the steady clock, so that setting the wall clock neither ends nor prolongs it.

use crate::{
    inventory::alarms::clock_is_settled,
    state::{Node, now},
};
use model::Millis;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// What is left of a limit that an earlier attempt, maybe at another node, began at that time.
    pub fn rest(node: &Node, began: Millis, limit: Duration) -> Self {
        let now = clock_is_settled(node).then(now);
        Self::after(rest(began, limit, now))
    }

    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }

    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Between nothing and all of it, whatever the clock says; all of it without a clock that can be relied on.
fn rest(began: Millis, limit: Duration, now: Option<Millis>) -> Duration {
    let gone = now.map_or(0, |now| now.saturating_sub(began));
    limit.saturating_sub(Duration::from_millis(u64::try_from(gone).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_between_nothing_and_all() {
        let limit = Duration::from_secs(30);
        assert_eq!(rest(1000, limit, Some(11_000)), Duration::from_secs(20));
        assert_eq!(rest(1000, limit, Some(3_600_000)), Duration::ZERO);
        assert_eq!(rest(3_600_000, limit, Some(1000)), limit, "the clock was set back: never longer than the limit");
        assert_eq!(rest(1000, limit, None), limit, "it jumped: nobody knows how much is gone");
    }
}
