//! The facet `DiskSink`: recovery points as chains of qcow2 files in a storage pool, written by libvirt's own streams.
//! No agent is needed at the host, and no shared storage.
//!
//! A point is complete when its marker exists: an empty file that is made after all its disks were taken. Whatever
//! lacks one was torn, is never used and is removed by the next cycle.

mod alone;
mod chain;
mod clean;
mod lines;
mod merge;
pub mod names;
mod point;
pub mod pools;
mod rest;
mod shorten;
mod sync;
mod upload;

pub use lines::Lines;

use super::Libvirt;
use crate::clouds::{BeginPoint, DiskSink, Shortened, SinkPoint, SinkRef, error::Result};
use async_trait::async_trait;
use names::Point;

/// libvirt refuses to start on some 30 files; a machine adds one, and so does what merges them.
const MAX_CHAIN: u32 = 12;

#[async_trait]
impl DiskSink for Libvirt {
    async fn begin(&self, request: BeginPoint) -> Result<Box<dyn SinkPoint>> {
        point::begin(self, request).await
    }

    async fn exists(&self, point: &SinkRef) -> Result<bool> {
        let point = Point::parse(point)?;
        self.link
            .call(move |conn| {
                let there =
                    |pool: &str, name: &str| match conn.pool(pool).and_then(|pool| pool.volume(name)).and_then(|volume| volume.sizes()) {
                        Ok(_) => Ok(true),
                        Err(fault) if fault.is_missing() || fault.says("No such file") => Ok(false),
                        Err(fault) => Err(fault),
                    };
                for disk in &point.disks {
                    if !there(&disk.pool, &disk.volume)? {
                        return Ok(false);
                    }
                }
                there(&point.pool, &point.marker())
            })
            .await
    }

    async fn delete(&self, point: &SinkRef) -> Result<()> {
        let point = Point::parse(point)?;
        self.link.run(move |conn| clean::delete(conn, &point)).await
    }

    async fn shorten(&self, chain: &[SinkRef]) -> Result<Shortened> {
        let chain = chain.iter().map(Point::parse).collect::<Result<Vec<_>>>()?;
        self.link.run(move |conn| shorten::shorten(conn, &chain)).await
    }

    fn max_chain(&self) -> u32 {
        MAX_CHAIN
    }

    async fn tidy(&self, lineage: &str, keep: &[SinkRef]) -> Result<()> {
        let keep = keep.iter().map(Point::parse).collect::<Result<Vec<_>>>()?;
        let lineage = lineage.to_owned();
        self.link.run(move |conn| clean::tidy(conn, &lineage, &keep)).await
    }
}
