//! Sums over machines, for the sites and for all.

use super::{alarms::in_breach, facts::Facts, table::Row};
use crate::state::Node;
use model::{Id, Millis, cloud::CloudStatus, machine::CopyRole, overview::Totals, protection::ReplicationState};
use std::collections::HashMap;

#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    pub totals: Totals,
    /// Of the machine that is worst against its objective: age of its newest recovery point (ms), objective (s).
    pub worst: Option<(i64, u32)>,
}

impl Count {
    pub fn add(&mut self, other: &Self) {
        let (a, b) = (&mut self.totals, &other.totals);
        a.machines += b.machines;
        a.running += b.running;
        a.unseen += b.unseen;
        a.superseded += b.superseded;
        a.protected += b.protected;
        a.in_breach += b.in_breach;
        a.vcpus += b.vcpus;
        a.memory_mib += b.memory_mib;
        self.worst = worse(self.worst, other.worst);
    }

    fn see(&mut self, row: &Row, answers: bool, facts: &Facts, now: Millis) {
        let t = &mut self.totals;
        t.machines += 1;
        if row.state.is_live() {
            t.running += u32::from(answers);
            t.unseen += u32::from(!answers);
            t.vcpus += row.vcpus;
            t.memory_mib += row.memory_mib;
        }
        let role = facts.copies.get(&row.id).map(|c| c.role);
        t.superseded += u32::from(role == Some(CopyRole::Superseded) && !row.state.is_live());
        if let Some(m) = facts.members.get(&row.id).filter(|m| role != Some(CopyRole::Superseded) && m.state != ReplicationState::Recovered)
        {
            t.protected += 1;
            t.in_breach += u32::from(in_breach(m, now));
            self.worst = worse(self.worst, m.newest_point_at.and_then(|at| Some((model::age(at, now)?, m.rpo_seconds))));
        }
    }
}

/// By the share of the objective that is used up.
fn worse(a: Option<(i64, u32)>, b: Option<(i64, u32)>) -> Option<(i64, u32)> {
    let share = |x: &(i64, u32)| i128::from(x.0) * 1000 / i128::from(x.1.max(1));
    a.into_iter().chain(b).max_by_key(share)
}

/// Machines that are there now, by cloud.
pub fn count_by_cloud(node: &Node, now: Millis) -> HashMap<Id, Count> {
    let facts = node.inventory.facts();
    let table = node.inventory.table();
    let mut counts = HashMap::<Id, Count>::new();
    for (cloud_id, cloud) in node.inventory.clouds() {
        let answers = !matches!(cloud.status, CloudStatus::Unreachable | CloudStatus::Refused);
        let count = counts.entry(cloud_id.clone()).or_default();
        table.of_cloud(&cloud_id).for_each(|row| count.see(row, answers, &facts, now));
    }
    counts
}
