//! The facet `DiskSource`: one instant of an instance by snapshots of all its volumes at once, read by EBS direct.
//!
//! The snapshots of the last point stay, so that EBS tells which blocks differ from them: nothing else is read. They hold nothing
//! that they do not share with the volume but what changed since.

mod begin;
mod point;
mod taken;

use super::{Ec2, inventory};
use crate::clouds::{DiskSource, OpenPoint, PointRef, SourcePoint, error::Result};
use async_trait::async_trait;
use model::{Problem, Severity};

#[async_trait]
impl DiskSource for Ec2 {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        Ok(Box::new(begin::open(&self.link, native_id, request).await?))
    }

    async fn check(&self, native_id: &str) -> Result<Vec<Problem>> {
        let seen = inventory::instance(&self.link, native_id).await?;
        let in_the_way = begin::in_the_way(&seen);
        Ok(in_the_way
            .into_iter()
            .map(|(what, remedy)| Problem::new(Severity::Critical, inventory::instance::name(&seen), what, remedy))
            .collect())
    }

    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()> {
        taken::tidy(&self.link, native_id, keep).await
    }
}
