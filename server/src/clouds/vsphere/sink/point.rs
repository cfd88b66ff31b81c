//! A recovery point on its way: one file for each disk, each sent front to back, and the manifest at the end.

use super::{
    super::{
        files::{self, Upload},
        inventory::places::{self, Places, Store},
        link::Link,
        qcow2::{CLUSTER, Layout},
    },
    chain, names,
    names::{Manifest, Point, PointDisk},
};
use crate::clouds::{
    BeginPoint, SinkDisk, SinkPoint, SinkRef,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use bytes::Bytes;
use model::Mapping;
use std::sync::Arc;

const GAP: Bytes = Bytes::from_static(&[0; CLUSTER as usize]);
pub struct Incoming {
    link: Arc<Link>,
    store: Store,
    manifest: Manifest,
    disks: Vec<Stage>,
}

/// An upload begins with the first byte that is there to send: a connection that waits for another disk would time out.
enum Stage {
    Waiting(Box<Layout>),
    Sending(Box<DiskUpload>),
    Done,
}

pub async fn begin(link: &Arc<Link>, places: &Places, request: BeginPoint) -> Result<Incoming> {
    let parent = request.parent.as_ref().map(SinkRef::read::<Point>).transpose()?;
    let store = match &parent {
        Some(parent) => chain::store(places, parent)?,
        None => choose(link, places, &request)?,
    };
    let point = Point {
        lineage: request.lineage,
        token: request.token,
        datastore: store.name.clone(),
        datacenter: store.datacenter.id.clone(),
        parent: parent.map(|one| one.id()),
        disks: request.disks.len(),
    };
    start(link, store, point, &request.disks).await
}

/// Announces the disks; nothing of them is sent yet.
pub async fn start(link: &Arc<Link>, store: Store, point: Point, all: &[SinkDisk]) -> Result<Incoming> {
    let (mut disks, mut stages) = (vec![], vec![]);
    for disk in all {
        let backing = point.parent.as_ref().map(|_| "");
        let layout = Layout::new(disk.shape.size_bytes, &disk.extents, backing)
            .map_err(|error| Error::permanent(format!("disk {}: {error}", disk.shape.key)))?;
        let extents = disk.extents.clone();
        disks.push(PointDisk { key: disk.shape.key.clone(), size: disk.shape.size_bytes, length: layout.file_size(), extents });
        stages.push(Stage::Waiting(Box::new(layout)));
    }
    let needed: u64 = disks.iter().map(|disk| disk.length).sum();
    if store.free < needed {
        let what = format!("The datastore '{}' has {} MiB left, and {} MiB are needed.", store.name, store.free >> 20, needed >> 20);
        return Err(Error::new(Kind::Full, what));
    }
    files::make_folder(link, &store, &names::folder(&point.lineage)).await?;
    Ok(Incoming { link: link.clone(), store, manifest: Manifest { point, disks }, disks: stages })
}

/// What is mapped for the first disk, or has the same name; else what the settings name; else the one with the most room.
fn choose(link: &Link, places: &Places, request: &BeginPoint) -> Result<Store> {
    let target = places.target(&link.config.place)?;
    let from = request.disks.first().and_then(|disk| disk.pool.as_deref()).unwrap_or_default();
    let stores: Vec<Store> = places.stores(&target).into_iter().filter(Store::has_files).collect();
    let chosen = chosen(&request.storage, from, |name| stores.iter().any(|store| store.name == name));
    if let Some(name) = chosen.or(link.config.place.datastore.as_deref()) {
        let missing = || Error::permanent(format!("There is no datastore '{name}' here that files can be kept on."));
        return stores.into_iter().find(|store| store.name == name).ok_or_else(missing);
    }
    stores.into_iter().next().ok_or_else(|| Error::permanent("There is no datastore here that files can be kept on."))
}

/// One onto itself says that nothing was chosen, unless there is one of that name.
fn chosen<'a>(mapping: &'a [Mapping], from: &'a str, known: impl Fn(&str) -> bool) -> Option<&'a str> {
    Some(places::mapped(mapping, from)).filter(|to| *to != from || known(to))
}

impl Incoming {
    async fn sending(&mut self, disk: usize) -> Result<&mut DiskUpload> {
        let missing = || Error::permanent(format!("This point has no disk number {disk}."));
        let stage = self.disks.get_mut(disk).ok_or_else(missing)?;
        if matches!(stage, Stage::Waiting(_))
            && let Stage::Waiting(layout) = std::mem::replace(stage, Stage::Done)
        {
            let upload = DiskUpload::begin(&self.link, &self.store, &self.manifest.point.disk(disk), *layout).await?;
            *stage = Stage::Sending(Box::new(upload));
        }
        match stage {
            Stage::Sending(upload) => Ok(upload),
            _ => Err(missing()),
        }
    }

    /// What came before it is through.
    async fn finish(&mut self, disk: usize) -> Result<()> {
        self.sending(disk).await?;
        match std::mem::replace(&mut self.disks[disk], Stage::Done) {
            Stage::Sending(upload) => upload.finish().await,
            _ => Ok(()),
        }
    }

    /// All files are there with the length that they must have.
    async fn check(&self) -> Result<()> {
        let point = &self.manifest.point;
        let there = files::list(&self.link, &self.store, &names::folder(&point.lineage)).await?;
        for (number, disk) in self.manifest.disks.iter().enumerate() {
            let path = point.disk(number);
            let name = path.rsplit('/').next().unwrap_or_default();
            if !there.iter().any(|(seen, length)| seen == name && *length == disk.length) {
                return Err(Error::transient(format!("{} has another length than what was sent.", files::path(&self.store, &path))));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl SinkPoint for Incoming {
    async fn write(&mut self, disk: usize, offset: u64, data: Bytes) -> Result<()> {
        self.sending(disk).await?.write(offset, data).await
    }

    async fn commit(mut self: Box<Self>) -> Result<SinkRef> {
        for disk in 0..self.disks.len() {
            self.finish(disk).await?;
        }
        self.check().await?;
        let text = serde_json::to_vec(&self.manifest).map_err(|error| Error::permanent(error.to_string()))?;
        files::put(&self.link, &self.store, &self.manifest.point.manifest(), text.into()).await?;
        Ok(SinkRef::of(&self.manifest.point))
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        for stage in std::mem::take(&mut self.disks) {
            if let Stage::Sending(upload) = stage {
                upload.upload.abort().await;
            }
        }
        for disk in 0..self.manifest.disks.len() {
            files::delete(&self.link, &self.store, &self.manifest.point.disk(disk)).await?;
        }
        Ok(())
    }
}

/// A disk as a qcow2 file, written in ascending order.
pub struct DiskUpload {
    layout: Layout,
    upload: Upload,
}

impl DiskUpload {
    async fn begin(link: &Arc<Link>, store: &Store, file: &str, layout: Layout) -> Result<Self> {
        let mut upload = Upload::file(link, store, file, layout.file_size()).await?;
        upload.push(layout.head().into()).await?;
        Ok(Self { layout, upload })
    }

    async fn write(&mut self, mut offset: u64, mut data: Bytes) -> Result<()> {
        while !data.is_empty() {
            let unknown = || Error::permanent(format!("A write at {offset} was not announced."));
            let position = self.layout.position(offset).ok_or_else(unknown)?;
            // As much as lies in one piece in the file: clusters that follow each other.
            let mut run = (CLUSTER - offset % CLUSTER).min(data.len() as u64);
            while run < data.len() as u64 && self.layout.position(offset + run) == Some(position + run) {
                run = (run + CLUSTER).min(data.len() as u64);
            }
            self.pad_to(position).await?;
            self.upload.push(data.split_to(run as usize)).await?;
            offset += run;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<()> {
        self.pad_to(self.layout.file_size()).await?;
        self.upload.finish().await
    }

    /// The rest of a cluster that no extent covers reads as zeroes.
    async fn pad_to(&mut self, position: u64) -> Result<()> {
        let gap = position.checked_sub(self.upload.at()).ok_or_else(|| Error::permanent("Writes must come in ascending order."))?;
        if gap >= CLUSTER {
            return Err(Error::permanent(format!("{gap} announced bytes were not written.")));
        }
        if gap > 0 {
            self.upload.push(GAP.slice(..gap as usize)).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datastore_that_nobody_chose_is_none_that_must_be_there() {
        let to = |to: &str| [Mapping { from: "images".into(), to: to.into() }];
        let known = |name: &str| name == "fast";
        assert_eq!(chosen(&to("images"), "images", known), None);
        assert_eq!(chosen(&[], "images", known), None);
        assert_eq!(chosen(&to("gone"), "images", known), Some("gone"), "and then it is said that it is not there");
        assert_eq!(chosen(&[], "fast", known), Some("fast"));
    }
}
