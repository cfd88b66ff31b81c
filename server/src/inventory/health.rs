//! How a cloud is, judged from how it answers: pure. It never says more than was seen.

use crate::clouds::error::{Error, Kind};
use model::{Millis, cloud::CloudStatus};
use std::time::Duration;

#[derive(Clone, Debug)]
pub struct Health {
    pub status: CloudStatus,
    pub since: Millis,
    /// In the cloud's words.
    pub message: Option<String>,
    pub retry_at: Option<Millis>,
    /// When it was well last.
    well_at: Option<Millis>,
    /// When the first failure after that came.
    failing_since: Option<Millis>,
    failures: u32,
}

/// The first tries come quickly: most losses are short, and somebody waits for the screen to turn green.
const FIRST: [u64; 5] = [500, 1000, 2000, 3000, 5000];
const LONGEST: Millis = 180_000;
/// Later ones come after a twentieth of the time that it was away: a return is seen with at most 5 % delay.
const SHARE: Millis = 20;

impl Health {
    pub fn new(now: Millis) -> Self {
        Self { status: CloudStatus::Connecting, since: now, message: None, retry_at: None, well_at: None, failing_since: None, failures: 0 }
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub fn succeeded(&mut self, now: Millis) {
        self.turn(CloudStatus::Ok, now);
        *self = Self { message: None, retry_at: None, well_at: Some(now), failing_since: None, failures: 0, ..self.clone() };
    }

    /// Answers how long to wait before the next try.
    pub fn failed(&mut self, error: &Error, now: Millis) -> Duration {
        self.failures += 1;
        let since = *self.failing_since.get_or_insert(now);
        self.turn(self.judge(error), now);
        self.message = Some(error.message.clone());
        let wait = self.wait(error, now - since);
        self.retry_at = Some(now + wait.as_millis() as Millis);
        wait
    }

    fn judge(&self, error: &Error) -> CloudStatus {
        let seen = self.well_at.is_some();
        match error.kind {
            Kind::Auth | Kind::Identity | Kind::Unsupported | Kind::Permanent => CloudStatus::Refused,
            // It answers, if only to say "later".
            Kind::Throttled(_) if seen => CloudStatus::Stale,
            // One lost look is no loss of a cloud: only the second failure in a row is.
            _ if seen && self.failures < 2 => CloudStatus::Stale,
            _ => CloudStatus::Unreachable,
        }
    }

    fn wait(&self, error: &Error, away: Millis) -> Duration {
        if let Kind::Throttled(wait) = error.kind {
            return wait.max(Duration::from_secs(1));
        }
        let first = FIRST.get(self.failures as usize - 1).copied();
        let later = (away / SHARE).clamp(5000, LONGEST).unsigned_abs();
        Duration::from_millis(first.unwrap_or(later))
    }

    fn turn(&mut self, to: CloudStatus, now: Millis) {
        if self.status != to {
            (self.status, self.since) = (to, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lost() -> Error {
        Error::transient("no route to host")
    }

    #[test]
    fn one_lost_look_is_stale_and_the_second_is_unreachable() {
        let mut health = Health::new(0);
        health.succeeded(100);
        health.failed(&lost(), 200);
        assert_eq!((health.status, health.since), (CloudStatus::Stale, 200));
        health.failed(&lost(), 700);
        assert_eq!((health.status, health.since, health.message.as_deref()), (CloudStatus::Unreachable, 700, Some("no route to host")));
        health.succeeded(900);
        assert_eq!((health.status, health.since, health.message, health.retry_at), (CloudStatus::Ok, 900, None, None));
    }

    #[test]
    fn a_cloud_that_was_never_seen_is_not_called_stale() {
        let mut health = Health::new(0);
        health.failed(&lost(), 1);
        assert_eq!(health.status, CloudStatus::Unreachable);
    }

    #[test]
    fn wrong_credentials_are_a_refusal_not_a_loss() {
        let mut health = Health::new(0);
        health.succeeded(1);
        health.failed(&Error::new(Kind::Auth, "no"), 2);
        assert_eq!(health.status, CloudStatus::Refused);
        health.failed(&lost(), 3);
        assert_eq!(health.status, CloudStatus::Unreachable);
    }

    #[test]
    fn the_first_tries_come_quickly() {
        let mut health = Health::new(0);
        let waits: Vec<_> = (0..7).map(|i| health.failed(&lost(), i * 1000).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 3000, 5000, 5000, 5000]);
    }

    proptest! {
        #[test]
        fn a_return_is_seen_within_a_twentieth_of_the_outage(minutes in 1i64..100_000) {
            let mut health = Health::new(0);
            (0..9).for_each(|i| { health.failed(&lost(), i * 3000); });
            let wait = health.failed(&lost(), minutes * 60_000).as_millis() as i64;
            prop_assert!(wait <= LONGEST && wait <= (minutes * 60_000 / SHARE).max(5000));
        }
    }
}
