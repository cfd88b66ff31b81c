//! All machines that are there now, in memory: small rows in the order of their names.
//!
//! The store has the truth; this is what a search runs over, so that 50,000 machines answer within a frame.

use super::{differ::Digest, words::Words};
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
    /// Its name in small letters is what rows are sorted by.
    pub words: Words,
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
        let addresses = stored::addresses(o);
        Self {
            id,
            cloud_id,
            native_id: o.native_id.as_str().into(),
            name: o.name.as_str().into(),
            words: Words::new(&o.name, &addresses, &o.tags),
            state: o.state,
            vcpus: o.vcpus,
            memory_mib: o.memory_mib,
            disk_bytes: stored::disk_bytes(o),
            addresses,
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

/// A row, and beside it what most searches look at: they go through 50,000 of these without a jump in memory.
#[derive(Clone, Debug)]
pub struct Entry {
    pub row: Arc<Row>,
    pub words: Words,
    /// [`Table::cloud`] of its cloud.
    pub cloud: usize,
    pub state: PowerState,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub disk_bytes: u64,
}

impl std::ops::Deref for Entry {
    type Target = Row;
    fn deref(&self) -> &Row {
        &self.row
    }
}

#[derive(Default)]
pub struct Table {
    by_id: HashMap<Id, Arc<Row>>,
    /// By name and id.
    sorted: Vec<Entry>,
    /// A number for each cloud that was ever here.
    clouds: HashMap<Arc<str>, usize>,
    by_cloud: HashMap<Arc<str>, HashSet<Id>>,
}

/// Above this many changes one pass over the whole list is cheaper than moving rows one by one.
const MANY: usize = 64;

impl Table {
    pub fn get(&self, id: &str) -> Option<&Arc<Row>> {
        self.by_id.get(id)
    }
    /// In the order of names.
    pub fn rows(&self) -> &[Entry] {
        &self.sorted
    }
    /// The number that its entries carry; `None`: it has none.
    pub fn cloud(&self, cloud_id: &str) -> Option<usize> {
        self.clouds.get(cloud_id).copied()
    }
    pub fn of_cloud<'a>(&'a self, cloud_id: &str) -> impl Iterator<Item = &'a Arc<Row>> + use<'a> {
        self.by_cloud.get(cloud_id).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }
    pub fn digests(&self, cloud_id: &str) -> HashMap<String, Digest> {
        self.of_cloud(cloud_id).map(|r| (r.native_id.to_string(), r.digest)).collect()
    }

    /// Puts new versions in and takes ids out.
    pub fn change(&mut self, put: Vec<Arc<Row>>, taken: &[Id]) {
        if put.len() + taken.len() > MANY {
            return self.change_many(put, taken);
        }
        for id in taken {
            self.remove(id);
        }
        for row in put {
            self.remove(&row.id);
            if let Err(at) = self.place(&row) {
                let entry = self.entry(row.clone());
                self.sorted.insert(at, entry);
            }
            self.remember(row);
        }
    }

    fn change_many(&mut self, put: Vec<Arc<Row>>, taken: &[Id]) {
        let fresh: HashSet<Id> = put.iter().map(|r| r.id.clone()).collect();
        let gone: HashSet<&str> = fresh.iter().chain(taken).map(String::as_str).filter(|id| self.by_id.contains_key(*id)).collect();
        if !gone.is_empty() {
            self.sorted.retain(|e| !gone.contains(e.id.as_str()));
        }
        for id in taken {
            self.forget(id);
        }
        for row in put {
            self.forget(&row.id);
            self.remember(row);
        }
        let mut fresh: Vec<_> = fresh.iter().filter_map(|id| self.by_id.get(id).cloned()).collect();
        fresh.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        for row in fresh {
            let entry = self.entry(row);
            self.sorted.push(entry);
        }
        // The stable sort finds the two parts in order and only merges them.
        self.sorted.sort_by(|a, b| order(a).cmp(&order(b)));
    }

    pub fn remove_cloud(&mut self, cloud_id: &str) {
        let ids: Vec<Id> = self.by_cloud.get(cloud_id).into_iter().flatten().cloned().collect();
        self.change(vec![], &ids);
    }

    fn entry(&mut self, row: Arc<Row>) -> Entry {
        let next = self.clouds.len();
        let cloud = *self.clouds.entry(row.cloud_id.clone()).or_insert(next);
        let words = row.words.clone();
        Entry { cloud, words, state: row.state, vcpus: row.vcpus, memory_mib: row.memory_mib, disk_bytes: row.disk_bytes, row }
    }

    fn place(&self, row: &Row) -> Result<usize, usize> {
        self.sorted.binary_search_by(|r| order(r).cmp(&order(row)))
    }

    fn remember(&mut self, row: Arc<Row>) {
        self.by_cloud.entry(row.cloud_id.clone()).or_default().insert(row.id.clone());
        self.by_id.insert(row.id.clone(), row);
    }

    fn forget(&mut self, id: &str) -> Option<Arc<Row>> {
        let old = self.by_id.remove(id)?;
        if let Some(ids) = self.by_cloud.get_mut(&old.cloud_id) {
            ids.remove(id);
        }
        Some(old)
    }

    fn remove(&mut self, id: &str) {
        if let Some(old) = self.forget(id)
            && let Ok(at) = self.place(&old)
        {
            self.sorted.remove(at);
        }
    }
}

fn order(row: &Row) -> (&str, &str) {
    (row.words.name(), &row.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(id: u8, name: u8) -> Arc<Row> {
        Arc::new(Row {
            id: id.to_string(),
            cloud_id: format!("cloud{}", id % 3).into(),
            native_id: id.to_string().into(),
            name: format!("M{name}").into(),
            words: Words::new(&format!("M{name}"), &[], &[]),
            state: PowerState::Running,
            vcpus: 1,
            memory_mib: 64,
            disk_bytes: 0,
            addresses: vec![],
            tags: vec![],
            autostart: None,
            digest: 0,
            seen_at: 0,
        })
    }

    proptest! {
        /// Few at a time and many at a time come to the same list.
        #[test]
        fn it_stays_in_order(changes in prop::collection::vec((prop::collection::vec((0..200_u8, any::<u8>()), 0..150), prop::collection::vec(0..200_u8, 0..60)), 1..6)) {
            let (mut table, mut expected) = (Table::default(), HashMap::new());
            for (put, taken) in changes {
                let taken: Vec<Id> = taken.iter().map(u8::to_string).collect();
                let put: Vec<_> = put.into_iter().map(|(id, name)| row(id, name)).collect();
                taken.iter().for_each(|id| { expected.remove(id); });
                put.iter().for_each(|r| { expected.insert(r.id.clone(), r.clone()); });
                table.change(put, &taken);
                let mut all: Vec<_> = expected.values().cloned().collect();
                all.sort_by(|a, b| order(a).cmp(&order(b)));
                prop_assert_eq!(table.rows().iter().map(|e| e.row.clone()).collect::<Vec<_>>(), all.clone());
                prop_assert_eq!(table.of_cloud("cloud1").count(), all.iter().filter(|r| &*r.cloud_id == "cloud1").count());
            }
        }
    }
}
