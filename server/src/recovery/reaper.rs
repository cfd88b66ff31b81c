//! Removes superseded copies whose time to be kept is over. Never one that runs, and never while the active copy does
//! not: as long as there is doubt the old disks stay.

use super::{keeper, look, old_copy};
use crate::{
    inventory::alarms::clock_for_ages,
    state::Node,
    store::{
        copies::{self, CopyRow},
        machines, old_copies, points, runs,
    },
};
use model::machine::{CopyRole, PowerState};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);

pub async fn watch(node: Node) {
    loop {
        tokio::select! {
            () = node.stopping.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        sweep(&node).await;
    }
}

/// One pass over what may go. What cannot now is tried again in the next.
pub async fn sweep(node: &Node) {
    // What is gone cannot be brought back: not by a clock that jumped.
    let Some(now) = clock_for_ages(node) else { return };
    for copy in copies::expired(&node.db, now).await.unwrap_or_default() {
        match reap(node, &copy).await {
            Ok(true) => tracing::info!(machine = %copy.machine_id, "a superseded copy was removed after its time"),
            Ok(false) => {}
            Err(error) => tracing::warn!(machine = %copy.machine_id, %error, "a superseded copy could not be removed yet"),
        }
    }
}

/// Removes a superseded copy because somebody wants it. `false`: it is not off, or a run works on it.
///
/// # Errors
/// Of the cloud or the store; nothing was forgotten then.
pub async fn remove_now(node: &Node, machine_id: &str) -> anyhow::Result<bool> {
    match copies::get(&node.db, machine_id).await? {
        Some(copy) if copy.role == CopyRole::Superseded.as_str() => take_away(node, &copy).await,
        _ => Ok(false),
    }
}

async fn reap(node: &Node, copy: &CopyRow) -> anyhow::Result<bool> {
    Ok(active_runs(node, &copy.lineage).await? && take_away(node, copy).await?)
}

async fn take_away(node: &Node, copy: &CopyRow) -> anyhow::Result<bool> {
    if runs::taken(&node.db, &[copy.machine_id.clone(), copy.lineage.clone()]).await?.is_some() {
        return Ok(false);
    }
    let Some(old) = machines::get(&node.db, &copy.machine_id).await? else { return Ok(false) };
    let Some(guard) = node.clouds.get(&old.cloud_id) else { return Ok(false) };
    match look::state(&guard, &old.native_id, Duration::from_secs(8)).await? {
        Some(state) if !state.is_off() => return Ok(false),
        Some(_) => {
            // A lock that comes late would bring it back.
            if !old_copies::claim(&node.db, &copy.machine_id, keeper::CLAIM.as_millis() as i64).await? {
                return Ok(false);
            }
            old_copy::delete(&guard, &old.native_id, true).await?;
        }
        None => {}
    }
    copies::removed(&node.db, &copy.machine_id).await?;
    points::unhold_all(&node.db, &copy.lineage, &old.cloud_id).await?;
    super::publish::look(node, &old.cloud_id, &old.native_id);
    Ok(true)
}

async fn active_runs(node: &Node, lineage: &str) -> anyhow::Result<bool> {
    for copy in copies::of_lineage(&node.db, lineage).await? {
        if copy.role == CopyRole::Active.as_str()
            && let Some(machine) = machines::get(&node.db, &copy.machine_id).await?
            && let Some(guard) = node.clouds.get(&machine.cloud_id)
        {
            return Ok(look::state(&guard, &machine.native_id, Duration::from_secs(8)).await? == Some(PowerState::Running));
        }
    }
    Ok(false)
}
