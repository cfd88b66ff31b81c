//! What is done to one superseded copy: it is made unable to start, or removed when its time is over.

use super::{context::Context, look, steps::Halt};
use crate::{
    clouds::{
        error::{Error, Kind, Result},
        guard::{Guard, LONG, SHORT},
    },
    state::Node,
    store::{
        copies, machines,
        old_copies::{self, OldCopy},
    },
};
use model::{cloud::Capability, machine::CopyRole};

pub fn can_lock(guard: &Guard) -> bool {
    guard.cloud().capabilities().contains(&Capability::StartLock)
}

/// What the hypervisor answers to whoever tries to start it.
pub fn reason(cloud: &str, site: &str) -> String {
    format!("superseded by the copy at {site} ({cloud})")
}

/// Where the copy is that may run.
pub async fn active_place(node: &Node, lineage: &str) -> anyhow::Result<Option<String>> {
    let all = copies::of_lineage(&node.db, lineage).await?;
    let Some(active) = all.iter().find(|c| c.role == CopyRole::Active.as_str()) else { return Ok(None) };
    let cloud = machines::get(&node.db, &active.machine_id).await?.and_then(|m| node.inventory.cloud(&m.cloud_id));
    Ok(Some(cloud.map_or_else(|| "superseded by another copy".into(), |c| reason(&c.name, &c.site))))
}

/// Locks a stopped machine against start and reads that back.
///
/// # Errors
/// The cloud's; `NotFound` when the machine is gone.
pub async fn lock(guard: &Guard, native_id: &str, name: &str, reason: &str) -> Result<()> {
    let power = || guard.cloud().power().ok_or_else(|| Error::lacks("lock machines"));
    guard.run("lock", LONG, async { power()?.lock(native_id, reason).await }).await?;
    let seen = guard.run("one", SHORT, guard.cloud().inventory().one(native_id)).await?;
    let gone = || Error::not_found(format!("{name} no longer exists at {}.", guard.name));
    match seen.ok_or_else(gone)?.locked {
        Some(_) => Ok(()),
        None => Err(Error::transient(format!("{} accepted the lock of {name} but does not show it.", guard.name))),
    }
}

/// Waits for a node that locks the old copy at the target at this moment, while the machine still runs.
pub async fn settled(ctx: &Context, lineage: &str, cloud_id: &str) -> std::result::Result<(), Halt> {
    match old_copies::at(&ctx.node.db, lineage, cloud_id).await? {
        Some(old) => alone(ctx, &old).await,
        None => Ok(()),
    }
}

/// This run has the lineage: no node begins to lock the copy any more, and one that did has ended when this returns.
async fn alone(ctx: &Context, old: &OldCopy) -> std::result::Result<(), Halt> {
    while old_copies::is_claimed(&ctx.node.db, &old.machine_id).await? {
        ctx.sleep(look::TICK).await?;
    }
    Ok(())
}

/// # Errors
/// The cloud's.
pub async fn delete(guard: &Guard, native_id: &str, with_disks: bool) -> Result<()> {
    if let Some(power) = guard.cloud().power() {
        match guard.run("unlock", LONG, power.unlock(native_id)).await {
            Err(e) if e.kind != Kind::Unsupported && e.kind != Kind::NotFound => return Err(e),
            _ => {}
        }
    }
    guard
        .run("delete", LONG, async {
            guard.cloud().machines().ok_or_else(|| Error::lacks("delete machines"))?.delete(native_id, with_disks).await
        })
        .await
}
