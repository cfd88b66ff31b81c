//! Making a point rest further down, before its chain gets too long for the target.

use super::{
    error::{Error, Result},
    job::Job,
};
use crate::{
    clouds::{SinkRef, error::Error as CloudError},
    store::points::{self, StoredPoint},
};
use std::time::Duration;

/// The target may have to copy a whole disk for it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The earlier form stays at the target until the row names the new one: killed in between, one of the two is tidied.
///
/// # Errors
/// Of the target or the store; then the point stays as it was.
pub async fn shorten(job: &Job, point: &StoredPoint) -> Result<StoredPoint> {
    let chain = points::chain(&job.node.db, point).await?;
    let refs: Vec<SinkRef> = chain.iter().map(|one| one.sink_ref.clone()).collect();
    let done = job.at_target("shorten", PATIENCE, job.disk_sink()?.shorten(&refs)).await?;
    let below = match done.on {
        None => None,
        Some(index) => Some(
            chain[1..].get(index.wrapping_sub(1)).ok_or_else(|| CloudError::permanent("A point cannot rest on what is not below it."))?,
        ),
    };
    let new = StoredPoint {
        sink_ref: done.point,
        parent_id: below.map(|one| one.id.clone()),
        depth: below.map_or(0, |one| one.depth + 1),
        ..point.clone()
    };
    if !points::rests(&job.node.db, &job.claim, &new).await? {
        return Err(Error::Lost);
    }
    if new.sink_ref != point.sink_ref {
        let old = job.at_target("delete point", PATIENCE, job.disk_sink()?.delete(&point.sink_ref)).await;
        job.slot.set_tidied(old.is_ok());
    }
    Ok(new)
}
