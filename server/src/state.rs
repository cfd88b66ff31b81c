//! One running node: what every part of it shares.

use crate::{clouds::pool::Clouds, live::Bus, store::Db};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[derive(Clone)]
pub struct Node(Arc<Inner>);

pub struct Inner {
    /// Unique among the nodes of one store, new at every start: who owns a run.
    pub name: String,
    pub db: Db,
    pub live: Bus,
    pub clouds: Clouds,
    pub secrets: crate::secrets::Key,
    pub data_dir: PathBuf,
    /// What is known of all clouds and machines, at hand.
    pub inventory: crate::inventory::Runtime,
    /// Cycles under way, and what wakes the next ones.
    pub replication: crate::replication::Runtime,
    /// The pace of leases, and what wakes the drivers of runs.
    pub recovery: crate::recovery::Runtime,
    /// Calls to all clouds together.
    pub calls: Arc<Semaphore>,
    /// Cancelled when the node stops.
    pub stopping: CancellationToken,
    /// Background work, awaited at the stop.
    pub tasks: TaskTracker,
}

impl Inner {
    /// Nothing runs yet: what works in the background begins empty.
    pub fn new(name: String, db: Db, secrets: crate::secrets::Key, data_dir: PathBuf, cloud_calls: usize) -> Self {
        Self {
            name,
            db,
            secrets,
            data_dir,
            calls: Arc::new(Semaphore::new(cloud_calls)),
            live: Bus::default(),
            clouds: Clouds::default(),
            inventory: crate::inventory::Runtime::default(),
            replication: crate::replication::Runtime::default(),
            recovery: crate::recovery::Runtime::default(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }
}

impl Node {
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl std::ops::Deref for Node {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The clock of the node, ms since the epoch.
pub fn now() -> model::Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// A new identifier, ordered by time.
pub fn new_id() -> model::Id {
    uuid::Uuid::now_v7().simple().to_string()
}
