//! Alarms, as they are raised now.

use super::{audit, caller::Caller};
use crate::{
    error::{Error, Result},
    inventory,
    state::Node,
};
use model::{
    Page,
    access::Role,
    alarm::{Alarm, CLOCK_UNSETTLED},
};

const ACTION: &str = "alarm.acknowledge";

/// Worst and newest first.
pub fn list(node: &Node) -> Page<Alarm> {
    let items = inventory::alarms::active(node);
    let total = Some(items.len() as u64);
    Page { items, next: None, total }
}

/// Somebody looked into it. Only an alarm whose cause nobody but a person can judge goes by it: the clock.
pub async fn acknowledge(node: &Node, caller: &Caller, id: &str) -> Result<Page<Alarm>> {
    let about = inventory::alarms::active(node).into_iter().find(|a| a.id == id).map_or_else(|| audit::name(id), |a| a.kind);
    audit::refused(node, caller, ACTION, &about, try_acknowledge(node, caller, id).await).await
}

async fn try_acknowledge(node: &Node, caller: &Caller, id: &str) -> Result<Page<Alarm>> {
    caller.must_be(Role::Operator)?;
    let alarm = inventory::alarms::active(node).into_iter().find(|a| a.id == id);
    let alarm = alarm.ok_or_else(|| Error::not_found(format!("alarm {id} now")))?;
    if alarm.kind != CLOCK_UNSETTLED {
        return Err(Error::conflict("This alarm goes by itself when its cause is gone: there is nothing to acknowledge."));
    }
    inventory::alarms::acknowledge_clock(node);
    audit::record(node, caller, ACTION, &alarm.kind, true, alarm.message).await;
    // The next judgement, within a second, clears it; who has just acknowledged it is not shown it once more.
    let mut left = list(node);
    left.items.retain(|a| a.id != id);
    left.total = Some(left.items.len() as u64);
    Ok(left)
}
