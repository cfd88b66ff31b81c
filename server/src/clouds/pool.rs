//! The clouds that this node has open now, by id.

use super::{Settings, error::Result, guard::Guard, registry};
use model::Id;
use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};
use tokio::sync::Semaphore;

/// What a cloud is opened as.
pub struct Open {
    pub id: Id,
    pub name: String,
    pub site: String,
    pub kind: String,
    pub simulated: bool,
    pub settings: Settings,
    /// At once.
    pub calls: usize,
}

#[derive(Default)]
pub struct Clouds {
    open: RwLock<HashMap<Id, Arc<Guard>>>,
    versions: RwLock<HashMap<Id, u64>>,
}

impl Clouds {
    pub fn get(&self, id: &str) -> Option<Arc<Guard>> {
        self.read().get(id).cloned()
    }
    pub fn all(&self) -> Vec<Arc<Guard>> {
        self.read().values().cloned().collect()
    }
    /// Opens it in place of the one that was there; connects at the first call, not here.
    ///
    /// # Errors
    /// An unknown kind, or a field that cannot be right. What was there before stays then.
    pub fn open(&self, open: Open, all: Arc<Semaphore>) -> Result<Arc<Guard>> {
        let driver = registry::open(&open.kind, open.settings)?;
        let guard = Arc::new(Guard::new(open.id, open.name, open.site, open.simulated, driver, open.calls, all));
        self.put(guard.clone());
        Ok(guard)
    }
    /// Answers the one that was there before.
    pub fn put(&self, guard: Arc<Guard>) -> Option<Arc<Guard>> {
        self.write().insert(guard.id.clone(), guard)
    }
    pub fn remove(&self, id: &str) -> Option<Arc<Guard>> {
        self.versions.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.write().remove(id)
    }
    /// Of the settings that it was opened with, or that it could not be opened with.
    pub fn version(&self, id: &str) -> Option<u64> {
        self.versions.read().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
    pub fn set_version(&self, id: &str, version: u64) {
        self.versions.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), version);
    }

    // A poisoned lock means a panic in one of the lines above: the map itself is whole.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Id, Arc<Guard>>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }
    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Id, Arc<Guard>>> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }
}
