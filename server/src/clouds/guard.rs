//! What is around every driver: limits per cloud and in all, timeouts, tracing, metrics.
//!
//! No driver contains any of it. A caller wraps each call to a facet: `guard.run("start", LONG, async { … }).await`.

use super::{
    Cloud,
    error::{Error, Kind, Result},
};
use model::Id;
use std::{future::Future, sync::Arc, time::Duration};
use tokio::sync::Semaphore;

/// For a look: state, list, probe.
pub const SHORT: Duration = Duration::from_secs(15);
/// For a change: create, start, stop, delete.
pub const LONG: Duration = Duration::from_secs(90);

/// One connected cloud.
pub struct Guard {
    pub id: Id,
    pub name: String,
    pub site: String,
    pub simulated: bool,
    driver: Arc<dyn Cloud>,
    calls: Semaphore,
    all: Arc<Semaphore>,
}

impl Guard {
    /// At most `limit` calls at this cloud at once, and at most `all` permits over all clouds.
    pub fn new(id: Id, name: String, site: String, simulated: bool, driver: Arc<dyn Cloud>, limit: usize, all: Arc<Semaphore>) -> Self {
        Self { id, name, site, simulated, driver, calls: Semaphore::new(limit), all }
    }

    pub fn cloud(&self) -> &dyn Cloud {
        &*self.driver
    }

    /// Runs one call under the limits. A change that ran into its timeout is `Unknown`: it may have happened.
    ///
    /// # Errors
    /// The driver's own, or `Transient`/`Unknown` after `timeout`.
    pub async fn run<T>(&self, op: &'static str, timeout: Duration, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let closed = |_| Error::transient("The node is stopping.");
        let _one = self.calls.acquire().await.map_err(closed)?;
        let _all = self.all.acquire().await.map_err(closed)?;
        let begun = std::time::Instant::now();
        let answer = tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| Err(self.timed_out(op, timeout)));
        let outcome = if answer.is_ok() { "ok" } else { "error" };
        metrics::histogram!("crossfade_cloud_call_seconds", "cloud" => self.name.clone(), "op" => op, "outcome" => outcome)
            .record(begun.elapsed().as_secs_f64());
        if let Err(error) = &answer {
            tracing::debug!(cloud = %self.name, op, kind = ?error.kind, %error, "cloud call failed");
        }
        answer
    }

    /// A look that must not queue behind other calls: the heart beat, which would take a busy cloud for a dead one.
    ///
    /// # Errors
    /// The driver's own, or `Transient` after `timeout`.
    pub async fn glance<T>(&self, op: &'static str, timeout: Duration, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        let late = || Error::transient(format!("{} did not answer to {op} within {:.1} s.", self.name, timeout.as_secs_f64()));
        tokio::time::timeout(timeout, call).await.unwrap_or_else(|_| Err(late()))
    }

    fn timed_out(&self, op: &str, timeout: Duration) -> Error {
        let kind = if timeout > SHORT { Kind::Unknown } else { Kind::Transient };
        Error::new(kind, format!("{} did not answer to {op} within {} s.", self.name, timeout.as_secs()))
    }
}
