//! The facet `DiskSource`: one instant of a machine by Nova's snapshot, read from Glance.
//!
//! Nova tells nobody which blocks changed. So with each point a list of hashes is kept in Glance, 16 bytes for each
//! 64 KiB of the disk, and the next point sends only what differs. The snapshot itself is read whole by this node each
//! time, and removed when the point ends; `docs/clouds/openstack.md` says what that costs.

mod begin;
mod hashes;
mod point;

use super::{OpenStack, inventory};
use crate::clouds::{DiskSource, OpenPoint, PointRef, SourcePoint, error::Result};
use async_trait::async_trait;

#[async_trait]
impl DiskSource for OpenStack {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        Ok(Box::new(begin::open(self, native_id, request).await?))
    }

    async fn tidy(&self, native_id: &str, keep: Option<&PointRef>) -> Result<()> {
        inventory::path(native_id)?;
        begin::tidy(&self.link, native_id, keep.map(|point| point.0.as_str())).await
    }
}
