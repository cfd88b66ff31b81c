//! What is done to one superseded copy: it is made unable to start, or removed where a new one has to take its place.

use super::{context::Context, look, steps::Halt};
use crate::{
    clouds::{
        error::{Error, Kind, Result},
        guard::{Guard, LONG, SHORT},
    },
    recovery::{publish, spec::Facts},
    services::{audit, caller::Caller},
    state::Node,
    store::{
        copies, machines,
        old_copies::{self, OldCopy},
        points,
    },
};
use model::{
    Problem, Severity,
    access::Role,
    cloud::Capability,
    machine::{CopyRole, PowerState},
};
use std::time::Duration;

pub fn can_lock(guard: &Guard) -> bool {
    guard.cloud().capabilities().contains(&Capability::StartLock)
}

/// What the hypervisor answers to whoever tries to start it.
pub fn reason(cloud: &str, site: &str) -> String {
    format!("superseded by the copy at {site} ({cloud})")
}

/// What happens to it when the machine comes back to this cloud.
pub fn in_the_way(old: &OldCopy, cloud: &str) -> Problem {
    if PowerState::parse(&old.state).is_some_and(PowerState::is_live) {
        let what = format!("Its superseded copy at {cloud} runs.");
        return Problem::new(Severity::Critical, &old.name, what, "Stop that one there.");
    }
    let what = format!("Its superseded copy lies at {cloud}; it is removed when the machine comes back.");
    if old.keep_until.is_some() {
        return Problem::new(Severity::Info, &old.name, what, "Nothing: all that it holds was moved with the machine.");
    }
    let remedy =
        "What it wrote last may never have been copied: its disks stay there, and the run names them. Rescue from them what is missing.";
    Problem::new(Severity::Warning, &old.name, what, remedy)
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

/// A machine that comes to a cloud at which its own old copy lies takes that one's place. The old one goes only when it
/// is seen off. After a planned move it has nothing of its own and goes with its disks; one that a failover left may
/// hold what was never copied: its disks stay where they are, and are named.
pub async fn make_way(ctx: &Context, guard: &Guard, lineage: &str) -> std::result::Result<(), Halt> {
    let Some(old) = old_copies::at(&ctx.node.db, lineage, &guard.id).await? else { return Ok(()) };
    alone(ctx, &old).await?;
    let said = match look::state(guard, &old.native_id, Duration::from_secs(8)).await? {
        None => None,
        Some(state) if !state.is_off() => {
            return Err(Halt::failed(format!(
                "The old copy of {} at {} is {}: it is in the way, and is not stopped by itself. Stop it there, then retry.",
                old.name,
                guard.name,
                state.as_str()
            )));
        }
        Some(_) => Some(remove(ctx, guard, &old).await?),
    };
    ctx.journal.write(|| old_copies::removed(&ctx.node.db, &ctx.journal.claim, &old.machine_id)).await?;
    if let Some(said) = said {
        ctx.say(Severity::Warning, &said).await?;
        ctx.note(Facts { removed: Some(guard.name.clone()), ..Facts::default() }).await?;
        let me = Caller { name: format!("run:{}", ctx.run_id), role: Role::Operator, address: None };
        audit::record(&ctx.node, &me, "machine.remove", &old.name, true, said).await;
    }
    publish::look(&ctx.node, &guard.id, &old.native_id);
    Ok(())
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

/// Answers what was done, in words.
async fn remove(ctx: &Context, guard: &Guard, old: &OldCopy) -> std::result::Result<String, Halt> {
    let seen = guard.run("one", SHORT, guard.cloud().inventory().one(&old.native_id)).await?;
    let disks: Vec<String> = seen.into_iter().flat_map(|s| s.disks).filter_map(|d| d.source).collect();
    let with_disks = old.keep_until.is_some();
    delete(guard, &old.native_id, with_disks).await?;
    if with_disks {
        points::unhold_all(&ctx.node.db, &old.lineage, &guard.id).await?;
        return Ok(format!("The old copy of {} at {} was removed: the machine comes back to its place.", old.name, guard.name));
    }
    let kept = if disks.is_empty() { String::new() } else { format!(" Its disks stay there: {}.", disks.join(", ")) };
    Ok(format!("The old copy of {} at {} was removed: the machine comes back to its place.{kept}", old.name, guard.name))
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
