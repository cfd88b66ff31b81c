//! Switching machines. Done is what the cloud shows afterwards, not what it answered.

use super::{get, stored};
use crate::{
    clouds::{
        Power, StopMode,
        error::Error as CloudError,
        guard::{Guard, LONG, SHORT},
    },
    error::{Code, Error, Result},
    inventory,
    services::{
        acting,
        audit::{self, About},
        caller::Caller,
    },
    state::Node,
};
use model::{
    access::Role,
    machine::{Machine, PowerAction, PowerState},
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a cloud may take to show what it says it has done.
const SHOWN: Duration = Duration::from_secs(10);

pub async fn power(node: &Node, caller: &Caller, id: &str, action: PowerAction) -> Result<Machine> {
    let name = stored(node, id).await?.observed.name;
    let outcome = switch(node, caller, id, action).await;
    let detail = outcome.as_ref().err().map(|e| e.message.clone()).unwrap_or_default();
    let about = About { name: &name, id: Some(id), ..About::default() };
    audit::record(node, caller, &format!("machine.{}", word(action)), about, outcome.is_ok(), detail).await;
    outcome?;
    get(node, caller, id).await
}

fn word(action: PowerAction) -> &'static str {
    match action {
        PowerAction::Start => "start",
        PowerAction::Stop => "stop",
        PowerAction::PowerOff => "power_off",
        PowerAction::Reset => "reset",
    }
}

async fn switch(node: &Node, caller: &Caller, id: &str, action: PowerAction) -> Result<()> {
    caller.must_be(Role::Operator)?;
    let stored = stored(node, id).await?;
    let guard = node.clouds.get(&stored.cloud_id);
    let guard = guard.ok_or_else(|| Error::new(Code::Unavailable, "Its cloud is not open: check the cloud's settings."))?;
    if node.inventory.cloud(&stored.cloud_id).is_some_and(|c| c.status == model::cloud::CloudStatus::Ok) {
        // What is refused is refused for what is so now, not for what was seen some seconds ago.
        inventory::refresh(node, &stored.cloud_id, &stored.native_id).await?;
    }
    let machine = get(node, caller, id).await?;
    let listed = machine.actions.iter().find(|a| a.name == word(action));
    if let Some(why) = listed.and_then(|a| a.refused.clone()) {
        return Err(Error::conflict(why));
    }
    acting::begin();
    let done = act(&guard, &stored.native_id, action).await;
    // Whatever came of it is shown.
    let shown = inventory::refresh(node, &stored.cloud_id, &stored.native_id).await;
    done?;
    shown
}

async fn act(guard: &Guard, native_id: &str, action: PowerAction) -> Result<()> {
    let power = guard.cloud().power().ok_or_else(|| CloudError::lacks("switch machines"))?;
    let call = async {
        match action {
            PowerAction::Start => power.start(native_id).await,
            PowerAction::Stop => power.stop(native_id, StopMode::Graceful).await,
            PowerAction::PowerOff => power.stop(native_id, StopMode::Hard).await,
            PowerAction::Reset => power.reset(native_id).await,
        }
    };
    guard.run(word(action), LONG, call).await?;
    match action {
        PowerAction::Start => read_back(guard, power, native_id, PowerState::is_live, "started").await,
        PowerAction::PowerOff => read_back(guard, power, native_id, PowerState::is_off, "off").await,
        // A guest takes its time to shut down; the state on the screen follows it.
        PowerAction::Stop | PowerAction::Reset => Ok(()),
    }
}

async fn read_back(guard: &Guard, power: &dyn Power, native_id: &str, is: fn(PowerState) -> bool, what: &str) -> Result<()> {
    let deadline = Instant::now() + SHOWN;
    loop {
        let state = guard.run("state", SHORT, power.state(native_id)).await?;
        if is(state) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let message = format!("{} says that it is {what}, but shows it {} after {} s.", guard.name, state.as_str(), SHOWN.as_secs());
            return Err(Error::new(Code::Unavailable, message));
        }
        sleep(Duration::from_millis(250)).await;
    }
}
