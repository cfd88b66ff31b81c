//! Recovery points at a simulated cloud. A point keeps whole images that share their blocks; which point is based on
//! which is kept only to refuse what a real chain refuses.

use super::{
    super::{
        BeginPoint, DiskSink, Shortened, SinkPoint, SinkRef,
        error::{Error, Kind, Result},
    },
    Simulator,
    disk::Image,
    world::State,
};
use async_trait::async_trait;
use bytes::Bytes;

const MAX_CHAIN: u32 = 16;

pub struct Point {
    pub lineage: String,
    pub parent: Option<String>,
    pub images: Vec<Image>,
}

struct Upload {
    cloud: Simulator,
    token: String,
    lineage: String,
    parent: Option<String>,
    images: Vec<Image>,
}

#[async_trait]
impl DiskSink for Simulator {
    async fn begin(&self, request: BeginPoint) -> Result<Box<dyn SinkPoint>> {
        self.look("begin", |state| {
            if state.away.is_some() {
                return Err(Error::not_found("There is no storage pool for recovery points."));
            }
            let base = base(state, &request)?;
            state.uploads.retain(|_, lineage| *lineage != request.lineage);
            state.uploads.insert(request.token.clone(), request.lineage.clone());
            let upload = Upload {
                cloud: self.clone(),
                images: request.disks.iter().enumerate().map(|(i, d)| prepared(base.get(i), d)).collect(),
                parent: request.parent.map(|p| p.0),
                token: request.token,
                lineage: request.lineage,
            };
            Ok(Box::new(upload) as Box<dyn SinkPoint>)
        })
        .await
    }

    async fn exists(&self, point: &SinkRef) -> Result<bool> {
        self.look("exists", |state| Ok(state.points.contains_key(&point.0))).await
    }

    async fn delete(&self, point: &SinkRef) -> Result<()> {
        self.act("delete_point", (), |state| {
            if is_base(state, &point.0) {
                return Err(Error::conflict("Other points or a machine are based on this recovery point."));
            }
            state.points.remove(&point.0);
            Ok(())
        })
        .await
    }

    /// On the one at the bottom.
    async fn shorten(&self, chain: &[SinkRef]) -> Result<Shortened> {
        let point = chain.first().cloned().ok_or_else(|| Error::permanent("An empty chain."))?;
        let on = chain.len().checked_sub(1).filter(|bottom| *bottom > 0);
        let parent = on.map(|index| chain[index].0.clone());
        let done = Shortened { point: point.clone(), on };
        self.act("shorten", done.clone(), |state| {
            let found = state.points.get_mut(&point.0).ok_or_else(|| Error::not_found("The recovery point is not here."))?;
            found.parent = parent;
            Ok(done)
        })
        .await
    }

    fn max_chain(&self) -> u32 {
        MAX_CHAIN
    }

    async fn tidy(&self, lineage: &str, keep: &[SinkRef]) -> Result<()> {
        self.act("tidy_sink", (), |state| {
            state.uploads.retain(|_, l| l != lineage);
            let needed = needed(state, keep);
            state.points.retain(|id, p| p.lineage != lineage || needed.contains(id));
            Ok(())
        })
        .await
    }
}

fn base(state: &State, request: &BeginPoint) -> Result<Vec<Image>> {
    let Some(parent) = &request.parent else { return Ok(vec![]) };
    let point = state.points.get(&parent.0).ok_or_else(|| Error::not_found("The recovery point that it builds on is gone."))?;
    Ok(point.images.clone())
}

/// The parent's content at the size of now, with zeroes where the source has them.
fn prepared(base: Option<&Image>, disk: &super::super::SinkDisk) -> Image {
    let mut image = base.cloned().unwrap_or_default();
    image.size = disk.shape.size_bytes;
    disk.extents.iter().filter(|e| e.zero).for_each(|e| image.zero(e.offset, e.length));
    image
}

fn is_base(state: &State, point: &str) -> bool {
    let of_point = state.points.values().any(|p| p.parent.as_deref() == Some(point));
    of_point || state.machines.values().any(|vm| vm.base.as_deref() == Some(point))
}

/// These points, what they are based on, and what machines are based on.
fn needed(state: &State, keep: &[SinkRef]) -> std::collections::BTreeSet<String> {
    let of_machines = state.machines.values().filter_map(|vm| vm.base.clone());
    let mut left: Vec<String> = keep.iter().map(|k| k.0.clone()).chain(of_machines).collect();
    let mut needed = std::collections::BTreeSet::new();
    while let Some(id) = left.pop() {
        left.extend(state.points.get(&id).and_then(|p| p.parent.clone()));
        needed.insert(id);
    }
    needed
}

#[async_trait]
impl SinkPoint for Upload {
    async fn write(&mut self, disk: usize, offset: u64, data: Bytes) -> Result<()> {
        self.cloud.look("write", |state| if state.full { Err(full()) } else { Ok(()) }).await?;
        let image = self.images.get_mut(disk).ok_or_else(|| Error::permanent("The recovery point has no such disk."))?;
        image.write(offset, &data);
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<SinkRef> {
        let Self { cloud, token, lineage, parent, images } = *self;
        let reference = SinkRef(token.clone());
        cloud
            .act("commit", reference.clone(), |state| {
                if state.full {
                    return Err(full());
                }
                if state.uploads.remove(&token).is_none() {
                    return Err(Error::not_found("The upload is gone: the cloud lost it, or a later one took its place."));
                }
                state.points.insert(token, Point { lineage, parent, images });
                Ok(reference)
            })
            .await
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        self.cloud
            .act("abort", (), |state| {
                state.uploads.remove(&self.token);
                Ok(())
            })
            .await
    }
}

fn full() -> Error {
    Error::new(Kind::Full, "No space left in the pool (simulated).")
}
