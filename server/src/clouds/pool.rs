//! The clouds that this node has open now, by id.

use super::guard::Guard;
use model::Id;
use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
};

#[derive(Default)]
pub struct Clouds(RwLock<HashMap<Id, Arc<Guard>>>);

impl Clouds {
    pub fn get(&self, id: &str) -> Option<Arc<Guard>> {
        self.read().get(id).cloned()
    }
    pub fn all(&self) -> Vec<Arc<Guard>> {
        self.read().values().cloned().collect()
    }
    /// Answers the one that was there before.
    pub fn put(&self, guard: Arc<Guard>) -> Option<Arc<Guard>> {
        self.write().insert(guard.id.clone(), guard)
    }
    pub fn remove(&self, id: &str) -> Option<Arc<Guard>> {
        self.write().remove(id)
    }

    // A poisoned lock means a panic in one of the four lines above: the map itself is whole.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<Id, Arc<Guard>>> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<Id, Arc<Guard>>> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
