//! What is around every driver: limits per cloud and in all, timeouts, tracing, metrics.
//!
//! No driver contains any of it. A caller wraps each call to a facet: `guard.run("start", LONG, async { … }).await`. Whose
//! call it is (operation, run and step, member) stands in the spans around it, which the callers open.

use super::{
    Cloud,
    error::{Error, Kind, Result},
};
use model::Id;
use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::Instrument;

/// For a look: state, list, probe.
pub const SHORT: Duration = Duration::from_secs(15);
/// For a change: create, start, stop, delete.
pub const LONG: Duration = Duration::from_secs(90);
/// For its turn: when as many calls as may be are under way for so long, they hang.
const TURN: Duration = Duration::from_secs(60);

/// One connected cloud.
pub struct Guard {
    pub id: Id,
    pub name: String,
    pub site: String,
    pub simulated: bool,
    driver: Arc<dyn Cloud>,
    calls: Semaphore,
    all: Arc<Semaphore>,
    turn: Duration,
}

impl Guard {
    /// At most `limit` calls at this cloud at once, and at most `all` permits over all clouds.
    pub fn new(id: Id, name: String, site: String, simulated: bool, driver: Arc<dyn Cloud>, limit: usize, all: Arc<Semaphore>) -> Self {
        Self { id, name, site, simulated, driver, calls: Semaphore::new(limit), all, turn: TURN }
    }

    pub fn cloud(&self) -> &dyn Cloud {
        &*self.driver
    }

    /// Runs one call under the limits. A change that ran into its timeout is `Unknown`: it may have happened.
    ///
    /// # Errors
    /// The driver's own, or `Transient`/`Unknown` after `timeout`; `Transient` when its turn does not come.
    pub async fn run<T>(&self, op: &'static str, timeout: Duration, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let span = tracing::info_span!("cloud", cloud = %self.name, op);
        async {
            let _permits = tokio::time::timeout(self.turn, self.permits()).await.map_err(|_| self.busy(op))??;
            let late = || Err(self.timed_out(op, timeout));
            self.metered(op, async { tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| late()) }).await
        }
        .instrument(span)
        .await
    }

    /// A look that must not queue behind other calls: the heart beat, which would take a busy cloud for a dead one.
    ///
    /// # Errors
    /// The driver's own, or `Transient` after `timeout`.
    pub async fn glance<T>(&self, op: &'static str, timeout: Duration, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let late = || Error::transient(format!("{} did not answer to {op} within {:.1} s.", self.name, timeout.as_secs_f64()));
        let look = async { tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| Err(late())) };
        self.metered(op, look).instrument(tracing::info_span!("cloud", cloud = %self.name, op)).await
    }

    async fn permits(&self) -> Result<(SemaphorePermit<'_>, SemaphorePermit<'_>)> {
        let closed = |_| Error::transient("The node is stopping.");
        Ok((self.calls.acquire().await.map_err(closed)?, self.all.acquire().await.map_err(closed)?))
    }

    async fn metered<T>(&self, op: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        let begun = Instant::now();
        let answer = call.await;
        let outcome = if answer.is_ok() { "ok" } else { "error" };
        metrics::histogram!("crossfade_cloud_call_seconds", "cloud" => self.name.clone(), "op" => op, "outcome" => outcome)
            .record(begun.elapsed().as_secs_f64());
        match &answer {
            Ok(_) => tracing::trace!(ms = begun.elapsed().as_millis(), "cloud call"),
            Err(error) => tracing::debug!(kind = ?error.kind, %error, ms = begun.elapsed().as_millis(), "cloud call failed"),
        }
        answer
    }

    fn timed_out(&self, op: &str, timeout: Duration) -> Error {
        let kind = if timeout > SHORT { Kind::Unknown } else { Kind::Transient };
        Error::new(kind, format!("{} did not answer to {op} within {} s.", self.name, timeout.as_secs()))
    }

    /// Nothing was begun: it may be tried again.
    fn busy(&self, op: &str) -> Error {
        Error::transient(format!("{} is busy with earlier calls: {op} had no turn within {} s.", self.name, self.turn.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::{Settings, registry};

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_an_error_and_glances_need_none() {
        let driver = registry::open("simulator", Settings::default()).unwrap();
        let mut guard = Guard::new("i".into(), "berlin".into(), "s".into(), true, driver, 1, Arc::new(Semaphore::new(8)));
        guard.turn = Duration::from_millis(50);
        let hung = guard.run("hang", LONG, std::future::pending::<Result<()>>());
        let second = async {
            tokio::task::yield_now().await;
            let refused = guard.run("start", LONG, async { Ok(()) }).await.unwrap_err();
            assert_eq!(refused.kind, Kind::Transient, "nothing was begun");
            assert!(refused.message.contains("berlin is busy"), "{}", refused.message);
            assert!(guard.glance("alive", SHORT, async { Ok(()) }).await.is_ok());
        };
        tokio::select! { _ = hung => panic!("it hangs"), () = second => {} }
    }
}
