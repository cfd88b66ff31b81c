//! A machine that is paused for some seconds, so that its disks show one instant.
//!
//! Whatever ends this node meanwhile must not leave it paused. So a note is written into the machine's metadata first: until
//! when the pause is ours. One that is given up ends by itself ([`Pause`] is dropped); one whose node was killed is ended by the
//! next point of that machine, and by every node that sees the note after its time ([`Notes`]). A pause without a note is
//! somebody else's, and stays.

use super::{
    super::{
        auth::Service,
        images::{self, KIND, SERVER},
        inventory::{
            self,
            server::{Server, meta},
        },
        link::Link,
        power,
    },
    begin::SNAPSHOT,
};
use crate::clouds::error::{Kind, Result};
use jiff::Timestamp;
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// No call of the engine lasts as long: who finds an older note finds one of a node that is gone.
const OURS: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(500);
/// Between two tries to end one.
const AGAIN: Duration = Duration::from_secs(5);
/// An hour, then the next list begins anew.
const TRIES: u32 = 720;

/// Ends when it is dropped, too.
pub struct Pause {
    link: Arc<Link>,
    server: String,
    note: String,
    over: bool,
}

impl Pause {
    /// `None`: the cloud refuses to pause it (somebody locked it, or a policy), and it goes on.
    ///
    /// # Errors
    /// The cloud's; then it goes on as well.
    pub async fn begin(link: &Arc<Link>, server: &str) -> Result<Option<Self>> {
        let note = (now() + OURS.as_millis() as i64).to_string();
        let mut pause = Self { link: link.clone(), server: server.to_owned(), note, over: false };
        let Err(error) = pause.take().await else { return Ok(Some(pause)) };
        let refused = matches!(error.kind, Kind::Conflict | Kind::Auth | Kind::Permanent | Kind::Unsupported);
        // Where it was refused it is not ours, even if it is paused by now.
        if refused {
            forget(link, server).await?
        } else {
            release(link, server, Some(&pause.note)).await?
        }
        pause.over = true;
        if !refused {
            return Err(error);
        }
        tracing::warn!(%error, server, "a machine cannot be paused: its disks are taken one after the other");
        Ok(None)
    }

    async fn take(&self) -> Result<()> {
        remember(&self.link, &self.server, meta::PAUSED, &self.note).await?;
        power::when_free(&self.link, &self.server, json!({ "pause": null })).await?;
        power::until(&self.link, &self.server, "pause", |server| server.status == "PAUSED" && server.task.is_none()).await
    }

    /// # Errors
    /// The cloud's; it is tried again from the background.
    pub async fn end(mut self) -> Result<()> {
        release(&self.link, &self.server, Some(&self.note)).await?;
        self.over = true;
        Ok(())
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(surely(self.link.clone(), self.server.clone(), self.note.clone()));
        }
    }
}

/// One entry of a server's metadata.
///
/// # Errors
/// The cloud's.
pub async fn remember(link: &Link, server: &str, key: &str, value: &str) -> Result<()> {
    let path = format!("{}/metadata", inventory::path(server)?);
    link.post(Service::Compute, &path, &json!({ "metadata": { key: value } })).await.map(drop)
}

/// Ends a pause of ours, whoever began it; only the one of this note, if one is given. Nothing to do is fine.
///
/// # Errors
/// The cloud's.
pub async fn release(link: &Link, id: &str, note: Option<&str>) -> Result<()> {
    let Some(inventory::One { server }) = link.find(Service::Compute, &inventory::path(id)?).await? else { return Ok(()) };
    let mut server = inventory::read(&server)?;
    let ours = |server: &Server| server.meta(meta::PAUSED).is_some_and(|seen| note.is_none_or(|note| note == seen));
    if server.is_deleted() || !ours(&server) {
        return Ok(());
    }
    if server.task.as_deref() == Some("pausing") {
        power::until(link, id, "pause", |server| server.task.as_deref() != Some("pausing")).await?;
        server = inventory::server(link, id).await?;
    }
    if server.status == "PAUSED" {
        resume(link, id).await?;
    }
    forget(link, id).await
}

async fn forget(link: &Link, id: &str) -> Result<()> {
    link.delete(Service::Compute, &format!("{}/metadata/{}", inventory::path(id)?, meta::PAUSED)).await
}

async fn resume(link: &Link, id: &str) -> Result<()> {
    if let Err(error) = power::when_free(link, id, json!({ "unpause": null })).await {
        // Somebody else may have been first.
        if error.kind != Kind::Conflict || inventory::server(link, id).await?.status == "PAUSED" {
            return Err(error);
        }
    }
    power::until(link, id, "go on", |server| server.status != "PAUSED" && server.task.is_none()).await
}

/// Nobody waits for its snapshot any more: without it Nova lets go of the machine sooner.
async fn give_up(link: &Link, id: &str, note: &str) -> Result<()> {
    for image in images::list(link, &[(KIND, SNAPSHOT), (SERVER, id)]).await? {
        images::delete(link, &image.id).await?;
    }
    release(link, id, Some(note)).await
}

async fn surely(link: Arc<Link>, id: String, note: String) {
    for _ in 0..TRIES {
        match give_up(&link, &id, &note).await {
            Ok(()) => return tracing::info!(id, "the pause of a machine was ended"),
            Err(error) => tracing::warn!(%error, id, "a machine that was paused does not go on yet"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Until a machine is not paused by us any more. The caller's own time limit ends the wait.
///
/// # Errors
/// The cloud's.
pub async fn over(link: &Link, id: &str) -> Result<()> {
    loop {
        let server = inventory::server(link, id).await?;
        let Some(note) = server.meta(meta::PAUSED).filter(|_| server.is_held()) else { return Ok(()) };
        if left(note).is_zero() {
            return give_up(link, id, note).await;
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Notes that were seen, each looked after once.
#[derive(Clone, Default)]
pub struct Notes(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Notes {
    /// When its time is over and it is there still, its node is gone.
    pub fn see(&self, link: &Arc<Link>, server: &Server) {
        let Some(note) = server.meta(meta::PAUSED) else { return };
        let key = (server.id.clone(), note.to_owned());
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return;
        }
        let (link, notes) = (link.clone(), self.clone());
        tokio::spawn(async move {
            tokio::time::sleep(left(&key.1)).await;
            surely(link, key.0.clone(), key.1.clone()).await;
            notes.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        });
    }
}

fn left(note: &str) -> Duration {
    let until: i64 = note.parse().unwrap_or_default();
    // Another node's clock may be wrong, a pause is never longer.
    Duration::from_millis((until - now()).max(0) as u64).min(OURS)
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
