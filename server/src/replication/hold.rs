//! What runs need of replication: taking a member over for themselves, cycles at their own time, and letting go.

use super::{
    cycle::{self, Cycle},
    error::{Error, Result},
    job::Job,
    lease::Held,
    prune,
    runtime::Slot,
    view,
};
use crate::{
    clouds::guard::LONG,
    state::{Node, new_id, now},
    store::{
        groups,
        member_leases::MemberClaim,
        members::{self, NewMember, StoredMember},
        points, work,
    },
};
use model::{Id, Mapping, Transfer};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Puts a machine under replication for a run (a move): its member, held by the run. One that is replicated to the same
/// target already is taken as it is, so that what lies there is the seed.
///
/// # Errors
/// It is replicated elsewhere, or another run has it.
pub async fn adopt(node: &Node, machine_id: &str, target_cloud_id: &str, run_id: &str, storage: &[Mapping]) -> Result<Id> {
    let known = members::all_of_machine(&node.db, machine_id).await?;
    if let Some(member) = at_target(known, target_cloud_id) {
        return take(node, member, target_cloud_id, run_id).await;
    }
    let facts = groups::machine(&node.db, machine_id).await?.ok_or_else(|| Error::NotFound("There is no such machine.".into()))?;
    let new = NewMember {
        id: new_id(),
        group_id: None,
        machine_id: machine_id.into(),
        name: facts.name,
        target_cloud_id: target_cloud_id.into(),
        storage: storage.to_vec(),
        held_by: Some(run_id.into()),
        further: false,
    };
    match members::insert(&node.db, &new, &new_id(), now()).await? {
        Some(_) => Ok(new.id),
        // Somebody was quicker.
        None => match members::of_machine(&node.db, machine_id).await? {
            Some(member) => take(node, member, target_cloud_id, run_id).await,
            None => Err(Error::Conflict("The machine is being put under and taken out of replication; try again.".into())),
        },
    }
}

/// The one that goes there, else the main one.
fn at_target(members: Vec<StoredMember>, target_cloud_id: &str) -> Option<StoredMember> {
    let there = members.iter().position(|m| m.target_cloud_id == target_cloud_id);
    members.into_iter().nth(there.unwrap_or_default())
}

async fn take(node: &Node, member: StoredMember, target_cloud_id: &str, run_id: &str) -> Result<Id> {
    if member.target_cloud_id != target_cloud_id {
        let message =
            format!("{} is replicated to another cloud: move it there, or take it out of its protection group first.", member.name);
        return Err(Error::Conflict(message));
    }
    hold(node, &member.id, run_id).await?;
    Ok(member.id)
}

/// From now on only this run's own cycles; those under way in the background are ended first, to further targets as well.
/// Idempotent and durable.
///
/// # Errors
/// Another run has it.
pub async fn hold(node: &Node, member_id: &str, run_id: &str) -> Result<()> {
    if !members::hold(&node.db, member_id, run_id).await? {
        return Err(match members::get(&node.db, member_id).await? {
            Some(m) => Error::Conflict(format!("Another run works on {}: wait for its end, or cancel it.", m.name)),
            None => no_member(),
        });
    }
    let all = members::together(&node.db, member_id).await?;
    all.iter().for_each(|id| node.replication.slot(id).cancel());
    for id in all {
        let slot = node.replication.slot(&id);
        // Cancelled work ends within its own time for cleaning up; at another node the next renewal of its lease is refused.
        let _busy = slot.busy.lock().await;
        Held::wait(node, &id).await?.during(async { Ok(()) }).await?;
        view::publish(node, &id).await?;
    }
    Ok(())
}

/// Background cycles go on. Idempotent.
pub async fn release(node: &Node, member_id: &str, run_id: &str) -> Result<()> {
    members::release(&node.db, member_id, run_id).await?;
    node.replication.wake();
    for id in members::together(&node.db, member_id).await? {
        view::publish(node, &id).await?;
    }
    Ok(())
}

/// One cycle now, for the run that holds the member. Tells the progress and shows it on the member as well.
///
/// # Errors
/// Of either cloud or the store; nothing of it stays.
pub async fn cycle(node: &Node, member_id: &str, progress: impl Fn(Transfer) + Send + Sync, cancel: CancellationToken) -> Result<Cycle> {
    let slot = node.replication.slot(member_id);
    let _busy = slot.busy.lock().await;
    let held = Held::wait(node, member_id).await?;
    let claim = held.claim.clone();
    held.during(under_lease(node, &claim, slot.clone(), progress, cancel)).await
}

async fn under_lease(
    node: &Node,
    claim: &MemberClaim,
    slot: Arc<Slot>,
    progress: impl Fn(Transfer) + Send + Sync,
    cancel: CancellationToken,
) -> Result<Cycle> {
    let job = Job::under(claim, node, slot.clone()).await?;
    let tell = |t: Transfer| {
        progress(t);
        job.show(Some(t));
    };
    let outcome = cycle::run(&job, &tell, &cancel).await;
    slot.show(None);
    view::publish(node, &claim.member_id).await?;
    if let (Ok(_), Err(error)) = (&outcome, prune::expired(&job).await) {
        tracing::warn!(member = %job.member.name, %error, "old recovery points stay for now");
    }
    outcome
}

/// The replication of this member is over: what it keeps at the source is removed where that answers, its points go,
/// except those that are held and what these are based on.
///
/// # Errors
/// Of the store.
pub async fn retire(node: &Node, member_id: &str) -> Result<()> {
    let slot = node.replication.slot(member_id);
    slot.cancel();
    let _busy = slot.busy.lock().await;
    // While another target of the machine goes on, its next cycle removes what this one kept: now it may have a point open.
    let alone = members::together(&node.db, member_id).await?.len() < 2;
    if alone
        && let Some(work) = work::get(&node.db, member_id).await?
        && let Some(source) = node.clouds.get(&work.source_cloud_id)
        && let Some(points) = source.cloud().disk_source()
        && let Err(error) = source.run("tidy", LONG, points.tidy(&work.native_id, &[])).await
    {
        // Harmless: a record of changed blocks. The next replication of this machine removes it.
        tracing::warn!(machine = %work.native_id, %error, "the source keeps its record of changes");
    }
    members::delete(&node.db, member_id).await?;
    node.replication.forget(member_id);
    node.replication.wake();
    view::publish(node, member_id).await
}

/// Keeps a point for as long as a machine is based on it.
///
/// # Errors
/// It is gone, or going.
pub async fn hold_point(db: &crate::store::Db, point_id: &str) -> Result<()> {
    if points::hold(db, point_id).await? {
        return Ok(());
    }
    Err(Error::NotFound("This recovery point is gone, or being deleted: take a newer one.".into()))
}

fn no_member() -> Error {
    Error::NotFound("There is no such member of a protection group.".into())
}
