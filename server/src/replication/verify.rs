//! Rows whose points are gone at their cloud: somebody removed them there, or a write of a killed node came late.
//!
//! A row that promises a point which is not there is a lie on the screen and a dead end for the next cycle.

use super::{
    error::{Error, Result},
    job::Job,
};
use crate::{
    clouds::{
        error::{Error as CloudError, Kind},
        guard::SHORT,
    },
    store::points,
};

/// After a cycle that did not find what it builds on: forgets what is gone, and says so instead of "not found".
pub async fn after(job: &Job, error: Error) -> Error {
    if !matches!(&error, Error::Cloud(e) if e.kind == Kind::NotFound) {
        return error;
    }
    match forget_gone(job).await {
        Ok(0) | Err(_) => error,
        Ok(gone) => {
            let name = &job.target.name;
            CloudError::transient(format!("{gone} recovery points were removed at {name} by somebody else. A full pass follows.")).into()
        }
    }
}

async fn forget_gone(job: &Job) -> Result<usize> {
    let mut gone = 0;
    let all = points::all(&job.node.db, &job.member.id).await?;
    for point in all.iter().filter(|p| p.cloud_id == job.work.target_cloud_id && !p.deleting) {
        if job.at_target("look at point", SHORT, job.disk_sink()?.exists(&point.sink_ref)).await? {
            continue;
        }
        tracing::error!(member = %job.member.name, point = %point.id, seq = point.seq, "a recovery point is gone at its cloud");
        points::remove(&job.node.db, &point.id).await?;
        gone += 1;
    }
    Ok(gone)
}
