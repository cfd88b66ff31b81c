//! One running node: what every part of it shares.

pub mod disk;

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
    pub limits: Limits,
    /// The program that converts guests, where one was named; else it is looked for.
    pub virt_v2v: Option<PathBuf>,
    /// Calls to all clouds together.
    pub calls: Arc<Semaphore>,
    /// Cancelled when the node stops.
    pub stopping: CancellationToken,
    /// Background work, awaited at the stop.
    pub tasks: TaskTracker,
}

/// How much a node does at once; each is a setting of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls at one cloud: what a libvirtd takes with ease next to its own users.
    pub calls_per_cloud: usize,
    /// Of these, those that a driver keeps a thread busy with at one host.
    pub calls_per_host: usize,
    /// Background cycles at one cloud, and on this node: a cycle keeps a job open at the hypervisor and moves bulk data.
    pub cycles_per_cloud: usize,
    pub cycles_per_node: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { calls_per_cloud: 16, calls_per_host: 8, cycles_per_cloud: 3, cycles_per_node: 4 }
    }
}

impl Inner {
    /// Nothing runs yet: what works in the background begins empty.
    pub fn new(name: String, db: Db, secrets: crate::secrets::Key, data_dir: PathBuf, cloud_calls: usize) -> Self {
        Self {
            name,
            db,
            secrets,
            data_dir,
            limits: Limits::default(),
            virt_v2v: None,
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

/// The clock of the node, ms since the epoch. It may be set at any time: what has to end after a while is measured by
/// `Instant`, and an age by [`model::age`].
pub fn now() -> model::Millis {
    jiff::Timestamp::now().as_millisecond() + clock::offset()
}

/// For tests: another wall clock for this thread, since the machine's own belongs to everybody on it.
pub mod clock {
    use std::{
        cell::RefCell,
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
    };

    thread_local!(static OFFSET: RefCell<Arc<AtomicI64>> = RefCell::default());

    pub(super) fn offset() -> model::Millis {
        OFFSET.with_borrow(|o| o.load(Ordering::Relaxed))
    }

    /// Ahead (positive) or back, from where it is now.
    pub fn set(by: model::Millis) {
        OFFSET.with_borrow(|o| o.fetch_add(by, Ordering::Relaxed));
    }

    /// What makes another thread go by the clock of this one.
    pub fn shared() -> impl Fn() + Clone + Send + Sync + 'static {
        let mine = OFFSET.with_borrow(Clone::clone);
        move || OFFSET.set(mine.clone())
    }
}

/// A new identifier, ordered by time.
pub fn new_id() -> model::Id {
    uuid::Uuid::now_v7().simple().to_string()
}
