//! The facet `DiskSink`: recovery points as images in Glance.
//!
//! Glance takes whole images only and changes none. So the first point of a machine is a whole qcow2 image, and each
//! further one an image that holds only what changed, with the id of the one below in a property; nothing is based on
//! another image in the sense of QEMU, which Glance and Nova refuse. What a machine is to boot is put together from
//! such a chain when it is created ([`merge`]), by this node, without a copy on its disk.

pub mod merge;
mod names;
mod point;
mod tidy;

pub use names::{DISK, Point, PointDisk};

use super::{OpenStack, images};
use crate::clouds::{
    BeginPoint, DiskSink, Shortened, SinkPoint, SinkRef,
    error::{Error, Result},
};
use async_trait::async_trait;

/// Each link costs a request or two when the chain is put together; the deltas of a day are not worth more.
const MAX_CHAIN: u32 = 12;

#[async_trait]
impl DiskSink for OpenStack {
    async fn begin(&self, request: BeginPoint) -> Result<Box<dyn SinkPoint>> {
        tidy::unfinished(&self.link, &request.lineage).await?;
        Ok(Box::new(point::begin(self.link.clone(), request).await?))
    }

    async fn exists(&self, point: &SinkRef) -> Result<bool> {
        for disk in &point.read::<Point>()?.disks {
            if !images::get(&self.link, &disk.image).await?.is_some_and(|image| image.is_complete()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn delete(&self, point: &SinkRef) -> Result<()> {
        let point = point.read::<Point>()?;
        let family = images::list(&self.link, &[(images::KIND, names::KIND), (images::LINEAGE, &point.lineage)]).await?;
        let is_base =
            |image: &images::Image| image.property(images::PARENT).is_some_and(|id| point.disks.iter().any(|disk| disk.image == id));
        if family.iter().any(is_base) {
            return Err(Error::conflict("Other recovery points are based on this one."));
        }
        for disk in &point.disks {
            images::delete(&self.link, &disk.image).await?;
        }
        Ok(())
    }

    /// Images cannot be merged at the cloud: the point is made to stand alone.
    async fn shorten(&self, chain: &[SinkRef]) -> Result<Shortened> {
        let Some(point) = chain.first() else { return Err(Error::permanent("There is no point to shorten.")) };
        let alone = point::flatten(&self.link, &point.read::<Point>()?).await?;
        Ok(Shortened { point: SinkRef::of(&alone), on: None })
    }

    fn max_chain(&self) -> u32 {
        MAX_CHAIN
    }

    async fn tidy(&self, lineage: &str, keep: &[SinkRef]) -> Result<()> {
        let keep = keep.iter().map(SinkRef::read::<Point>).collect::<Result<Vec<_>>>()?;
        tidy::tidy(self, lineage, &keep).await
    }
}
