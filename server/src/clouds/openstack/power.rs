//! The facet `Power`.
//!
//! A machine that was made by [`super::machines`] and never started has only a place: a server with a disk that does nothing. Its
//! first start puts its own image there (Nova's *rebuild*); see `machines/create.rs` for why.

use super::{
    OpenStack,
    auth::Service,
    fault,
    inventory::{
        self,
        server::{Server, meta, state},
    },
    link::Link,
    source,
};
use crate::clouds::{
    Power, StopMode,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use model::machine::PowerState;
use serde_json::{Value, json};
use std::time::Duration;

const TICK: Duration = Duration::from_millis(300);

#[async_trait]
impl Power for OpenStack {
    async fn state(&self, native_id: &str) -> Result<PowerState> {
        Ok(state(&inventory::server(&self.link, native_id).await?))
    }

    async fn start(&self, native_id: &str) -> Result<()> {
        let server = inventory::server(&self.link, native_id).await?;
        if server.locked {
            return Err(Error::conflict(format!(
                "It is locked: {}",
                server.locked_reason.as_deref().unwrap_or("OpenStack gives no reason")
            )));
        }
        if server.is_prepared() {
            return first_start(&self.link, &server).await;
        }
        match state(&server) {
            PowerState::Running => Ok(()),
            PowerState::Paused => self.act(native_id, json!({ "unpause": null })).await,
            PowerState::Suspended => self.act(native_id, json!({ "resume": null })).await,
            // On its way up from an earlier call, say.
            PowerState::Unknown if server.task.is_some() => until(&self.link, native_id, "run", |s| state(s) == PowerState::Running).await,
            _ => {
                self.act(native_id, json!({ "os-start": null })).await?;
                until(&self.link, native_id, "run", |s| state(s) == PowerState::Running).await
            }
        }
    }

    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()> {
        source::pause_over(&self.link, native_id).await?;
        let server = inventory::server(&self.link, native_id).await?;
        let seen = state(&server);
        if seen.is_off() {
            return Ok(());
        }
        // Nova knows one kind of stop: it asks the guest, and takes the power away when that took too long for it.
        if seen != PowerState::ShuttingDown {
            self.act(native_id, json!({ "os-stop": null })).await?;
        }
        match mode {
            StopMode::Graceful => Ok(()),
            StopMode::Hard => until(&self.link, native_id, "stop", |s| state(s).is_off()).await,
        }
    }

    async fn reset(&self, native_id: &str) -> Result<()> {
        source::pause_over(&self.link, native_id).await?;
        let server = inventory::server(&self.link, native_id).await?;
        if state(&server).is_off() {
            return Err(Error::conflict("It is off: start it instead."));
        }
        self.act(native_id, json!({ "reboot": { "type": "HARD" } })).await?;
        until(&self.link, native_id, "run", |s| s.task.is_none() && state(s) == PowerState::Running).await
    }

    /// Nova starts nothing by itself that it holds for stopped, and has no switch for one machine.
    async fn set_autostart(&self, native_id: &str, _on: bool) -> Result<bool> {
        inventory::server(&self.link, native_id).await?;
        Ok(false)
    }

    /// Nova's own lock: every tool of the project is refused then, and reads the reason. An administrator is not.
    async fn lock(&self, native_id: &str, reason: &str) -> Result<()> {
        let server = inventory::server(&self.link, native_id).await?;
        if !state(&server).is_off() {
            return Err(Error::conflict("It runs: only a stopped machine can be locked."));
        }
        let reason: String = reason.chars().take(255).collect();
        if server.locked && server.locked_reason.as_deref() == Some(&reason) {
            return Ok(());
        }
        // Nova keeps the first reason that the owner gave.
        self.unlock(native_id).await?;
        self.act(native_id, json!({ "lock": { "locked_reason": reason } })).await
    }

    async fn unlock(&self, native_id: &str) -> Result<()> {
        let server = inventory::server(&self.link, native_id).await?;
        if server.locked { self.act(native_id, json!({ "unlock": null })).await } else { Ok(()) }
    }
}

impl OpenStack {
    async fn act(&self, native_id: &str, action: Value) -> Result<()> {
        when_free(&self.link, native_id, action).await.map(drop)
    }
}

pub async fn act(link: &Link, native_id: &str, action: Value) -> Result<Value> {
    link.post(Service::Compute, &format!("{}/action", inventory::path(native_id)?), &action).await
}

/// A snapshot goes on at Nova after its cycle was given up, and nothing else is taken meanwhile: that is over in moments. The
/// caller's own time limit ends the wait.
pub async fn when_free(link: &Link, native_id: &str, action: Value) -> Result<Value> {
    loop {
        match act(link, native_id, action.clone()).await {
            Err(error) if error.kind == Kind::Conflict && error.message.contains("task_state image_") => tokio::time::sleep(TICK).await,
            other => return other,
        }
    }
}

/// Puts the machine's own disk into its place, which starts it. The second of two calls finds that it is done.
async fn first_start(link: &Link, server: &Server) -> Result<()> {
    let image = server.meta(meta::IMAGE).unwrap_or_default();
    if server.task.is_some() {
        until(link, &server.id, "be ready", |s| s.task.is_none()).await?;
    }
    if server.image().is_some() {
        act(link, &server.id, json!({ "rebuild": { "imageRef": image } })).await?;
    } else {
        // It boots from a volume: nothing but our own note tells whether that one holds its disk yet.
        let mut notes = server.metadata.clone();
        notes.remove(meta::WAITS);
        let path = format!("{}/action", inventory::path(&server.id)?);
        link.post_zed(&path, &json!({ "rebuild": { "imageRef": image, "metadata": notes } })).await?;
    }
    until(link, &server.id, "run", |s| s.task.is_none() && !s.is_prepared() && state(s) == PowerState::Running).await
}

/// Waits until it is so, or Nova says that it failed. The caller's own time limit ends the wait.
pub async fn until(link: &Link, native_id: &str, what: &str, so: impl Fn(&Server) -> bool) -> Result<()> {
    loop {
        let server = inventory::server(link, native_id).await?;
        if so(&server) {
            return Ok(());
        }
        if server.status == "ERROR" && server.task.is_none() {
            return Err(failure(&server, what));
        }
        tokio::time::sleep(TICK).await;
    }
}

pub fn failure(server: &Server, what: &str) -> Error {
    let said = server.fault();
    Error::new(if fault::is_full(said) { Kind::Full } else { Kind::Permanent }, format!("{} did not {what}: {said}", server.name))
}
