//! Making a point independent of the ones below it, before its chain gets too long for the target.

use super::{
    error::{Error, Result},
    job::Job,
};
use crate::store::points::{self, StoredPoint};
use std::time::Duration;

/// The target copies the whole disk for it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The earlier form stays at the target until the row names the new one: killed in between, one of the two is tidied.
///
/// # Errors
/// Of the target or the store; then the point stays as it was.
pub async fn flatten(job: &Job, point: &StoredPoint) -> Result<StoredPoint> {
    let flat = job.at_target("flatten", PATIENCE, job.disk_sink()?.flatten(&point.sink_ref)).await?;
    if !points::flattened(&job.node.db, &job.claim, &point.id, &flat).await? {
        return Err(Error::Lost);
    }
    if flat != point.sink_ref {
        let old = job.at_target("delete point", PATIENCE, job.disk_sink()?.delete(&point.sink_ref)).await;
        job.slot.set_tidied(old.is_ok());
    }
    Ok(StoredPoint { sink_ref: flat, parent_id: None, depth: 0, ..point.clone() })
}
