//! Making a point anew on top of one further below: what lies between is put into one file.

use super::{
    super::{inventory::places, link::Link},
    chain::{self, Chain},
    names::{self, Point},
    point, tidy,
};
use crate::clouds::{
    DiskShape, Extent, MAX_READ, Shortened, SinkDisk, SinkPoint, SinkRef,
    error::{Error, Result},
};
use std::sync::Arc;

/// `points`: the nearest first. The deltas go onto the whole point at the bottom, unless they hold more than half of what it
/// does: then a whole one is made.
pub async fn shorten(link: &Arc<Link>, points: &[Point]) -> Result<Shortened> {
    let nothing = || Error::permanent("There is no point to shorten.");
    let (top, below) = (points.first().ok_or_else(nothing)?, points.last().ok_or_else(nothing)?);
    let store = chain::store(&places::look(link).await?, top)?;
    let chain = Chain::open(link, store.clone(), top).await?;
    let count = chain.top().map_or(0, |one| one.disks.len());
    let base = chain.manifests.iter().position(|one| one.point.id() == below.id()).ok_or_else(nothing)?;
    let data = |extents: &[Extent]| extents.iter().filter(|one| !one.zero).map(|one| one.length).sum::<u64>();
    let mut changed = 0;
    for disk in 0..count {
        changed += data(&chain.disk(disk, base + 1)?.extents(true));
    }
    let whole: u64 = chain.manifests[base].disks.iter().map(|disk| data(&disk.extents)).sum();
    let on = (changed * 2 <= whole || chain.manifests[base].point.parent.is_some()).then_some(points.len() - 1);
    let first = on.map_or(0, |_| base + 1);
    let parent = on.map(|_| below.id());
    let made = Point { token: format!("{}-short", top.token), parent, ..top.clone() };
    let there = super::files::list(link, &store, &names::folder(&top.lineage)).await?;
    if !tidy::is_whole(&there, &made.id()) {
        copy(link, &chain, &made, store, count, first).await?;
    }
    Ok(Shortened { point: SinkRef::of(&made), on })
}

async fn copy(link: &Arc<Link>, chain: &Chain, made: &Point, store: places::Store, count: usize, first: usize) -> Result<()> {
    let mut disks = vec![];
    for number in 0..count {
        let merged = chain.disk(number, first)?;
        let key = chain.top().and_then(|top| top.disks.get(number)).map(|disk| disk.key.clone()).unwrap_or_default();
        let shape = DiskShape { key, size_bytes: merged.size };
        disks.push(SinkDisk { shape, pool: None, extents: merged.extents(made.parent.is_some()) });
    }
    let mut incoming = Box::new(point::start(link, store, made.clone(), &disks).await?);
    for (number, disk) in disks.iter().enumerate() {
        let merged = chain.disk(number, first)?;
        for one in disk.extents.iter().filter(|one| !one.zero) {
            let mut done = 0;
            while done < one.length {
                let length = (one.length - done).min(MAX_READ.into());
                let data = merged.read(one.offset + done, length).await?;
                incoming.write(number, one.offset + done, data).await?;
                done += length;
            }
        }
    }
    incoming.commit().await.map(drop)
}
