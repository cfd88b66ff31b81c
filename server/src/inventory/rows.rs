//! Rows as the screens show them: what was observed, with what other parts know of the machine.

use super::{facts::Facts, table::Row};
use crate::{
    state::{Node, now},
    store::machines::StoredMachine,
};
use model::{
    Id,
    cloud::{Cloud, CloudStatus},
    live::Topic,
    machine::{MachineRow, RowProtection},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, PoisonError},
};

/// Everything that rows are made from, at one instant.
pub struct Context {
    pub clouds: BTreeMap<Id, Arc<Cloud>>,
    pub facts: Arc<Facts>,
    pub split: Arc<HashSet<Id>>,
}

impl Context {
    pub fn of(node: &Node) -> Self {
        Self { clouds: node.inventory.clouds(), facts: node.inventory.facts(), split: node.inventory.split() }
    }

    pub fn row(&self, row: &Row) -> MachineRow {
        let cloud = self.clouds.get(&*row.cloud_id);
        let looked_at = cloud.and_then(|c| c.observed_at);
        // Of the two the later one; but when it was seen alone before the clock was set back, the look since then.
        let alone = Some(row.seen_at).filter(|at| looked_at.is_none() || *at <= now());
        let observed_at = looked_at.into_iter().chain(alone).max().unwrap_or(0);
        MachineRow {
            id: row.id.clone(),
            name: row.name.to_string(),
            site: cloud.map(|c| c.site.clone()).unwrap_or_default(),
            cloud_id: row.cloud_id.to_string(),
            cloud: cloud.map(|c| c.name.clone()).unwrap_or_default(),
            cloud_status: cloud.map_or(CloudStatus::Connecting, |c| c.status),
            simulated: cloud.is_some_and(|c| c.simulated),
            state: row.state,
            vcpus: row.vcpus,
            memory_mib: row.memory_mib,
            disk_bytes: row.disk_bytes,
            addresses: row.addresses.clone(),
            tags: row.tags.clone(),
            role: self.facts.copies.get(&row.id).map(|c| c.role),
            split_brain: self.split.contains(&row.id),
            protection: self.protection(&row.id),
            run_id: self.facts.runs.get(&row.id).cloned(),
            observed_at,
        }
    }

    fn protection(&self, id: &str) -> Option<RowProtection> {
        self.facts.members.get(id).map(|m| RowProtection {
            group_id: m.group_id.clone(),
            group: m.group.clone(),
            state: m.state,
            rpo_seconds: m.rpo_seconds,
            newest_point_at: m.newest_point_at,
        })
    }
}

/// One machine that is there now.
pub fn row(node: &Node, id: &str) -> Option<MachineRow> {
    let row = node.inventory.row(id)?;
    Some(Context::of(node).row(&row))
}

/// One of the store, maybe gone.
pub fn row_of(node: &Node, stored: &StoredMachine) -> MachineRow {
    let seen_at = node.inventory.row(&stored.id).map_or(0, |r| r.seen_at);
    let row = Row::new(stored.id.clone(), stored.cloud_id.as_str().into(), &stored.observed, 0, seen_at);
    let shown = Context::of(node).row(&row);
    // The looks after it was gone did not see it.
    MachineRow { observed_at: stored.gone_at.unwrap_or(shown.observed_at), ..shown }
}

/// Up to so many are told one by one; more make the tabs read the list again.
const FEW: usize = 20;
/// Tabs are told to read the list of one cloud at most once in this time, ms.
const CALM: i64 = 1000;

/// Tells the tabs that these look different now.
pub(super) fn show(node: &Node, ids: HashSet<Id>) {
    let mut by_cloud = HashMap::<Arc<str>, Vec<Arc<Row>>>::new();
    {
        let table = node.inventory.table();
        for row in ids.iter().filter_map(|id| table.get(id)) {
            by_cloud.entry(row.cloud_id.clone()).or_default().push(row.clone());
        }
    }
    let context = Context::of(node);
    for (cloud_id, rows) in by_cloud {
        if rows.len() <= FEW {
            rows.iter().for_each(|r| node.live.publish(Topic::Machine, r.id.as_str(), &context.row(r)));
        } else {
            show_all(node, &cloud_id);
        }
    }
}

/// Tells the tabs to read the list again, now or, when they were told just now, a moment later.
pub(super) fn show_all(node: &Node, cloud_id: &str) {
    let Some(control) = node.inventory.control(cloud_id) else { return };
    let now = now();
    let wait = {
        let mut told_at = control.told_at.lock().unwrap_or_else(PoisonError::into_inner);
        // Later than a moment from now: the clock was set back since.
        if *told_at > now && *told_at <= now + CALM {
            return; // already on its way
        }
        let wait = if *told_at > now { 0 } else { (*told_at + CALM - now).clamp(0, CALM) };
        *told_at = now + wait;
        wait
    };
    let (live, id) = (node.live.clone(), cloud_id.to_owned());
    let tell = move || live.publish(Topic::Machines, id, &serde_json::Value::Null);
    if wait == 0 {
        return tell();
    }
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(wait.unsigned_abs())).await;
        tell();
    });
}
