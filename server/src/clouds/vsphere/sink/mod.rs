//! The facet `DiskSink`: recovery points as files on a datastore.
//!
//! Over HTTP a datastore takes whole files only. So the first point of a machine is a whole qcow2 file for each disk, and each
//! further one a file that holds only what changed; `qemu-img rebase -u` puts them on each other without Crossfade. What a
//! machine is to boot is put together from such a chain when it is created, through this node's memory.

mod chain;
mod merge;
mod names;
mod point;
mod tidy;

pub use chain::Chain;
pub use names::Point;

use super::{Vsphere, files, inventory::places};
use crate::clouds::{
    BeginPoint, DiskSink, Shortened, SinkPoint, SinkRef,
    error::{Error, Result},
};
use async_trait::async_trait;

/// Each link costs some requests when the chain is put together.
const MAX_CHAIN: u32 = 16;

#[async_trait]
impl DiskSink for Vsphere {
    async fn begin(&self, request: BeginPoint) -> Result<Box<dyn SinkPoint>> {
        let places = places::look(&self.link).await?;
        tidy::unfinished(&self.link, &places, &self.link.config.place, &request.lineage).await?;
        Ok(Box::new(point::begin(&self.link, &places, request).await?))
    }

    async fn exists(&self, point: &SinkRef) -> Result<bool> {
        let point = point.read::<Point>()?;
        let places = places::look(&self.link).await?;
        let Ok(store) = chain::store(&places, &point) else { return Ok(false) };
        let files = files::list(&self.link, &store, &names::folder(&point.lineage)).await?;
        Ok(tidy::is_whole(&files, &point.id()))
    }

    async fn delete(&self, point: &SinkRef) -> Result<()> {
        let point = point.read::<Point>()?;
        let places = places::look(&self.link).await?;
        tidy::delete(&self.link, &chain::store(&places, &point)?, &point).await
    }

    async fn shorten(&self, chain: &[SinkRef]) -> Result<Shortened> {
        if chain.len() < 2 {
            return Err(Error::permanent("There is nothing below this point to shorten it on."));
        }
        let points = chain.iter().map(SinkRef::read::<Point>).collect::<Result<Vec<_>>>()?;
        merge::shorten(&self.link, &points).await
    }

    fn max_chain(&self) -> u32 {
        MAX_CHAIN
    }

    async fn tidy(&self, lineage: &str, keep: &[SinkRef]) -> Result<()> {
        let keep = keep.iter().map(SinkRef::read::<Point>).collect::<Result<Vec<_>>>()?;
        let places = places::look(&self.link).await?;
        tidy::tidy(&self.link, &places, &self.link.config.place, lineage, &keep).await
    }
}
