//! The lease of one run, seen from its driver.
//!
//! The store's clock says when a lease ends; the driver cannot see that clock while the store is away, so it counts by
//! its own monotonic one from the moment that it *sent* for the lease, and stops a margin earlier.

use super::runtime::Timing;
use crate::store::{Db, runs};
use std::sync::{Mutex, PoisonError};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

pub struct Lease {
    timing: Timing,
    stop_at: Mutex<Instant>,
    pub lost: CancellationToken,
}

impl Lease {
    /// `sent`: when the claim was sent for.
    pub fn new(timing: Timing, sent: Instant) -> Self {
        Self { timing, stop_at: Mutex::new(sent + timing.lease - timing.margin), lost: CancellationToken::new() }
    }

    pub fn alive(&self) -> bool {
        !self.lost.is_cancelled() && Instant::now() < self.stop_at()
    }

    fn stop_at(&self) -> Instant {
        *self.stop_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews until the lease is lost; returns then.
    pub async fn keep(&self, db: &Db, claim: &runs::Claim) {
        while self.alive() {
            let next = Instant::now() + self.timing.heartbeat;
            sleep_until(next.min(self.stop_at())).await;
            let sent = Instant::now();
            match timeout_at(self.stop_at(), runs::renew(db, claim, millis(self.timing.lease))).await {
                Ok(Ok(true)) => self.extend(sent),
                Ok(Ok(false)) => break,
                Ok(Err(error)) => tracing::warn!(run = %claim.run_id, %error, "the lease could not be renewed, trying again"),
                Err(_) => break,
            }
        }
        self.lost.cancel();
    }

    fn extend(&self, sent: Instant) {
        *self.stop_at.lock().unwrap_or_else(PoisonError::into_inner) = sent + self.timing.lease - self.timing.margin;
    }
}

pub fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
