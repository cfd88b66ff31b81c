//! What other parts know of machines: which copy is which, what is protected, what a run works on.
//!
//! Their tables are the truth; this is a copy of the few columns that a list shows and searches, read again when
//! something told of a change, and every few seconds in any case.

use super::Runtime;
use crate::{
    state::Node,
    store::{
        StoreResult,
        machines::{CopyFact, MemberFact},
    },
};
use model::{Id, live::Topic};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

#[derive(Default, PartialEq)]
pub struct Facts {
    /// By machine.
    pub copies: HashMap<Id, CopyFact>,
    pub members: HashMap<Id, MemberFact>,
    /// To further targets.
    pub further: Vec<MemberFact>,
    pub runs: HashMap<Id, Id>,
}

impl Facts {
    /// Copies of each machine that has several.
    pub fn lineages(&self) -> HashMap<&str, Vec<&CopyFact>> {
        let mut by = HashMap::<&str, Vec<&CopyFact>>::new();
        self.copies.values().for_each(|c| by.entry(c.lineage.as_str()).or_default().push(c));
        by
    }

    /// Machines of which this says something else than `old`.
    fn changed_since(&self, old: &Self) -> HashSet<Id> {
        let mut changed = HashSet::new();
        different(&self.copies, &old.copies, &mut changed);
        different(&self.members, &old.members, &mut changed);
        different(&self.runs, &old.runs, &mut changed);
        changed
    }
}

fn different<T: PartialEq>(a: &HashMap<Id, T>, b: &HashMap<Id, T>, out: &mut HashSet<Id>) {
    out.extend(a.keys().chain(b.keys()).filter(|id| a.get(*id) != b.get(*id)).cloned());
}

/// Reads them now, and shows the machines that look different for it.
///
/// # Errors
/// The store's; what was known stays.
pub async fn reload(node: &Node) -> StoreResult<()> {
    let (copies, members, runs) = tokio::try_join!(
        crate::store::machines::copies(&node.db),
        crate::store::machines::members(&node.db),
        crate::store::machines::runs(&node.db)
    )?;
    let (further, members): (Vec<_>, Vec<_>) = members.into_iter().partition(|m| m.main_id.is_some());
    let facts = Facts {
        further,
        copies: copies.into_iter().map(|c| (c.machine_id.clone(), c)).collect(),
        members: members.into_iter().map(|m| (m.machine_id.clone(), m)).collect(),
        runs: runs.into_iter().collect(),
    };
    let known = node.inventory.facts();
    let changed = facts.changed_since(&known);
    if !changed.is_empty() || facts.further != known.further {
        node.inventory.set_facts(Arc::new(facts));
        super::rows::show(node, changed);
    }
    Ok(())
}

/// Reads again after at most this, for what another node changed.
const AT_LEAST: Duration = Duration::from_secs(5);
/// Not more often than this, however much is told.
const AT_MOST: Duration = Duration::from_millis(300);

pub async fn keep(node: Node) {
    let mut heard = node.live.subscribe(None).1;
    let mut read_at = Instant::now();
    loop {
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = tokio::time::sleep_until(read_at + AT_LEAST) => {}
            event = heard.recv() => match event {
                Ok(event) if tells(event.topic) => {}
                Err(RecvError::Closed) => return,
                Err(RecvError::Lagged(_)) => {}
                Ok(_) => continue,
            },
        }
        tokio::time::sleep_until(read_at + pause(&node.inventory)).await;
        // What was told during the pause is in what is read now.
        while let Ok(_) | Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) = heard.try_recv() {}
        if let Err(error) = reload(&node).await {
            tracing::warn!(%error, "the facts of machines could not be read; shown as they were");
        }
        read_at = Instant::now();
    }
}

/// Thousands of protected machines take longer to read: then less often, so that it never takes more than a tenth.
fn pause(inventory: &Runtime) -> Duration {
    AT_MOST.max(Duration::from_micros(100 * inventory.facts().members.len() as u64))
}

fn tells(topic: Topic) -> bool {
    matches!(topic, Topic::Member | Topic::Group | Topic::Run | Topic::Step | Topic::Plan)
}
