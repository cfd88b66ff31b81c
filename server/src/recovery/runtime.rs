//! What this node knows about driving runs beyond the store: how long a lease is, and what wakes the driver.

use std::{sync::Arc, time::Duration};
use tokio::sync::Notify;

pub struct Runtime {
    pub timing: Timing,
    wake: Notify,
    /// Asked after every durable write of a run; `true` stops the driver there for good, as a crash would.
    pub after_write: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub lease: Duration,
    pub heartbeat: Duration,
    /// The driver stops so long before the lease that it last sent for would end.
    pub margin: Duration,
    /// How often the store is asked for what other nodes wrote.
    pub poll: Duration,
    /// How often superseded copies that are not locked are looked for.
    pub keep: Duration,
}

impl Default for Runtime {
    fn default() -> Self {
        let timing = Timing {
            lease: Duration::from_secs(10),
            heartbeat: Duration::from_secs(3),
            margin: Duration::from_secs(2),
            poll: Duration::from_millis(200),
            keep: Duration::from_secs(2),
        };
        Self { timing, wake: Notify::new(), after_write: None }
    }
}

impl Runtime {
    pub fn new(timing: Timing) -> Self {
        Self { timing, ..Self::default() }
    }

    /// Something was stored that a takeover would find: in a test the node may die here.
    pub async fn wrote(&self) {
        if self.after_write.as_ref().is_some_and(|crash| crash()) {
            std::future::pending::<()>().await;
        }
    }

    /// A run was written, or something is wanted of one: look now.
    pub fn wake(&self) {
        self.wake.notify_waiters();
    }

    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}
