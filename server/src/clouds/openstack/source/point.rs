//! A point that is being read.

use super::{
    super::{
        images::{self, KIND, SERVER, TOKEN},
        link::Link,
        sink::DISK,
        upload::Upload,
    },
    begin::{self, HASHES},
    disk::Disk,
};
use crate::clouds::{
    DiskShape, Extent, PointRef, SourcePoint,
    error::{Error, Result},
};
use async_trait::async_trait;
use bytes::Bytes;
use model::Millis;
use std::sync::Arc;

pub struct Point {
    pub link: Arc<Link>,
    pub server: String,
    pub token: String,
    pub since: Option<PointRef>,
    pub others: Vec<PointRef>,
    pub taken_at: Millis,
    pub shapes: Vec<DiskShape>,
    pub disks: Vec<Disk>,
}

#[async_trait]
impl SourcePoint for Point {
    fn reference(&self) -> PointRef {
        PointRef(self.token.clone())
    }
    fn taken_at(&self) -> Millis {
        self.taken_at
    }
    fn incremental(&self) -> bool {
        self.disks.iter().all(|disk| disk.earlier.is_some())
    }
    fn disks(&self) -> &[DiskShape] {
        &self.shapes
    }

    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        let link = self.link.clone();
        self.disk(disk)?.extents(&link).await
    }

    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        let link = self.link.clone();
        self.disk(disk)?.read(&link, offset, length).await
    }

    async fn close(mut self: Box<Self>, keep: bool) -> Result<()> {
        if keep {
            for disk in &self.disks {
                self.keep_hashes(disk).await?;
            }
        }
        // What is still being copied ends here, before its remains are removed.
        self.disks.clear();
        let mut kept = self.others;
        kept.extend(if keep { Some(PointRef(self.token)) } else { self.since });
        begin::tidy(&self.link, &self.server, &kept).await
    }
}

impl Point {
    fn disk(&mut self, disk: usize) -> Result<&mut Disk> {
        self.disks.get_mut(disk).ok_or_else(|| Error::permanent("The machine has no such disk."))
    }

    async fn keep_hashes(&self, disk: &Disk) -> Result<()> {
        let bytes = Bytes::from(disk.seen.to_bytes());
        let key = &disk.shape.key;
        let properties = [(KIND, HASHES.to_owned()), (TOKEN, self.token.clone()), (SERVER, self.server.clone()), (DISK, key.clone())];
        let name: String = format!("crossfade hashes {} {key}", self.token).chars().take(255).collect();
        let image = images::create(&self.link, &name, "raw", &properties).await?;
        let mut upload = Upload::begin(self.link.clone(), image.clone(), bytes.len() as u64);
        upload.push(bytes).await?;
        upload.finish().await?;
        images::set(&self.link, &image, images::COMPLETE, "yes").await
    }
}
