//! One turn of a member in the background: look whether anything has to flow, a cycle if so, then the old points.

use super::{
    autostart,
    cycle::{self, Cycle},
    error::{Error, Result},
    job::Job,
    lease::Held,
    pace, prune, verify, view,
};
use crate::{
    clouds::{
        error::{Error as CloudError, Kind},
        guard::SHORT,
    },
    state::{Node, now},
    store::{
        member_leases::MemberClaim,
        members,
        points::{self, Done, StoredPoint},
    },
};
use model::{Millis, protection::ReplicationState};

/// Runs it and writes down how it went. Nobody's turn while a run holds the member or its group is paused.
pub async fn take(node: &Node, member_id: &str) {
    let slot = node.replication.slot(member_id);
    let Ok(_busy) = slot.busy.try_lock() else { return };
    // Armed before the rows are read: whoever writes "held" or "paused" and then cancels is seen either way.
    let cancel = slot.arm(&node.stopping);
    let held = match Held::claim(node, member_id, None).await {
        Ok(Some(held)) => held,
        // Another node is at it, or a run has the member.
        Ok(None) => return,
        Err(error) => return tracing::warn!(%member_id, %error, "the store does not answer"),
    };
    let claim = held.claim.clone();
    let work = async {
        match Job::under(&claim, node, slot.clone()).await? {
            job if is_ours(&job) => turn(&job, &cancel).await,
            _ => Err(Error::Cancelled),
        }
    };
    let outcome = held.during(work).await;
    slot.show(None);
    if let Err(error) = note(node, &claim, outcome).await {
        tracing::warn!(%member_id, %error, "the outcome of a cycle could not be written down");
    }
}

fn is_ours(job: &Job) -> bool {
    job.member.held_by.is_none() && !job.member.group_paused && job.member.state != ReplicationState::Recovered
}

async fn turn(job: &Job, cancel: &tokio_util::sync::CancellationToken) -> Result<()> {
    autostart::ensure_off(job).await?;
    verify::returned(job).await?;
    let newest = points::newest(&job.node.db, &job.member.id).await?;
    if let Some(newest) = newest.filter(|p| is_final(job, p))
        && stays_current(job, &newest).await?
    {
        return Ok(());
    }
    let tell = |t| job.show(Some(t));
    let Cycle { bytes, full, took_ms, .. } = cycle::run(job, &tell, cancel).await?;
    tracing::debug!(member = %job.member.name, bytes, full, took_ms, "cycle");
    if let Err(error) = prune::expired(job).await {
        tracing::warn!(member = %job.member.name, %error, "old recovery points stay for now");
    }
    Ok(())
}

/// Was the newest point taken while the machine was off, and was nothing seen of it since?
fn is_final(job: &Job, newest: &StoredPoint) -> bool {
    job.member.final_point_id.as_ref() == Some(&newest.id)
        && job.member.state == ReplicationState::Replicating
        && newest.source_point.is_some()
        && job.work.changed_at <= newest.taken_at
}

/// A machine that is off writes nothing: its newest point shows this instant too, but only when it was looked at.
async fn stays_current(job: &Job, newest: &StoredPoint) -> Result<bool> {
    let Some(power) = job.source.cloud().power() else { return Ok(false) };
    let at = now();
    if !job.at_source("state", SHORT, power.state(&job.work.native_id)).await?.is_off() {
        return Ok(false);
    }
    let member = &job.member;
    let done = Done {
        claim: job.claim.clone(),
        held_by: None,
        took_ms: member.last_cycle_ms.unwrap_or(0),
        bytes: member.last_cycle_bytes.unwrap_or(0).unsigned_abs(),
        off: true,
    };
    Ok(points::extend(&job.node.db, newest, None, at, newest.committed_at.max(at), &done).await?)
}

async fn note(node: &Node, claim: &MemberClaim, outcome: Result<()>) -> Result<()> {
    match outcome {
        Ok(()) | Err(Error::Cancelled | Error::Lost) => {}
        Err(error) => fail(node, claim, &error).await?,
    }
    view::publish(node, &claim.member_id).await
}

async fn fail(node: &Node, claim: &MemberClaim, error: &Error) -> Result<()> {
    let Some(member) = members::get(&node.db, &claim.member_id).await? else { return Ok(()) };
    let at = now();
    let failures = pace::failures(member.error_since, at).max(1);
    let wait = if error.may_heal() { pace::pause(failures, error.wait()) } else { pace::pause(u32::MAX, None) };
    let next = at + Millis::try_from(wait.as_millis()).unwrap_or(Millis::MAX / 2);
    tracing::warn!(member = %member.name, %error, wait_s = wait.as_secs(), "cycle failed");
    Ok(members::failed(&node.db, claim, &explain(error), at, next).await?)
}

/// In the cloud's words, and what to do where it is for a person to do something.
fn explain(error: &Error) -> String {
    match error {
        Error::Cloud(CloudError { kind: Kind::Full, message, .. }) => format!(
            "{message} Free space there, keep fewer recovery points, or map the disks to another pool. Nothing is lost: the earlier \
             recovery points stay usable, and it goes on by itself when there is room."
        ),
        Error::Cloud(CloudError { kind: Kind::NotFound, message, .. }) => {
            format!("{message} If the machine was removed on purpose, take it out of its protection group.")
        }
        Error::Cloud(CloudError { kind: Kind::Auth, message, .. }) => format!("{message} Check the credentials and rights under Clouds."),
        other => other.to_string(),
    }
}
