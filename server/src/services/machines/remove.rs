//! Removing a superseded copy before its time: by hand, with its name typed.

use super::{get, stored};
use crate::{
    error::{Code, Error, Result},
    inventory,
    recovery::reaper,
    services::{audit, caller::Caller},
    state::Node,
};
use model::{access::Role, cloud::CloudStatus};

pub async fn remove_copy(node: &Node, caller: &Caller, id: &str, confirm: &str) -> Result<()> {
    let name = stored(node, id).await?.observed.name;
    let outcome = remove(node, caller, id, &name, confirm).await;
    let detail = outcome.as_ref().err().map(|e| e.message.clone()).unwrap_or_default();
    audit::record(node, caller, "machine.remove_copy", &name, outcome.is_ok(), detail).await;
    outcome
}

async fn remove(node: &Node, caller: &Caller, id: &str, name: &str, confirm: &str) -> Result<()> {
    caller.must_be(Role::Operator)?;
    if confirm != name {
        return Err(Error::invalid("confirm", format!("Type the name of the machine exactly: {name}")));
    }
    let stored = stored(node, id).await?;
    if node.inventory.cloud(&stored.cloud_id).is_some_and(|c| c.status == CloudStatus::Ok) {
        // What is refused is refused for what is so now, not for what was seen some seconds ago.
        inventory::refresh(node, &stored.cloud_id, &stored.native_id).await?;
    }
    let machine = get(node, caller, id).await?;
    let listed = machine.actions.iter().find(|a| a.name == "remove_copy");
    if let Some(why) = listed.and_then(|a| a.refused.clone()) {
        return Err(Error::conflict(why));
    }
    match reaper::remove_now(node, id).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::conflict("It is not off, or a run works on it: look again.")),
        Err(error) => Err(Error::new(Code::Unavailable, error.to_string())),
    }
}
