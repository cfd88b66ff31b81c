//! The facet `Power`.

use super::{
    Ec2,
    fault::change,
    inventory::{self, instance::state, is_building, state_name},
    link::Link,
    lock,
};
use crate::clouds::{
    Power, StopMode,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use aws_sdk_ec2::types::{Instance, InstanceStateName};
use model::machine::PowerState;
use std::time::Duration;

/// Looks after which something that was just made or changed is not to be expected any more: what EC2 shows may be some seconds old.
pub const LOOKS: u32 = 20;
/// Between two looks while something is waited for: EC2 counts requests.
pub const TICK: Duration = Duration::from_secs(1);

#[async_trait]
impl Power for Ec2 {
    async fn state(&self, native_id: &str) -> Result<PowerState> {
        Ok(state(&inventory::instance(&self.link, native_id).await?))
    }

    async fn start(&self, native_id: &str) -> Result<()> {
        let seen = inventory::instance(&self.link, native_id).await?;
        if is_building(&seen) {
            return Err(Error::conflict("It is still being made."));
        }
        if let Some(reason) = lock::reason(&seen) {
            return Err(Error::conflict(format!("It is locked: {reason}")));
        }
        let seen = match state(&seen) {
            PowerState::Running => return Ok(()),
            PowerState::ShuttingDown => until(&self.link, native_id, |now| state(now) != PowerState::ShuttingDown).await?,
            _ => seen,
        };
        if state(&seen).is_off() {
            let call = self.link.ec2().await?.start_instances().instance_ids(native_id);
            change("start", call.send()).await?;
        }
        let now = until(&self.link, native_id, |now| matches!(state(now), PowerState::Running | PowerState::Stopped)).await?;
        if state(&now) == PowerState::Running { Ok(()) } else { Err(failure(&now)) }
    }

    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()> {
        let seen = inventory::instance(&self.link, native_id).await?;
        if state(&seen).is_off() {
            return Ok(());
        }
        match mode {
            StopMode::Graceful if state(&seen) == PowerState::ShuttingDown => Ok(()),
            StopMode::Graceful => {
                let call = self.link.ec2().await?.stop_instances().instance_ids(native_id);
                change("stop", call.send()).await.map(drop)
            }
            StopMode::Hard => hard_stop(&self.link, native_id).await,
        }
    }

    /// EC2 asks the guest first, and cuts it off when it does not go down within four minutes.
    async fn reset(&self, native_id: &str) -> Result<()> {
        let seen = inventory::instance(&self.link, native_id).await?;
        if state(&seen).is_off() {
            return Err(Error::conflict("It is off: start it instead."));
        }
        let call = self.link.ec2().await?.reboot_instances().instance_ids(native_id);
        change("reset", call.send()).await.map(drop)
    }

    /// EC2 starts no instance by itself that was stopped.
    async fn set_autostart(&self, native_id: &str, _on: bool) -> Result<bool> {
        inventory::instance(&self.link, native_id).await?;
        Ok(false)
    }

    async fn lock(&self, native_id: &str, reason: &str) -> Result<()> {
        lock::lock(&self.link, native_id, reason).await
    }

    async fn unlock(&self, native_id: &str) -> Result<()> {
        lock::unlock(&self.link, native_id).await
    }
}

/// Without asking the guest, and off when it returns.
pub async fn hard_stop(link: &Link, native_id: &str) -> Result<()> {
    let ec2 = link.ec2().await?;
    change("stop", ec2.stop_instances().instance_ids(native_id).force(true).skip_os_shutdown(true).send()).await?;
    until(link, native_id, |now| state(now).is_off()).await.map(drop)
}

/// The caller's own time limit ends the wait.
pub async fn until(link: &Link, native_id: &str, so: impl Fn(&Instance) -> bool) -> Result<Instance> {
    loop {
        let seen = inventory::instance(link, native_id).await?;
        if so(&seen) {
            return Ok(seen);
        }
        tokio::time::sleep(TICK).await;
    }
}

pub async fn until_gone(link: &Link, native_id: &str) -> Result<()> {
    while inventory::find(link, native_id).await?.is_some() {
        tokio::time::sleep(TICK).await;
    }
    Ok(())
}

/// It went back to where it was.
pub fn failure(seen: &Instance) -> Error {
    let reason = seen.state_reason();
    let (code, message) = (reason.and_then(|one| one.code()).unwrap_or_default(), reason.and_then(|one| one.message()));
    let full = code.contains("Insufficient") || code.contains("LimitExceeded");
    let kind = if full { Kind::Full } else { Kind::Permanent };
    let state = state_name(seen).map_or("gone", InstanceStateName::as_str);
    Error::new(
        kind,
        format!("{} did not start, it is {state}: {}", inventory::instance::name(seen), message.unwrap_or("EC2 does not say why")),
    )
}
