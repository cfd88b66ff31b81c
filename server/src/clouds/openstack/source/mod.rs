//! The facet `DiskSource`: one instant of a machine by Nova's snapshot and Cinder's, read from Glance.
//!
//! Nova tells nobody which blocks changed. So with each point a list of hashes is kept in Glance, 16 bytes for each
//! 64 KiB of the disk, and the next point sends only what differs. The snapshot itself is read whole by this node each
//! time, and removed when the point ends; `docs/clouds/openstack.md` says what that costs.
//!
//! Neither service takes one instant over several disks for a plain member: a running machine is paused meanwhile, where
//! that is short (`together`, `pause`); the disks of a stopped one do not differ.

mod begin;
mod disk;
mod hashes;
mod pause;
#[cfg(test)]
mod pause_tests;
mod point;
mod together;
mod volumes;

pub use begin::tidy;
pub use pause::{Notes, over as pause_over};

use super::{OpenStack, inventory};
use crate::clouds::{DiskSource, OpenPoint, PointRef, SourcePoint, error::Result};
use async_trait::async_trait;
use model::Problem;

#[async_trait]
impl DiskSource for OpenStack {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        Ok(Box::new(begin::open(self, native_id, request).await?))
    }

    async fn check(&self, native_id: &str) -> Result<Vec<Problem>> {
        let server = inventory::server(&self.link, native_id).await?;
        Ok(together::told(&server, together::way(&self.link, &server).await?).into_iter().collect())
    }

    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()> {
        inventory::path(native_id)?;
        begin::tidy(&self.link, native_id, keep).await
    }
}
