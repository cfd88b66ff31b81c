//! Alarms: conditions that somebody should know of, as long as they last.
//!
//! Every second, and when something turned, the whole state is judged ([`judge`], pure) and what is raised is brought
//! in line with it, so an alarm cannot be forgotten and goes when its cause goes. Other parts raise their own kinds.

mod clock;
mod disk;
mod judge;

use super::rows::Context;
use crate::{
    error::Result,
    state::{Node, now},
    store::alarms as store,
};
use judge::Scene;
pub use judge::in_breach;
use model::{Id, Severity, alarm::Alarm, live::Topic};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::sleep};

/// What is raised now.
#[derive(Default)]
pub struct Memory {
    active: Mutex<HashMap<Id, Alarm>>,
    /// Raised or cleared, but not in the store yet.
    unsaved: Mutex<HashSet<Id>>,
    clock: Mutex<clock::Watch>,
    wake: Notify,
}

impl Memory {
    fn active(&self) -> MutexGuard<'_, HashMap<Id, Alarm>> {
        held(&self.active)
    }
}

// A poisoned lock means a panic in one of the short sections below: what it guards is whole.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The wall clock, where something may be deleted because it is old; `None`: not by this clock.
pub fn clock_for_ages(node: &Node) -> Option<model::Millis> {
    held(&node.inventory.alarms.clock).for_ages()
}

/// The clock may have jumped, and nobody knows which of the two times is right: this is the later one.
pub fn latest_now(node: &Node) -> model::Millis {
    held(&node.inventory.alarms.clock).latest()
}

/// May a span between two instants be told, one of which was written down earlier?
pub fn clock_is_settled(node: &Node) -> bool {
    held(&node.inventory.alarms.clock).unsettled().is_none()
}

/// Somebody looked at the clock of this node: it is right.
pub fn acknowledge_clock(node: &Node) {
    held(&node.inventory.alarms.clock).acknowledge();
    wake(node);
}

/// The same condition of the same subject is the same alarm.
pub fn alarm_id(kind: &str, subject_id: &str) -> Id {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, format!("alarm/{kind}/{subject_id}").as_bytes()).simple().to_string()
}

/// A condition to be raised; `subject_id` tells it from others of its kind and is not shown.
pub struct Condition {
    pub kind: &'static str,
    pub subject_id: String,
    pub severity: Severity,
    pub subject: String,
    pub site: Option<String>,
    pub message: String,
    pub link: Option<String>,
}

impl Condition {
    fn id(&self) -> Id {
        alarm_id(self.kind, &self.subject_id)
    }
    fn alarm(self, since: model::Millis) -> Alarm {
        let id = self.id();
        let Self { kind, severity, subject, site, message, link, .. } = self;
        Alarm { id, kind: kind.into(), severity, subject, site, message, since, link }
    }
}

/// Worst and newest first.
pub fn active(node: &Node) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = node.inventory.alarms.active().values().cloned().collect();
    store::sort(&mut alarms);
    alarms
}

/// On the screens when it returns, and in the store by [`save`]: a store that cannot write hides nothing. Raising what
/// is raised already only brings its words up to date.
pub fn raise(node: &Node, condition: Condition) {
    let known = node.inventory.alarms.active().get(&condition.id()).cloned();
    let alarm = condition.alarm(known.as_ref().map_or_else(now, |k| k.since));
    if known.as_ref() == Some(&alarm) {
        return;
    }
    if known.is_none() {
        tracing::warn!(kind = %alarm.kind, subject = %alarm.subject, message = %alarm.message, "alarm");
    }
    held(&node.inventory.alarms.unsaved).insert(alarm.id.clone());
    node.live.publish(Topic::Alarm, alarm.id.as_str(), &alarm);
    node.inventory.alarms.active().insert(alarm.id.clone(), alarm);
}

/// The cause is gone.
pub fn clear(node: &Node, id: &str) {
    if node.inventory.alarms.active().remove(id).is_some() {
        held(&node.inventory.alarms.unsaved).insert(id.to_owned());
        node.live.publish(Topic::Alarm, id, &serde_json::Value::Null);
    }
}

/// Writes down what was raised and cleared; what fails is tried again with the next judgement.
async fn save(node: &Node) -> Result<()> {
    let all: Vec<Id> = held(&node.inventory.alarms.unsaved).iter().cloned().collect();
    for id in all {
        let alarm = node.inventory.alarms.active().get(&id).cloned();
        match &alarm {
            Some(alarm) => store::raise(&node.db, alarm).await?,
            None => drop(store::clear(&node.db, &id, now()).await?),
        }
        // Turned again while it was written: once more.
        if node.inventory.alarms.active().get(&id) == alarm.as_ref() {
            held(&node.inventory.alarms.unsaved).remove(&id);
        }
    }
    Ok(())
}

/// Judge now rather than within the next second.
pub fn wake(node: &Node) {
    node.inventory.alarms.wake.notify_one();
}

/// What was raised when the node ended.
pub(super) async fn restore(node: &Node) {
    match store::active(&node.db).await {
        Ok(alarms) => *node.inventory.alarms.active() = alarms.into_iter().map(|a| (a.id.clone(), a)).collect(),
        Err(error) => tracing::error!(%error, "the alarms of before could not be read"),
    }
    if node.inventory.alarms.active().contains_key(&alarm_id(model::alarm::CLOCK_UNSETTLED, "")) {
        held(&node.inventory.alarms.clock).inherit();
    }
}

pub(super) async fn keep(node: Node) {
    let (mut disk, mut split) = (disk::Watch::default(), SplitWatch::default());
    loop {
        let disk = disk.look(&node).await;
        judge_now(&node, disk, &mut split).await;
        if let Err(error) = save(&node).await {
            tracing::warn!(%error, "alarms could not be written down");
        }
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = sleep(Duration::from_secs(1)) => {}
            // Many turns at once are one judgement.
            () = node.inventory.alarms.wake.notified() => sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Goes through all machines only when something about them changed.
#[derive(Default)]
struct SplitWatch {
    version: Option<u64>,
    splits: Vec<judge::Split>,
}

async fn judge_now(node: &Node, disk: &disk::Disk, watch: &mut SplitWatch) {
    let version = node.inventory.version();
    if watch.version != Some(version) {
        watch.splits = confirmed_split(node).await;
        watch.version = Some(version);
        show_split(node, watch.splits.iter().flat_map(|s| s.machines.iter().cloned()).collect());
    }
    let split = &watch.splits;
    let context = Context::of(node);
    let (jump, unsettled) = {
        let mut clock = held(&node.inventory.alarms.clock);
        (clock.look(), clock.unsettled())
    };
    let conditions = {
        let table = node.inventory.table();
        judge::judge(&Scene { context: &context, table: &table, split, jump, unsettled, disk, now: now() })
    };
    let raised: HashSet<Id> = conditions.iter().map(Condition::id).collect();
    for condition in conditions {
        raise(node, condition);
    }
    // While a cloud has not been looked at yet, what was raised about clouds before the start stands.
    let undecided = context.clouds.values().any(|c| c.status == model::cloud::CloudStatus::Connecting);
    let over = |a: &&Alarm| !raised.contains(&a.id) && judge::judges(&a.kind) && !(undecided && judge::needs_all_clouds(&a.kind));
    let gone: Vec<Id> = node.inventory.alarms.active().values().filter(over).map(|a| a.id.clone()).collect();
    for id in gone {
        clear(node, &id);
    }
}

/// Two copies that seem to run: each is looked at again before anybody is frightened, since one of the two
/// observations may be from before its machine was stopped.
async fn confirmed_split(node: &Node) -> Vec<judge::Split> {
    let find = || {
        let table = node.inventory.table();
        judge::splits(&Context::of(node), &table)
    };
    let found = find();
    let known = node.inventory.split();
    let new: BTreeSet<Id> =
        found.iter().filter(|s| !s.machines.iter().all(|m| known.contains(m))).flat_map(|s| s.machines.clone()).collect();
    if new.is_empty() {
        return found;
    }
    let looks = new.iter().filter_map(|id| node.inventory.row(id)).map(|row| async move {
        let look = super::refresh(node, &row.cloud_id, &row.native_id);
        // One that does not answer counts as it was seen last.
        let _ = tokio::time::timeout(Duration::from_secs(3), look).await;
    });
    futures::future::join_all(looks).await;
    find()
}

fn show_split(node: &Node, machines: HashSet<Id>) {
    let before = node.inventory.split();
    if *before != machines {
        let changed = before.symmetric_difference(&machines).cloned().collect();
        node.inventory.set_split(machines);
        super::rows::show(node, changed);
    }
}
