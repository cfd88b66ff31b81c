//! The facet `DiskSource`: one instant of a machine by Nova's snapshot and Cinder's, read from Glance.
//!
//! Nova tells nobody which blocks changed. So with each point a list of hashes is kept in Glance, 16 bytes for each
//! 64 KiB of the disk, and the next point sends only what differs. The snapshot itself is read whole by this node each
//! time, and removed when the point ends; `docs/clouds/openstack.md` says what that costs.
//!
//! Neither service takes one instant over several disks for a plain member: the disks of a running machine follow each
//! other within moments, and those of a stopped one do not differ.

mod begin;
mod disk;
mod hashes;
mod point;
mod volumes;

pub use begin::tidy;

use super::{OpenStack, inventory};
use crate::clouds::{DiskSource, OpenPoint, PointRef, SourcePoint, error::Result};
use async_trait::async_trait;
use model::{Problem, Severity};

#[async_trait]
impl DiskSource for OpenStack {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        Ok(Box::new(begin::open(self, native_id, request).await?))
    }

    async fn check(&self, native_id: &str) -> Result<Vec<Problem>> {
        let server = inventory::server(&self.link, native_id).await?;
        Ok(apart(&server.name, server.volumes.len() + usize::from(server.image().is_some())).into_iter().collect())
    }

    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()> {
        inventory::path(native_id)?;
        begin::tidy(&self.link, native_id, keep).await
    }
}

fn apart(name: &str, disks: usize) -> Option<Problem> {
    (disks > 1).then(|| {
        let what = format!(
            "It has {disks} disks. OpenStack takes the snapshots of a running machine's disks one after the other, some seconds apart; of a stopped one they are exact."
        );
        let remedy = "Keep what must fit together (a database and its log) on one disk; a planned move ends with the machine stopped.";
        // Not a warning: those hold protection up, and one disk after the other is what there is.
        Problem::new(Severity::Info, name, what, remedy)
    })
}
