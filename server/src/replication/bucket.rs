//! A token bucket: the bandwidth limit that the members of one group share.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// So much may go at once after a pause, in seconds of the rate: bursts stay short, the average is exact.
const BURST: f64 = 0.25;

/// Without a rate it lets everything pass.
#[derive(Default)]
pub struct Bucket(Mutex<State>);

#[derive(Default)]
struct State {
    rate: Option<u64>,
    /// Negative: what was let through ahead of its time.
    tokens: f64,
    filled: Option<Instant>,
}

impl Bucket {
    pub fn set_rate(&self, rate: Option<u64>) {
        self.state().rate = rate.filter(|r| *r > 0);
    }

    /// Waits until `bytes` more may go. Takes them at once and waits for the debt, so that callers are served in turn
    /// and a piece larger than the burst passes as well.
    pub async fn take(&self, bytes: u64) {
        let wait = self.owe(bytes, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn owe(&self, bytes: u64, now: Instant) -> Duration {
        let mut state = self.state();
        let Some(rate) = state.rate else { return Duration::ZERO };
        #[allow(clippy::cast_precision_loss)] // a rate of more than 2^52 B/s is no limit
        let (rate, bytes) = (rate as f64, bytes as f64);
        let since = state.filled.map_or(BURST, |at| now.saturating_duration_since(at).as_secs_f64());
        state.tokens = (state.tokens + since * rate).min(BURST * rate) - bytes;
        state.filled = Some(now);
        Duration::from_secs_f64((-state.tokens).max(0.0) / rate)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(bucket: &Bucket, now: Instant, bytes: u64) -> f64 {
        bucket.owe(bytes, now).as_secs_f64()
    }

    #[test]
    fn the_average_is_the_limit() {
        let bucket = Bucket::default();
        bucket.set_rate(Some(1_000_000));
        let begun = Instant::now();
        let mut now = begun;
        for _ in 0..40 {
            now += Duration::from_secs_f64(waits(&bucket, now, 250_000));
        }
        let took = (now - begun).as_secs_f64();
        assert!((9.5..=10.1).contains(&took), "10 MB at 1 MB/s took {took} s");
    }

    #[test]
    fn a_long_pause_earns_only_a_short_burst() {
        let bucket = Bucket::default();
        bucket.set_rate(Some(1000));
        let begun = Instant::now();
        waits(&bucket, begun, 250);
        let wait = waits(&bucket, begun + Duration::from_secs(3600), 1250);
        assert!((wait - 1.0).abs() < 0.01, "waited {wait} s");
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let bucket = Bucket::default();
        assert!(waits(&bucket, Instant::now(), u64::MAX) == 0.0);
        bucket.set_rate(Some(1000));
        waits(&bucket, Instant::now(), 100_000);
        bucket.set_rate(None);
        assert!(waits(&bucket, Instant::now(), 1_000_000) == 0.0);
    }
}
