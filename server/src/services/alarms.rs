//! Alarms, as they are raised now.

use super::caller::Caller;
use crate::{
    error::{Error, Result},
    inventory,
    state::Node,
};
use model::{Page, access::Role, alarm::Alarm};

/// Worst and newest first.
pub fn list(node: &Node) -> Page<Alarm> {
    let items = inventory::alarms::active(node);
    let total = Some(items.len() as u64);
    Page { items, next: None, total }
}

/// Somebody looked into it. Only an alarm whose cause nobody but a person can judge goes by it: the clock.
pub async fn acknowledge(node: &Node, caller: &Caller, id: &str) -> Result<Page<Alarm>> {
    caller.must_be(Role::Operator)?;
    let alarm = inventory::alarms::active(node).into_iter().find(|a| a.id == id);
    let alarm = alarm.ok_or_else(|| Error::not_found(format!("alarm {id} now")))?;
    if alarm.kind != inventory::alarms::CLOCK_UNSETTLED {
        return Err(Error::conflict("This alarm goes by itself when its cause is gone: there is nothing to acknowledge."));
    }
    inventory::alarms::acknowledge_clock(node);
    super::audit::record(node, caller, "alarm.acknowledge", &alarm.kind, true, alarm.message).await;
    Ok(list(node))
}
