//! The facet `DiskSink`: recovery points as snapshots of EBS, written block by block.
//!
//! A snapshot that is started with a parent holds what the parent held, and only what is put costs time and room; each is a whole
//! one by itself nevertheless, and any may be deleted. So nothing has to be put together when a machine is made, and shortening
//! a chain is nothing but a word.

mod assemble;
mod names;
mod point;
pub mod snapshots;
mod tidy;

pub use names::{Point, PointDisk};
pub use point::{complete, start};

use super::Ec2;
use crate::clouds::{
    BeginPoint, DiskSink, Shortened, SinkPoint, SinkRef,
    error::{Error, Result},
};
use async_trait::async_trait;

/// Points below one are kept as long as it is: they are let go after so many, which costs nothing here.
const MAX_CHAIN: u32 = 4;

#[async_trait]
impl DiskSink for Ec2 {
    async fn begin(&self, request: BeginPoint) -> Result<Box<dyn SinkPoint>> {
        tidy::unfinished(&self.link, &request.lineage).await?;
        Ok(Box::new(point::begin(self.link.clone(), request).await?))
    }

    async fn exists(&self, point: &SinkRef) -> Result<bool> {
        let point = point.read::<Point>()?;
        let ids: Vec<&str> = point.disks.iter().map(|disk| disk.snapshot.as_str()).collect();
        let seen = snapshots::by_id(&self.link, &ids).await?;
        Ok(seen.len() == ids.len() && seen.iter().all(snapshots::is_whole))
    }

    async fn delete(&self, point: &SinkRef) -> Result<()> {
        for disk in &point.read::<Point>()?.disks {
            snapshots::delete(&self.link, &disk.snapshot).await?;
        }
        Ok(())
    }

    /// It rests on nothing as it is.
    async fn shorten(&self, chain: &[SinkRef]) -> Result<Shortened> {
        let point = chain.first().ok_or_else(|| Error::permanent("There is no point to shorten."))?;
        if !self.exists(point).await? {
            return Err(Error::not_found("The recovery point is gone."));
        }
        Ok(Shortened { point: point.clone(), on: None })
    }

    fn max_chain(&self) -> u32 {
        MAX_CHAIN
    }

    async fn tidy(&self, lineage: &str, keep: &[SinkRef]) -> Result<()> {
        let keep = keep.iter().map(SinkRef::read::<Point>).collect::<Result<Vec<_>>>()?;
        tidy::tidy(self, lineage, &keep).await
    }
}
