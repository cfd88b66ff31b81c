//! The background: gives members their turns so that each keeps its objective.
//!
//! It looks at the rows when something changed, and every few seconds in case somebody else changed them; what it
//! remembers is only who is at it now. A cloud that comes back wakes it, and failing members get their turn at once.

use super::{
    lease, pace, prune,
    schedule::{self, Entry},
    turn, view,
};
use crate::{
    state::{Node, now},
    store::{member_leases, members, work},
};
use model::{Id, Millis, live::Topic};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tracing::Instrument;

/// However it ends, turns of one member are so far apart.
const FLOOR: Duration = Duration::from_millis(pace::FLOOR.unsigned_abs());
const LOOK: Duration = Duration::from_secs(5);
/// Points that could not be deleted are tried again after so long.
const PRUNE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Memory {
    running: HashSet<Id>,
    /// By the steady clock, like all that is remembered here: the wall clock may be set while it counts.
    started: HashMap<Id, Instant>,
    /// Members that pause after a failure: what their row says, and what that was taken for when it was first seen.
    pauses: HashMap<Id, (Millis, Instant)>,
    /// Members one of whose clouds did not answer at the last look.
    silent: HashSet<Id>,
}

/// Starts it; it ends with the node.
pub fn start(node: &Node) {
    node.tasks.spawn(run(node.clone()));
    node.tasks.spawn(prune_now_and_then(node.clone()));
    node.tasks.spawn(wake_with_clouds(node.clone()));
}

async fn run(node: Node) {
    let (done_tx, mut done) = mpsc::unbounded_channel::<Id>();
    let mut memory = Memory::default();
    while !node.stopping.is_cancelled() {
        let wait = match entries(&node, &mut memory).await {
            Ok(entries) => start_due(&node, &entries, &mut memory, &done_tx),
            Err(error) => {
                tracing::warn!(%error, "the store does not answer: no new cycles");
                LOOK
            }
        };
        tokio::select! {
            () = node.stopping.cancelled() => break,
            Some(id) = done.recv() => { memory.running.remove(&id); }
            () = node.replication.woken() => {}
            () = tokio::time::sleep(wait) => {}
        }
        while let Ok(id) = done.try_recv() {
            memory.running.remove(&id);
        }
    }
    while !memory.running.is_empty()
        && let Some(id) = done.recv().await
    {
        memory.running.remove(&id);
    }
    if let Err(error) = member_leases::leave(&node.db, &node.name).await {
        tracing::debug!(%error, "other nodes wait for the leases of this one to end");
    }
}

/// Answers how long nothing is due.
fn start_due(node: &Node, entries: &[Entry], memory: &mut Memory, done: &mpsc::UnboundedSender<Id>) -> Duration {
    let at = now();
    let busy: Vec<Id> = memory.running.iter().cloned().collect();
    let (starting, next) = schedule::choose(entries, &busy, at, node.limits);
    for id in starting {
        memory.running.insert(id.clone());
        memory.started.insert(id.clone(), Instant::now());
        let (node, done) = (node.clone(), done.clone());
        node.clone().tasks.spawn(async move {
            turn::take(&node, &id).instrument(tracing::info_span!("cycle", member = %id)).await;
            let _ = done.send(id);
        });
    }
    let until = next.map_or(LOOK, |n| Duration::from_millis((n - at).max(1).unsigned_abs()));
    until.min(LOOK)
}

/// The members as the decision sees them. One whose cloud has just come back is due at once.
async fn entries(node: &Node, memory: &mut Memory) -> crate::store::StoreResult<Vec<Entry>> {
    let mut all: HashMap<Id, work::Work> = work::all(&node.db).await?.into_iter().map(|w| (w.member_id.clone(), w)).collect();
    let mut entries = vec![];
    for member in members::all(&node.db).await? {
        let Some(work) = all.remove(&member.id) else { continue };
        let connected = |id: &str| node.clouds.get(id).is_some();
        let reachable = work.source_answers && work.target_answers && connected(&work.source_cloud_id) && connected(&work.target_cloud_id);
        let returned = reachable && memory.silent.remove(&member.id);
        if !reachable {
            memory.silent.insert(member.id.clone());
        }
        let mut next_try_at = memory.pause_ends(&member);
        if returned && next_try_at.is_some() {
            members::retry_now(&node.db, &member.id).await?;
            next_try_at = Some(0);
        }
        entries.push(Entry {
            resting: member.held_by.is_some() || member.group_paused || member.group_id.is_none(),
            reachable,
            source: work.source_cloud_id,
            target: work.target_cloud_id,
            rpo_seconds: work.policy.rpo_seconds,
            newest_at: member.newest_point_at,
            took_ms: member.last_cycle_ms.unwrap_or(0),
            next_try_at,
            later: if member.owner.as_ref().is_none_or(|o| *o == node.name) { 0 } else { lease::millis(node.recovery.timing.lease) },
            not_before: memory.started.get(&member.id).map_or(0, |at| ahead(*at + FLOOR)),
            state: member.state,
            machine: member.machine_id,
            id: member.id,
        });
    }
    Ok(entries)
}

impl Memory {
    /// When its pause after a failure is over, in the present time of the wall clock; `None`: it does not pause.
    fn pause_ends(&mut self, member: &members::StoredMember) -> Option<Millis> {
        let Some(at) = member.next_try_at else {
            self.pauses.remove(&member.id);
            return None;
        };
        let known = self.pauses.get(&member.id).filter(|(said, _)| *said == at).map(|(_, until)| *until);
        let until = known.unwrap_or_else(|| Instant::now() + pace::left(at, member.error_since, now()));
        self.pauses.insert(member.id.clone(), (at, until));
        Some(ahead(until))
    }
}

/// An instant of the steady clock as the wall clock would tell it now; 0 when it is over.
fn ahead(until: Instant) -> Millis {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { 0 } else { now() + Millis::try_from(left.as_millis()).unwrap_or(0) + 1 }
}

/// Points of members that are no more, and those whose cloud did not answer when they expired.
async fn prune_now_and_then(node: Node) {
    let mut last: Option<Instant> = None;
    loop {
        let wait = last.map_or(Duration::ZERO, |l| PRUNE.saturating_sub(l.elapsed()));
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        last = Some(Instant::now());
        match prune::doomed(&node).await {
            Ok(touched) => {
                for member in touched.iter().collect::<HashSet<_>>() {
                    let _ = view::publish(&node, member).await;
                }
            }
            Err(error) => tracing::warn!(%error, "old recovery points stay for now"),
        }
    }
}

async fn wake_with_clouds(node: Node) {
    let mut events = node.live.subscribe(None).1;
    loop {
        tokio::select! {
            () = node.stopping.cancelled() => return,
            event = events.recv() => match event {
                Ok(event) if event.topic == Topic::Cloud => node.replication.wake(),
                Ok(_) => {}
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => node.replication.wake(),
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}
