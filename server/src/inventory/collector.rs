//! One task for each cloud: looks at everything, hears of changes, notices when it goes and when it comes back.
//!
//! No look can hang: while one is under way a heart beat goes next to it, and a look that outlives its time is given
//! up and said so. "Refresh stuck for hours" is thereby impossible; the age of the data is always on the screen.

use super::{apply, health::Health, runtime::Control};
use crate::{
    clouds::{
        Change, Observed,
        error::{Error, Kind, Result},
        guard::Guard,
    },
    state::{Node, now},
};
use model::{
    Millis,
    cloud::{Capability, Capacity, Cloud, CloudStatus, ProbeReport},
    live::Topic,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

const BEAT: Duration = Duration::from_secs(1);
/// A living cloud answers a heart beat within this; one that takes long for a whole look gets longer.
const BEAT_LIMIT: Duration = Duration::from_secs(3);
/// No look at everything may take longer; one at a cloud that was quick before not longer than ten times that.
const LOOK_LIMIT: Duration = Duration::from_secs(120);
const LEAST_LOOK_LIMIT: Duration = Duration::from_secs(15);
/// Between two looks at a small cloud; a big one is left alone for twenty times what a look took.
const PACE: Duration = Duration::from_secs(5);
const SLOWEST: Duration = Duration::from_secs(300);

struct Collector {
    node: Node,
    guard: Arc<Guard>,
    control: Arc<Control>,
    health: Health,
    changes: Option<mpsc::Receiver<Change>>,
    connected: Option<ProbeReport>,
    capacity: Option<Capacity>,
    /// How long the last whole look took.
    took: Duration,
    observed_at: Option<Millis>,
    saved_at: Millis,
}

/// Until the node stops, or another opening of the cloud takes over.
pub(super) async fn run(node: Node, guard: Arc<Guard>, control: Arc<Control>) {
    let (stop, all) = (control.stop.clone(), node.stopping.clone());
    let before = node.inventory.cloud(&guard.id);
    let collector = Collector {
        health: Health::new(now()),
        changes: None,
        connected: None,
        capacity: before.as_ref().and_then(|c| c.capacity),
        took: Duration::ZERO,
        observed_at: before.and_then(|c| c.observed_at),
        saved_at: 0,
        node: node.clone(),
        guard: guard.clone(),
        control,
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = all.cancelled() => leave(&node, &guard).await,
        () = collector.turn() => {}
    }
    guard.cloud().disconnect().await;
}

/// The node stops: the next one shows how old it is to the second, not to the half minute.
async fn leave(node: &Node, guard: &Guard) {
    let Some(cloud) = node.inventory.cloud(&guard.id) else { return };
    let saved = timeout(Duration::from_secs(2), crate::store::clouds::save_status(&node.db, &cloud)).await;
    if !matches!(saved, Ok(Ok(()))) {
        tracing::debug!(cloud = %guard.name, "its last status could not be written down");
    }
}

impl Collector {
    async fn turn(mut self) {
        self.show(CloudStatus::Connecting).await;
        loop {
            let begun = Instant::now();
            let mut outcome = self.look().await;
            if outcome.is_ok() {
                self.took = begun.elapsed();
                outcome = self.came_through().await;
            }
            if outcome.is_ok() {
                outcome = self.between(Instant::now() + self.pace()).await;
            }
            if let Err(error) = outcome {
                let wait = self.failed(&error).await;
                tokio::select! {
                    () = sleep(wait) => {}
                    () = self.control.wake.notified() => {}
                }
            }
        }
    }

    /// Everything, within its time and only as long as the heart beats.
    async fn look(&mut self) -> Result<()> {
        if self.connected.is_none() {
            self.connect().await?;
        }
        let seen_at = now();
        let seen = {
            let all = timeout(self.look_limit(), self.list());
            tokio::select! {
                seen = all => seen.unwrap_or_else(|_| Err(self.too_long()))?,
                stopped = self.beat() => return Err(stopped),
            }
        };
        apply::all(&self.node, &self.guard.id, &seen, seen_at).await.map_err(store_failed)?;
        self.observed_at = Some(seen_at);
        Ok(())
    }

    async fn connect(&mut self) -> Result<()> {
        let inventory = self.guard.cloud().inventory();
        let report = self.guard.glance("probe", self.patience(), self.guard.cloud().probe()).await?;
        if !report.ok {
            let why = report.problems.iter().find(|p| p.blocks()).map(|p| format!("{}. {}", p.what, p.remedy));
            return Err(Error::permanent(why.unwrap_or_else(|| "It answers, but cannot be used.".into())));
        }
        // Before the first look: what changes during it is told afterwards.
        self.changes = self.guard.glance("watch", self.patience(), inventory.watch()).await?;
        self.connected = Some(report);
        Ok(())
    }

    /// A first connection may take its time. After a loss the first try is short, so that a dead site is red within
    /// 10 s (beat 1 s, its limit 3 s, pause 0.5 s, this); the later ones are patient.
    fn patience(&self) -> Duration {
        match (self.observed_at.is_some() && !self.took.is_zero(), self.health.failures()) {
            (false, _) => Duration::from_secs(30),
            (true, 0 | 1) => self.prompt(),
            (true, n) => Duration::from_secs(4 << n.min(3)),
        }
    }

    /// In which a living cloud says a word: longer only where whole looks take very long.
    fn prompt(&self) -> Duration {
        BEAT_LIMIT.max((self.took / 2).min(Duration::from_secs(20)))
    }

    /// At the first look each page is shown at once: a big cloud takes its time.
    async fn list(&self) -> Result<Vec<Observed>> {
        let (mut seen, mut cursor) = (vec![], None);
        loop {
            let asked_at = now();
            let page = self.guard.run("list", LOOK_LIMIT, self.guard.cloud().inventory().list(cursor)).await?;
            cursor = page.next;
            if cursor.is_some() && self.took.is_zero() {
                apply::some(&self.node, &self.guard.id, &page.machines, asked_at).await.map_err(store_failed)?;
            }
            seen.extend(page.machines);
            if cursor.is_none() {
                return Ok(seen);
            }
        }
    }

    /// Ends when the heart does not.
    async fn beat(&self) -> Error {
        if self.took.is_zero() {
            // The first look: nothing is known of how fast it is, so only the limits of the look itself count.
            return std::future::pending().await;
        }
        loop {
            sleep(BEAT).await;
            if let Err(error) = self.alive().await {
                return error;
            }
        }
    }

    async fn alive(&self) -> Result<()> {
        self.guard.glance("alive", self.prompt(), self.guard.cloud().inventory().alive()).await
    }

    /// Hears and beats until the next look is due or asked for.
    async fn between(&mut self, due: Instant) -> Result<()> {
        let mut beat = Instant::now() + BEAT;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => return Ok(()),
                () = self.control.wake.notified() => return Ok(()),
                heard = hear(&mut self.changes) => if self.take_in(heard).await? { return Ok(()) },
                () = tokio::time::sleep_until(beat) => {
                    self.alive().await?;
                    beat = Instant::now() + BEAT;
                }
            }
        }
    }

    /// Writes what was told. `true`: everything must be looked at again.
    async fn take_in(&mut self, heard: Vec<Change>) -> Result<bool> {
        let (mut seen, mut gone, mut again, mut lost) = (vec![], vec![], false, heard.is_empty());
        let mut words = "The stream of changes ended.".to_owned();
        for change in heard {
            match change {
                Change::Machine(observed) => seen.push(*observed),
                Change::Gone(native_id) => gone.push(native_id),
                Change::Relist => again = true,
                Change::Lost(why) => (lost, words) = (true, why),
            }
        }
        if !seen.is_empty() {
            apply::some(&self.node, &self.guard.id, &seen, now()).await.map_err(store_failed)?;
        }
        if !gone.is_empty() {
            // It may be there again already: what exists now is found out by asking, not from the order of the news.
            for native_id in gone {
                let there = self.guard.glance("one", BEAT_LIMIT, self.guard.cloud().inventory().one(&native_id)).await?;
                apply::one(&self.node, &self.guard.id, &native_id, there, now()).await.map_err(store_failed)?;
            }
        }
        if lost { Err(Error::transient(words)) } else { Ok(again) }
    }

    fn pace(&self) -> Duration {
        (self.took * 20).clamp(PACE, SLOWEST)
    }

    fn look_limit(&self) -> Duration {
        if self.took.is_zero() { LOOK_LIMIT } else { (self.took * 10).clamp(LEAST_LOOK_LIMIT, LOOK_LIMIT) }
    }

    fn too_long(&self) -> Error {
        let limit = self.look_limit().as_secs();
        Error::transient(format!("A look at {} was given up after {limit} s; what is shown is older.", self.guard.name))
    }

    async fn came_through(&mut self) -> Result<()> {
        let before = self.health.status;
        self.health.succeeded(now());
        let capacity = self.guard.glance("capacity", self.prompt(), self.guard.cloud().inventory().capacity()).await;
        if let Ok(capacity) = capacity {
            self.capacity = Some(capacity);
        }
        self.show(before).await;
        match capacity {
            // A first beat that was missed.
            Err(error) if error.kind == Kind::Transient => Err(error),
            _ => Ok(()),
        }
    }

    async fn failed(&mut self, error: &Error) -> Duration {
        let before = self.health.status;
        let wait = self.health.failed(error, now());
        if before != self.health.status {
            tracing::warn!(cloud = %self.guard.name, status = ?self.health.status, %error, "cloud does not answer as it should");
        }
        self.changes = None;
        let connected = self.connected.take().is_some();
        self.show(before).await;
        if connected {
            self.guard.cloud().disconnect().await;
        }
        wait
    }

    /// Tells the screens how it is, and the store when that changed or it is half a minute old.
    async fn show(&mut self, before: CloudStatus) {
        let Some(known) = self.node.inventory.cloud(&self.guard.id) else { return };
        let cloud = self.node.inventory.set_cloud(self.picture(&known));
        self.node.live.publish(Topic::Cloud, cloud.id.as_str(), &*cloud);
        if before != self.health.status {
            super::rows::show_all(&self.node, &self.guard.id);
            super::alarms::wake(&self.node);
        }
        if before != self.health.status || (now() - self.saved_at).abs() > 30_000 {
            self.saved_at = now();
            if let Err(error) = crate::store::clouds::save_status(&self.node.db, &cloud).await {
                tracing::warn!(cloud = %cloud.name, %error, "its status could not be written down");
            }
        }
    }

    fn picture(&self, known: &Cloud) -> Cloud {
        let report = self.connected.as_ref();
        let capabilities: Option<Vec<Capability>> = report.map(|r| r.capabilities.clone());
        Cloud {
            status: self.health.status,
            status_since: self.health.since,
            message: self.health.message.clone(),
            observed_at: self.observed_at,
            retry_at: self.health.retry_at,
            version: report.and_then(|r| r.version.clone()).or_else(|| known.version.clone()),
            capabilities: capabilities.unwrap_or_else(|| known.capabilities.clone()),
            capacity: self.capacity,
            ..known.clone()
        }
    }
}

/// All that was told by now; nothing when the stream has ended. Without a stream it waits for ever.
async fn hear(changes: &mut Option<mpsc::Receiver<Change>>) -> Vec<Change> {
    let Some(changes) = changes else { return std::future::pending().await };
    let mut heard = vec![];
    changes.recv_many(&mut heard, 500).await;
    heard
}

/// Not the cloud's fault: it turns stale, never unreachable, and says why.
fn store_failed(error: sqlx::Error) -> Error {
    Error::new(Kind::Throttled(PACE), format!("What was seen could not be written down: {error}"))
}
