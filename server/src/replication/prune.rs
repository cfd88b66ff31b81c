//! Deleting recovery points: at their cloud first, then the row, so that nothing is left that no row knows.

use super::{error::Result, job::Job, retention};
use crate::{
    clouds::{
        error::{Error, Kind},
        guard::LONG,
    },
    inventory::alarms::clock_for_ages,
    state::Node,
    store::points::{self, StoredPoint},
};
use model::Id;

/// Deletes what the policy of the member has no more use for.
///
/// # Errors
/// Of the cloud or the store; what was not deleted is tried again after the next cycle.
pub async fn expired(job: &Job) -> Result<()> {
    let db = &job.node.db;
    let all = points::all(db, &job.member.id).await?;
    for id in retention::expired(&all, &job.work.policy, clock_for_ages(&job.node)) {
        let Some(point) = all.iter().find(|p| p.id == id) else { continue };
        if points::doom(db, &id).await? {
            delete(&job.node, point).await?;
        }
    }
    Ok(())
}

/// Deletes what a crash or the end of a member left marked. Answers the members that it belonged to.
pub async fn doomed(node: &Node) -> Result<Vec<Id>> {
    let mut touched = vec![];
    for point in points::doomed(&node.db).await? {
        if !points::doom(&node.db, &point.id).await? {
            continue;
        }
        match delete(node, &point).await {
            Ok(()) => touched.push(point.member_id),
            Err(error) => tracing::debug!(point = %point.id, %error, "a recovery point stays until its cloud answers"),
        }
    }
    Ok(touched)
}

async fn delete(node: &Node, point: &StoredPoint) -> Result<()> {
    let silent = || Error::transient("The cloud that keeps the recovery point is not connected.");
    let Some(cloud) = node.clouds.get(&point.cloud_id) else {
        // A cloud that was removed from the console takes its points with it.
        if crate::store::groups::clouds(&node.db).await?.iter().all(|c| c.id != point.cloud_id) {
            points::remove(&node.db, &point.id).await?;
            return Ok(());
        }
        return Err(silent().into());
    };
    let sink = cloud.cloud().disk_sink().ok_or_else(|| Error::lacks("keep recovery points"))?;
    match cloud.run("delete point", LONG, sink.delete(&point.sink_ref)).await {
        Ok(()) => {}
        Err(e) if e.kind == Kind::NotFound => {}
        Err(e) => {
            if e.kind == Kind::Conflict {
                // Something that we do not know of is based on it.
                points::spare(&node.db, &point.id).await?;
            }
            return Err(e.into());
        }
    }
    points::remove(&node.db, &point.id).await?;
    Ok(())
}
