//! Rows whose points their cloud does not show: a pool that is away for a while, or somebody removed them there.
//!
//! Such a point is marked as missing: nothing is recovered from it or built on it, and the screens say so. It is not
//! forgotten: when its pool is back it is taken back. What stays away goes when it would have gone for its age.

use super::{
    error::{Error, Result},
    job::Job,
    view,
};
use crate::{
    clouds::{
        error::{Error as CloudError, Kind},
        guard::SHORT,
    },
    state::now,
    store::points,
};

/// After a cycle that did not find what it builds on: marks what is missing, and says so instead of "not found".
pub async fn after(job: &Job, error: Error) -> Error {
    if !matches!(&error, Error::Cloud(e) if e.kind == Kind::NotFound) {
        return error;
    }
    match mark_missing(job).await {
        Ok(0) | Err(_) => error,
        Ok(missing) => {
            let name = &job.target.name;
            let message = format!(
                "{missing} recovery points are missing at {name}: a storage pool is away, or somebody removed them. They are taken back \
                 when they return; a full pass follows."
            );
            CloudError::transient(message).into()
        }
    }
}

async fn mark_missing(job: &Job) -> Result<usize> {
    let mut missing = 0;
    let all = points::all(&job.node.db, &job.member.id).await?;
    let here = |p: &&points::StoredPoint| p.cloud_id == job.work.target_cloud_id && !p.deleting && p.missing_since.is_none();
    for point in all.iter().filter(here) {
        if job.at_target("look at point", SHORT, job.disk_sink()?.exists(&point.sink_ref)).await? {
            continue;
        }
        tracing::error!(member = %job.member.name, point = %point.id, seq = point.seq, "a recovery point is missing at its cloud");
        points::miss(&job.node.db, &point.id, now()).await?;
        missing += 1;
    }
    Ok(missing)
}

/// Takes back what is there again. A cloud that cannot tell leaves everything as it is.
///
/// # Errors
/// Of the store.
pub async fn returned(job: &Job) -> Result<()> {
    let mut back = 0;
    for point in points::missing(&job.node.db, &job.member.id).await?.iter().filter(|p| p.cloud_id == job.work.target_cloud_id) {
        if let Ok(true) = job.at_target("look at point", SHORT, job.disk_sink()?.exists(&point.sink_ref)).await {
            points::found(&job.node.db, &point.id).await?;
            back += 1;
        }
    }
    if back > 0 {
        tracing::info!(member = %job.member.name, back, "recovery points that were missing are there again");
        view::publish(&job.node, &job.member.id).await?;
    }
    Ok(())
}
