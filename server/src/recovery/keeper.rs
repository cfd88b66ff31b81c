//! Keeps superseded copies down: where one is seen stopped, its own hypervisor is made to refuse its start, and it does
//! not start with its host. A site that returns from the dead is thereby harmless within seconds.
//!
//! One that *runs* is not touched: that is a split brain, and a person decides which of the two stops.

use super::{old_copy, publish};
use crate::{
    clouds::{
        error::Error,
        guard::{Guard, LONG, SHORT},
    },
    inventory::{
        self,
        alarms::{self, Condition},
    },
    state::{Node, now},
    store::{
        audit::StoredAudit,
        old_copies::{self, OldCopy},
    },
};
use futures::{StreamExt, stream};
use model::{Id, Severity};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// At a time, over all clouds.
const AT_ONCE: usize = 8;
/// For everything that is done to one copy: look, autostart, lock, look again.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing of it is under way after that, even when the node died over it.
pub(super) const CLAIM: Duration = Duration::from_secs(25);
const LONGEST_PAUSE: u64 = 60;
const ALARM: &str = "old_copy_not_locked";

/// What could not be locked: how often it was tried, and when it is tried again.
#[derive(Default)]
pub struct Failing(Mutex<HashMap<Id, (u32, Instant)>>);

pub async fn watch(node: Node) {
    let failing = Failing::default();
    loop {
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = tokio::time::sleep(node.recovery.timing.keep) => {}
        }
        sweep(&node, &failing).await;
    }
}

/// One pass over those that are not known to be locked.
pub async fn sweep(node: &Node, failing: &Failing) {
    let loose = match old_copies::loose(&node.db).await {
        Ok(loose) => loose,
        Err(error) => return tracing::warn!(%error, "superseded copies could not be looked for"),
    };
    failing.forget_others(&loose);
    stream::iter(&loose).for_each_concurrent(AT_ONCE, |old| one(node, failing, old)).await;
    for alarm in alarms::active(node).into_iter().filter(|a| a.kind == ALARM) {
        if !loose.iter().any(|old| alarms::alarm_id(ALARM, &old.machine_id) == alarm.id) {
            alarms::clear(node, &alarm.id);
        }
    }
}

async fn one(node: &Node, failing: &Failing, old: &OldCopy) {
    let Some(guard) = node.clouds.get(&old.cloud_id) else { return };
    let something_to_do = old.autostart != 0 || old_copy::can_lock(&guard);
    if !something_to_do || !failing.is_due(&old.machine_id) {
        return;
    }
    match old_copies::claim(&node.db, &old.machine_id, CLAIM.as_millis() as i64).await {
        Ok(true) => {}
        // Another node is at it, or a run has it.
        Ok(false) => return,
        Err(error) => return tracing::warn!(%error, "a superseded copy could not be claimed"),
    }
    let late = |_| Err(anyhow::anyhow!("{} did not answer within {} s.", guard.name, PATIENCE.as_secs()));
    let outcome = tokio::time::timeout(PATIENCE, ensure(node, &guard, old)).await.unwrap_or_else(late);
    if let Err(error) = old_copies::unclaim(&node.db, &old.machine_id).await {
        tracing::warn!(%error, "a claim stays until its time is over");
    }
    match outcome {
        Ok(()) => {
            failing.well(&old.machine_id);
            alarms::clear(node, &alarms::alarm_id(ALARM, &old.machine_id));
        }
        Err(error) => {
            tracing::warn!(machine = %old.name, cloud = %guard.name, %error, "a superseded copy could not be locked yet");
            // The first failure may be one of a site that is just coming up.
            if failing.again(&old.machine_id) > 1 {
                alarms::raise(node, condition(old, &guard, &error));
            }
        }
    }
}

/// Looks, takes its autostart away, locks it, and believes only what is read back.
async fn ensure(node: &Node, guard: &Guard, old: &OldCopy) -> anyhow::Result<()> {
    let Some(reason) = old_copy::active_place(node, &old.lineage).await? else { return Ok(()) };
    let seen = guard.run("one", SHORT, guard.cloud().inventory().one(&old.native_id)).await?;
    // Gone or running: inventory and its alarms have that.
    let Some(seen) = seen.filter(|s| s.state.is_off()) else { return Ok(()) };
    if seen.autostart == Some(true) {
        autostart_off(guard, &old.native_id).await?;
        node.recovery.wrote().await;
    }
    if old_copy::can_lock(guard) {
        let as_it_should = seen.locked.as_deref() == Some(&reason);
        if !as_it_should {
            old_copy::lock(guard, &old.native_id, &old.name, &reason).await?;
        }
        if !as_it_should || !old.is_written_down() {
            write_down(node, guard, old, &reason).await?;
        }
    }
    // For the screens, and so that the next pass does not find it again.
    inventory::refresh(node, &old.cloud_id, &old.native_id).await.map_err(|e| anyhow::anyhow!(e.message))
}

async fn autostart_off(guard: &Guard, native_id: &str) -> Result<(), Error> {
    let power = guard.cloud().power().ok_or_else(|| Error::lacks("set autostart"))?;
    match guard.run("autostart", LONG, power.set_autostart(native_id, false)).await? {
        false => Ok(()),
        true => Err(Error::transient(format!("{} took the change, but autostart reads back as before.", guard.name))),
    }
}

async fn write_down(node: &Node, guard: &Guard, old: &OldCopy, reason: &str) -> anyhow::Result<()> {
    let event = StoredAudit {
        seq: 0,
        at: now(),
        actor: format!("node:{}", node.name),
        action: "machine.lock".into(),
        subject: old.name.clone(),
        object: Some(old.machine_id.clone()),
        ok: 1,
        detail: format!("The old copy at {} is locked against start, read back: {reason}", guard.name),
        address: None,
        also: vec![old.lineage.clone()],
    };
    if let Some(seq) = old_copies::locked(&node.db, old, event.at, &event).await? {
        publish::audited(node, event, seq);
        node.recovery.wrote().await;
    }
    Ok(())
}

fn condition(old: &OldCopy, guard: &Guard, error: &anyhow::Error) -> Condition {
    Condition {
        kind: ALARM,
        subject_id: old.machine_id.clone(),
        severity: Severity::Warning,
        subject: old.name.clone(),
        site: Some(guard.site.clone()),
        message: format!(
            "The superseded copy at {} is down, but could not be locked against start: {error} It is tried again.",
            guard.name
        ),
        link: Some(format!("/machines/{}", old.machine_id)),
    }
}

impl Failing {
    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Id, (u32, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn is_due(&self, id: &str) -> bool {
        self.all().get(id).is_none_or(|(_, at)| Instant::now() >= *at)
    }
    fn well(&self, id: &str) {
        self.all().remove(id);
    }
    /// Answers how often by now.
    fn again(&self, id: &str) -> u32 {
        let mut all = self.all();
        let times = all.get(id).map_or(0, |(n, _)| *n) + 1;
        let pause = Duration::from_secs((1_u64 << times.min(6)).min(LONGEST_PAUSE) / 2);
        all.insert(id.to_owned(), (times, Instant::now() + pause));
        times
    }
    fn forget_others(&self, loose: &[OldCopy]) {
        self.all().retain(|id, _| loose.iter().any(|old| &old.machine_id == id));
    }
}
