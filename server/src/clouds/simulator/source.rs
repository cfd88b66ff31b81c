//! Consistent points of simulated machines, with the blocks that changed since an earlier one.

use super::{
    super::{
        DiskShape, DiskSource, Extent, MAX_READ, OpenPoint, PointRef, SourcePoint,
        error::{Error, Result},
    },
    Simulator,
    disk::Image,
    vm::{Tracked, now},
};
use async_trait::async_trait;
use bytes::Bytes;
use model::Millis;
use std::{collections::BTreeSet, time::Duration};

struct Point {
    cloud: Simulator,
    native_id: String,
    name: String,
    since: Option<PointRef>,
    others: Vec<PointRef>,
    taken_at: Millis,
    shapes: Vec<DiskShape>,
    images: Vec<Image>,
    /// For each disk; `None`: everything.
    dirty: Option<Vec<BTreeSet<u64>>>,
}

#[async_trait]
impl DiskSource for Simulator {
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>> {
        let taken_at = now();
        self.look("open", |state| {
            let vm = state.vm(native_id)?;
            vm.settle();
            // What an interrupted cycle left: every point but those that a sink has.
            vm.tracked.retain(|t| request.others.iter().chain(&request.since).any(|kept| kept.0 == t.name));
            let dirty = vm.tracked.iter().find(|t| request.since.as_ref().is_some_and(|s| s.0 == t.name)).map(|t| t.dirty.clone());
            let images = vm.images().to_vec();
            vm.tracked.push(Tracked { name: request.token.clone(), dirty: vec![BTreeSet::new(); images.len()] });
            let shape = |d: &model::machine::Disk| DiskShape { key: d.key.clone(), size_bytes: d.size_bytes };
            let shapes = vm.shown().disks.iter().map(shape).collect();
            let (cloud, native_id, name, others) = (self.clone(), native_id.to_owned(), request.token, request.others);
            Ok(Box::new(Point { cloud, native_id, name, since: request.since, others, taken_at, shapes, images, dirty })
                as Box<dyn SourcePoint>)
        })
        .await
    }

    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()> {
        self.act("tidy", (), |state| {
            state.vm(native_id)?.tracked.retain(|t| keep.iter().any(|k| k.0 == t.name));
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl SourcePoint for Point {
    fn reference(&self) -> PointRef {
        PointRef(self.name.clone())
    }
    fn taken_at(&self) -> Millis {
        self.taken_at
    }
    fn incremental(&self) -> bool {
        self.dirty.is_some()
    }
    fn disks(&self) -> &[DiskShape] {
        &self.shapes
    }

    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        self.cloud.look("extents", |_| Ok(())).await?;
        let image = self.images.get(disk).ok_or_else(no_disk)?;
        Ok(match &self.dirty {
            Some(dirty) => image.extents_of(&dirty[disk]),
            None => image.extents(),
        })
    }

    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        if length > MAX_READ {
            return Err(Error::permanent(format!("A read of {length} bytes is above the limit of {MAX_READ}.")));
        }
        self.cloud.look("read", |_| Ok(())).await?;
        self.cloud.pace(length.into()).await;
        Ok(self.images.get(disk).ok_or_else(no_disk)?.read(offset, length as usize).into())
    }

    async fn close(self: Box<Self>, keep: bool) -> Result<()> {
        let since = self.since.as_ref().map(|s| &s.0);
        self.cloud
            .act("close", (), |state| {
                let kept = if keep { Some(&self.name) } else { since };
                state.vm(&self.native_id)?.tracked.retain(|t| Some(&t.name) == kept || self.others.iter().any(|o| o.0 == t.name));
                Ok(())
            })
            .await
    }
}

fn no_disk() -> Error {
    Error::permanent("The machine has no such disk.")
}

impl Simulator {
    /// As long as the bytes would take on their way.
    pub(super) async fn pace(&self, bytes: u64) {
        if self.config.throughput > 0 {
            tokio::time::sleep(Duration::from_secs_f64(bytes as f64 / self.config.throughput as f64)).await;
        }
    }
}
