//! All machines that are there now, in memory: small rows in the order of their names.
//!
//! The store has the truth; this is what a search runs over, so that 50,000 machines answer within a frame.

use super::differ::Digest;
use crate::{clouds::Observed, store::machines as stored};
use model::{Id, Millis, machine::PowerState};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

#[derive(Debug, PartialEq)]
pub struct Row {
    pub id: Id,
    pub cloud_id: Arc<str>,
    pub native_id: Box<str>,
    pub name: Box<str>,
    /// The name in lower case: sorted and searched by.
    pub key: Box<str>,
    pub state: PowerState,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub disk_bytes: u64,
    pub addresses: Vec<String>,
    pub tags: Vec<String>,
    pub autostart: Option<bool>,
    pub digest: Digest,
    /// When this very machine was looked at; a later look at the whole cloud counts as well.
    pub seen_at: Millis,
}

impl Row {
    pub fn new(id: Id, cloud_id: Arc<str>, o: &Observed, digest: Digest, seen_at: Millis) -> Self {
        Self {
            id,
            cloud_id,
            native_id: o.native_id.as_str().into(),
            name: o.name.as_str().into(),
            key: o.name.to_lowercase().into(),
            state: o.state,
            vcpus: o.vcpus,
            memory_mib: o.memory_mib,
            disk_bytes: stored::disk_bytes(o),
            addresses: stored::addresses(o),
            tags: o.tags.clone(),
            autostart: o.autostart,
            digest,
            seen_at,
        }
    }

    /// Does it look the same on the Machines page?
    pub fn looks_like(&self, other: &Self) -> bool {
        let shown = |r: &Self| (r.state, r.vcpus, r.memory_mib, r.disk_bytes);
        shown(self) == shown(other) && self.name == other.name && self.addresses == other.addresses && self.tags == other.tags
    }
}

#[derive(Default)]
pub struct Table {
    by_id: HashMap<Id, Arc<Row>>,
    /// By `(key, id)`.
    sorted: Vec<Arc<Row>>,
    by_cloud: HashMap<Arc<str>, HashSet<Id>>,
}

/// Above this many changes sorting anew is cheaper than moving rows one by one.
const MANY: usize = 64;

impl Table {
    pub fn get(&self, id: &str) -> Option<&Arc<Row>> {
        self.by_id.get(id)
    }
    /// In the order of names.
    pub fn rows(&self) -> &[Arc<Row>] {
        &self.sorted
    }
    pub fn of_cloud<'a>(&'a self, cloud_id: &str) -> impl Iterator<Item = &'a Arc<Row>> + use<'a> {
        self.by_cloud.get(cloud_id).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }
    pub fn digests(&self, cloud_id: &str) -> HashMap<String, Digest> {
        self.of_cloud(cloud_id).map(|r| (r.native_id.to_string(), r.digest)).collect()
    }

    /// Puts new versions in and takes ids out.
    pub fn change(&mut self, put: Vec<Arc<Row>>, taken: &[Id]) {
        let many = put.len() + taken.len() > MANY;
        for id in taken {
            self.remove(id, many);
        }
        for row in put {
            self.remove(&row.id, many);
            self.insert(row, many);
        }
        if many {
            self.sorted = self.by_id.values().cloned().collect();
            self.sorted.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        }
    }

    pub fn remove_cloud(&mut self, cloud_id: &str) {
        let ids: Vec<Id> = self.by_cloud.get(cloud_id).into_iter().flatten().cloned().collect();
        self.change(vec![], &ids);
    }

    fn insert(&mut self, row: Arc<Row>, unsorted: bool) {
        self.by_cloud.entry(row.cloud_id.clone()).or_default().insert(row.id.clone());
        if !unsorted && let Err(at) = self.sorted.binary_search_by(|r| order(r).cmp(&order(&row))) {
            self.sorted.insert(at, row.clone());
        }
        self.by_id.insert(row.id.clone(), row);
    }

    fn remove(&mut self, id: &str, unsorted: bool) {
        let Some(old) = self.by_id.remove(id) else { return };
        if let Some(ids) = self.by_cloud.get_mut(&old.cloud_id) {
            ids.remove(id);
        }
        if !unsorted && let Ok(at) = self.sorted.binary_search_by(|r| order(r).cmp(&order(&old))) {
            self.sorted.remove(at);
        }
    }
}

fn order(row: &Row) -> (&str, &str) {
    (&row.key, &row.id)
}
