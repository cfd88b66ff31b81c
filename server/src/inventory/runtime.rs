//! The inventory's memory within one node.

use super::{
    facts::Facts,
    table::{Row, Table},
};
use model::{Id, Millis, cloud::Cloud};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
pub struct Runtime {
    table: RwLock<Table>,
    clouds: RwLock<BTreeMap<Id, Arc<Cloud>>>,
    facts: RwLock<Arc<Facts>>,
    split: RwLock<Arc<HashSet<Id>>>,
    collectors: Mutex<HashMap<Id, Arc<Control>>>,
    pub(super) alarms: super::alarms::Memory,
    /// One collector at a time writes what it saw: a hundred at once would hold every connection to the store.
    pub(super) saving: tokio::sync::Mutex<()>,
    /// Rises with whatever could make a judgement of all machines come out differently.
    version: AtomicU64,
}

/// How the rest of the node pulls at a collector.
#[derive(Default)]
pub(super) struct Control {
    pub wake: Notify,
    pub stop: CancellationToken,
    /// One writer at a time for the machines of a cloud: what was seen later is written later.
    pub writing: tokio::sync::Mutex<()>,
    /// When the tabs were last told to read the list again.
    pub told_at: Mutex<Millis>,
}

// A poisoned lock means a panic in one of the short sections below: what it guards is whole.
macro_rules! held {
    ($lock:expr) => {
        $lock.unwrap_or_else(PoisonError::into_inner)
    };
}

impl Runtime {
    pub(super) fn table(&self) -> RwLockReadGuard<'_, Table> {
        held!(self.table.read())
    }
    pub(super) fn change(&self, put: Vec<Arc<Row>>, taken: &[Id]) {
        held!(self.table.write()).change(put, taken);
        self.touch();
    }
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
    fn touch(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }
    pub(super) fn row(&self, id: &str) -> Option<Arc<Row>> {
        self.table().get(id).cloned()
    }

    /// All clouds, as they are now, by id.
    pub fn clouds(&self) -> BTreeMap<Id, Arc<Cloud>> {
        held!(self.clouds.read()).clone()
    }
    pub fn cloud(&self, id: &str) -> Option<Arc<Cloud>> {
        held!(self.clouds.read()).get(id).cloned()
    }
    pub fn set_cloud(&self, cloud: Cloud) -> Arc<Cloud> {
        let cloud = Arc::new(cloud);
        let before = held!(self.clouds.write()).insert(cloud.id.clone(), cloud.clone());
        if before.is_none_or(|b| b.status != cloud.status) {
            self.touch();
        }
        cloud
    }

    pub(super) fn facts(&self) -> Arc<Facts> {
        held!(self.facts.read()).clone()
    }
    pub(super) fn set_facts(&self, facts: Arc<Facts>) {
        *held!(self.facts.write()) = facts;
        self.touch();
    }

    /// Machines of which more than one copy was seen running.
    pub(super) fn split(&self) -> Arc<HashSet<Id>> {
        held!(self.split.read()).clone()
    }
    pub(super) fn set_split(&self, split: HashSet<Id>) {
        *held!(self.split.write()) = Arc::new(split);
    }

    pub(super) fn control(&self, cloud_id: &str) -> Option<Arc<Control>> {
        self.collectors().get(cloud_id).cloned()
    }
    /// Ends the collector of an earlier opening.
    pub(super) fn take_over(&self, cloud_id: &str) -> Arc<Control> {
        let control = Arc::new(Control::default());
        if let Some(old) = self.collectors().insert(cloud_id.to_owned(), control.clone()) {
            old.stop.cancel();
        }
        control
    }
    pub(super) fn wake(&self, cloud_id: &str) {
        if let Some(control) = self.control(cloud_id) {
            control.wake.notify_one();
        }
    }
    pub(super) fn forget(&self, cloud_id: &str) {
        if let Some(control) = self.collectors().remove(cloud_id) {
            control.stop.cancel();
        }
        held!(self.clouds.write()).remove(cloud_id);
        held!(self.table.write()).remove_cloud(cloud_id);
        self.touch();
    }

    fn collectors(&self) -> MutexGuard<'_, HashMap<Id, Arc<Control>>> {
        held!(self.collectors.lock())
    }
}
