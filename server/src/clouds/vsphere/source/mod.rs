//! The facet `DiskSource`: one instant of a machine by a snapshot, what changed by changed block tracking, and the data by HTTP
//! from the datastore, or by an export lease where the disks are no files of their own.
//!
//! While the snapshot exists the files below it stand still. It goes when the point ends; what the tracker called this instant (a
//! *change id* for each disk) is kept in the machine's own configuration, for the next point to ask what changed since.

mod areas;
mod begin;
mod export;
mod ids;
mod point;
mod snapshots;

use super::{Vsphere, link::Ref, probe, props};
use crate::clouds::{
    DiskSource, OpenPoint, PointRef, SourcePoint,
    error::{Kind, Result},
};
use async_trait::async_trait;
use model::{Problem, Severity};

#[async_trait]
impl DiskSource for Vsphere {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        Ok(Box::new(begin::open(&self.link, native_id, request).await?))
    }

    async fn check(&self, native_id: &str) -> Result<Vec<Problem>> {
        let machine = Ref::machine(native_id);
        let seen = props::one(&self.link, &machine, begin::PATHS).await?;
        let mut found = begin::problems(&seen);
        let needed = ["VirtualMachine.State.CreateSnapshot", "VirtualMachine.State.RemoveSnapshot", "Datastore.Browse"];
        let lacking = probe::lacks(&self.link, &machine, &needed).await?;
        if !lacking.is_empty() {
            let what = format!("The privileges {} are missing on it.", lacking.join(", "));
            found.push(Problem::new(Severity::Critical, "privileges", what, "docs/clouds/vsphere.md has the whole role."));
        }
        Ok(found)
    }

    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()> {
        match begin::tidy(&self.link, &Ref::machine(native_id), keep).await {
            // With the machine all of it is gone.
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            other => other,
        }
    }
}
