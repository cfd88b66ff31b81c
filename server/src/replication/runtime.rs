//! What this node knows about replication beyond the store: who is busy, how far, and what wakes the scheduler.
//!
//! Nothing here matters after a restart.

use super::bucket::Bucket;
use model::{Id, Transfer};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

#[derive(Default)]
pub struct Runtime {
    slots: Mutex<HashMap<Id, Arc<Slot>>>,
    buckets: Mutex<HashMap<Id, Arc<Bucket>>>,
    /// First copies of runs, by cloud.
    turns: Mutex<HashMap<Id, Arc<Semaphore>>>,
    wake: Notify,
}

/// One member: a single cycle at a time.
#[derive(Default)]
pub struct Slot {
    pub busy: tokio::sync::Mutex<()>,
    cancel: Mutex<CancellationToken>,
    transfer: Mutex<Option<Transfer>>,
    /// The target was tidied since this node started and since the last cycle that did not end well.
    tidied: AtomicBool,
    /// What the source said of the machine's disks; `None`: not asked since this node started.
    cost: Mutex<Option<Option<String>>>,
}

impl Runtime {
    pub fn slot(&self, member_id: &str) -> Arc<Slot> {
        lock(&self.slots).entry(member_id.to_owned()).or_default().clone()
    }

    /// For the first copy of a run, which may take hours: at one cloud only so many at a time, as in the background. What
    /// a machine waits for, a last copy while it is off, takes no turn.
    pub fn turn(&self, cloud_id: &str, limit: usize) -> Arc<Semaphore> {
        lock(&self.turns).entry(cloud_id.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(limit))).clone()
    }

    pub fn forget(&self, member_id: &str) {
        lock(&self.slots).remove(member_id);
    }

    /// All members of a group share one limit.
    pub fn bucket(&self, group_id: &str, rate: Option<u64>) -> Arc<Bucket> {
        let bucket = lock(&self.buckets).entry(group_id.to_owned()).or_default().clone();
        bucket.set_rate(rate);
        bucket
    }

    pub fn transfer(&self, member_id: &str) -> Option<Transfer> {
        lock(&self.slots).get(member_id).and_then(|s| *lock(&s.transfer))
    }

    /// Groups, members or clouds changed: look again now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    pub async fn woken(&self) {
        self.wake.notified().await;
    }
}

impl Slot {
    /// Ends the background cycle under way, if there is one.
    pub fn cancel(&self) {
        lock(&self.cancel).cancel();
    }

    /// A fresh token for the cycle that begins now; it ends with the node as well.
    pub fn arm(&self, stopping: &CancellationToken) -> CancellationToken {
        let token = stopping.child_token();
        *lock(&self.cancel) = token.clone();
        token
    }

    pub fn show(&self, transfer: Option<Transfer>) {
        *lock(&self.transfer) = transfer;
    }

    pub fn cost(&self) -> Option<Option<String>> {
        lock(&self.cost).clone()
    }

    pub fn set_cost(&self, cost: Option<String>) {
        *lock(&self.cost) = Some(cost);
    }

    pub fn is_tidied(&self) -> bool {
        self.tidied.load(Ordering::Acquire)
    }

    pub fn set_tidied(&self, tidied: bool) {
        self.tidied.store(tidied, Ordering::Release);
    }
}

// A poisoned lock means a panic in one of the lines above: what it guards is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
