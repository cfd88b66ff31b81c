//! When the next cycle begins, and how long to wait after a failure: pure.

use model::Millis;
use std::time::Duration;

/// Nothing is gained by cycles closer than this.
pub const FLOOR: i64 = 500;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// No cloud may ask for more: it is asked again then.
const LONGEST_ASKED: Duration = Duration::from_secs(600);

/// From the instant of one recovery point to the start of the cycle for the next.
///
/// The lag is largest just before a cycle commits: interval + duration. A third of the objective leaves room for one
/// failed cycle; when cycles take longer than that, they begin early enough to end in time, with a short pause at
/// least, so that a cycle that cannot keep up does not occupy the source without a break.
pub fn interval(rpo_seconds: u32, took_ms: i64) -> i64 {
    let rpo = i64::from(rpo_seconds) * 1000;
    let in_time = rpo - took_ms * 2;
    let after_the_last = took_ms + (took_ms / 8).max(FLOOR);
    (rpo / 3).min(in_time).max(after_the_last)
}

/// Spreads members over time: up to a tenth earlier, always the same for the same point of the same member.
pub fn jitter(member_id: &str, seed: i64, interval: i64) -> i64 {
    let hash = member_id
        .bytes()
        .chain(seed.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let share = i64::try_from(hash >> 40).unwrap_or_default();
    interval / 10 * share / (1 << 24)
}

/// After the `failures`th failure in a row: 1, 2, 4 … 60 s; longer when the cloud asked for it.
pub fn pause(failures: u32, asked: Option<Duration>) -> Duration {
    let grown = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    grown.max(asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// How much of a pause is left that was written down by the wall clock. That clock may have been set since: never more
/// than a pause can be, and nothing when the failures themselves lie in the future.
pub fn left(next_try_at: Millis, error_since: Option<Millis>, now: Millis) -> Duration {
    let left = Duration::from_millis(u64::try_from(next_try_at - now).unwrap_or_default());
    if error_since.is_some_and(|since| since > now) { Duration::ZERO } else { left.min(LONGEST_ASKED) }
}

/// How many failures in a row lie behind, told from the two instants that the store keeps: so the pauses go on growing
/// over a restart. The sum of the pauses before the nth is 2^(n-1) - 1 s.
pub fn failures(error_since: Option<Millis>, now: Millis) -> u32 {
    let Some(since) = error_since else { return 0 };
    let seconds = u64::try_from((now - since).max(0) / 1000).unwrap_or_default();
    (seconds + 1).ilog2() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quick_cycles_come_three_times_within_the_objective() {
        assert_eq!(interval(60, 500), 20_000);
        assert_eq!(interval(5, 300), 1_666);
    }

    #[test]
    fn slow_cycles_begin_early_enough_or_nearly_back_to_back() {
        assert_eq!(interval(60, 22_000), 24_750);
        assert_eq!(interval(60, 90_000), 101_250);
    }

    #[test]
    fn pauses_grow_to_a_minute_and_respect_the_cloud() {
        let seconds: Vec<u64> = (1..=8).map(|n| pause(n, None).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(1, Some(Duration::from_secs(90))).as_secs(), 90);
    }

    #[test]
    fn no_pause_outlives_a_clock_that_was_set() {
        assert_eq!(left(5_000, Some(0), 1_000).as_secs(), 4);
        assert_eq!(left(5_000, Some(0), 9_000).as_secs(), 0);
        assert_eq!(left(3_600_000, Some(3_590_000), 1_000).as_secs(), 0, "set back by an hour: the failures lie in the future");
        assert_eq!(left(7_200_000, Some(0), 1_000), LONGEST_ASKED);
    }

    #[test]
    fn failures_are_told_from_the_time_since_the_first() {
        assert_eq!(failures(None, 0), 0);
        let seen: Vec<u32> = [0, 999, 1000, 3000, 7000, 15_000].iter().map(|at| failures(Some(0), *at)).collect();
        assert_eq!(seen, [1, 1, 2, 3, 4, 5]);
        assert_eq!(failures(Some(5), 0), 1, "a clock that went back");
    }

    proptest! {
        #[test]
        fn never_a_busy_loop_and_in_time_where_possible(rpo in 5u32..=86_400, took in 0i64..100_000) {
            let wait = interval(rpo, took);
            prop_assert!(wait >= took + FLOOR);
            let early = jitter("m", took, wait);
            prop_assert!((0..=wait / 10).contains(&early));
            if took * 3 + FLOOR < i64::from(rpo) * 1000 {
                prop_assert!(wait + took <= i64::from(rpo) * 1000);
            }
        }
    }
}
