//! Power of simulated machines.

use super::{
    super::{
        Power, StopMode,
        error::{Error, Result},
    },
    Simulator,
    faults::Effect,
    world::World,
};
use async_trait::async_trait;
use model::machine::PowerState;
use std::{sync::Arc, time::Duration};

/// How long a guest takes to shut down when asked.
const SHUTDOWN: Duration = Duration::from_millis(200);

#[async_trait]
impl Power for Simulator {
    async fn state(&self, native_id: &str) -> Result<PowerState> {
        self.look("state", |state| Ok(state.vm(native_id)?.state())).await
    }

    async fn start(&self, native_id: &str) -> Result<()> {
        self.act("start", (), |state| {
            if let Some(reason) = &state.vm(native_id)?.shown().locked {
                return Err(Error::conflict(format!("It is locked: {reason}")));
            }
            state.set_power(native_id, PowerState::Running)
        })
        .await
    }

    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()> {
        let asks = self.act("stop", false, |state| match (state.vm(native_id)?.state(), mode) {
            (s, _) if s.is_off() => Ok(false),
            (_, StopMode::Hard) => state.set_power(native_id, PowerState::Stopped).map(|()| false),
            (_, StopMode::Graceful) => state.set_power(native_id, PowerState::ShuttingDown).map(|()| true),
        });
        if asks.await? {
            tokio::spawn(shut_down(self.world.clone(), native_id.to_owned()));
        }
        Ok(())
    }

    async fn reset(&self, native_id: &str) -> Result<()> {
        self.act("reset", (), |state| {
            if state.vm(native_id)?.state().is_off() {
                return Err(Error::conflict("It is off: start it instead."));
            }
            state.set_power(native_id, PowerState::Running)
        })
        .await
    }

    async fn set_autostart(&self, native_id: &str, on: bool) -> Result<bool> {
        self.act("set_autostart", on, |state| {
            state.vm(native_id)?.shown().autostart = Some(on);
            state.tell(native_id);
            Ok(on)
        })
        .await
    }

    async fn lock(&self, native_id: &str, reason: &str) -> Result<()> {
        self.act("lock", (), |state| {
            let vm = state.vm(native_id)?;
            if !vm.state().is_off() {
                return Err(Error::conflict("It runs: only a stopped machine can be locked."));
            }
            vm.shown().locked = Some(reason.into());
            state.tell(native_id);
            Ok(())
        })
        .await
    }

    async fn unlock(&self, native_id: &str) -> Result<()> {
        self.act("unlock", (), |state| {
            state.vm(native_id)?.shown().locked = None;
            state.tell(native_id);
            Ok(())
        })
        .await
    }
}

/// The guest goes down by itself, unless its script says that it is deaf to it.
async fn shut_down(world: Arc<World>, native_id: String) {
    tokio::time::sleep(SHUTDOWN).await;
    if world.guest("shutdown") == Effect::Lie {
        return;
    }
    let mut state = world.lock();
    if state.vm(&native_id).is_ok_and(|vm| vm.state() == PowerState::ShuttingDown) {
        // Gone meanwhile: then nothing is left to shut down.
        let _ = state.set_power(&native_id, PowerState::Stopped);
    }
}
