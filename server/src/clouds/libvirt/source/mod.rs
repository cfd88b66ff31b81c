//! The facet `DiskSource`: a checkpoint and a pull-mode backup make one instant over all disks, read over NBD.
//!
//! - running machine: a new checkpoint at each point; the one before is dropped when the point is kept, those of other
//!   recovery targets stay;
//! - stopped machine: its reader ([`super::reader`]) serves the disks; no checkpoint is made, since the last one goes on
//!   counting. A point may then repeat some of what the one before sent: never less than what changed.
//!
//! Names: checkpoints are `crossfade-<token>`; a reference is such a name, for a stopped machine followed by `~` and
//! the token, so that it stays unique.

mod begin;
mod check;
pub mod clean;
mod extents;
pub mod plan;
mod point;
mod room;
mod still;

pub use still::Still;

use super::{Libvirt, tls};
use crate::clouds::{
    DiskSource, OpenPoint, PointRef, SourcePoint,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use begin::{Begun, Terms};
use model::Problem;

#[async_trait]
impl DiskSource for Libvirt {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        let config = &self.link.config;
        let host =
            config.nbd_host.clone().ok_or_else(|| Error::permanent("nbd_host: where the disks of this host can be read is not known"))?;
        let tls = match (&config.pki, config.nbd_tls()) {
            (Some(pki), true) => Some(tls::strict(pki)?),
            (None, true) => return Err(Error::new(Kind::Unsupported, "Reading disks needs ca, cert and key, or the switch 'insecure'.")),
            (_, false) => None,
        };
        let terms = Terms { host: host.clone(), ports: config.nbd_ports.clone(), tls: tls.is_some(), still: self.still.clone() };
        let uuid = native_id.to_owned();
        let begun = self.link.run(move |conn| begin::begin(conn, &uuid, request, &terms)).await?;
        point::Point::open(self.link.clone(), self.still.clone(), begun, &host, tls).await
    }

    async fn check(&self, native_id: &str) -> Result<Vec<Problem>> {
        let uuid = native_id.to_owned();
        self.link.run(move |conn| check::look(conn, &uuid)).await
    }

    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()> {
        let (uuid, keep) = (native_id.to_owned(), checkpoints_of(keep));
        self.link.run(move |conn| clean::tidy(conn, &uuid, &keep)).await
    }
}

fn checkpoints_of(references: &[PointRef]) -> Vec<String> {
    references.iter().map(checkpoint_of).collect()
}

/// The checkpoint that a reference stands for.
fn checkpoint_of(reference: &PointRef) -> String {
    reference.0.split('~').next().unwrap_or_default().to_owned()
}
