//! A recovery point on its way: one image for each disk, each sent front to back.

use super::{
    super::{
        images::{self, KIND, LINEAGE, PARENT, TOKEN},
        link::Link,
        upload::DiskUpload,
    },
    merge,
    names::{self, Point, PointDisk},
};
use crate::clouds::{
    BeginPoint, SinkDisk, SinkPoint, SinkRef,
    error::{Error, Result},
    qcow2::Layout,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

pub struct Incoming {
    link: Arc<Link>,
    point: Point,
    disks: Vec<Stage>,
}

/// An upload begins with the first byte that is there to send: a connection that waits for another disk would time out.
enum Stage {
    Waiting(Box<Layout>),
    Sending(Box<DiskUpload>),
    Done,
}

pub async fn begin(link: Arc<Link>, request: BeginPoint) -> Result<Incoming> {
    let parent = request.parent.as_ref().map(SinkRef::read::<Point>).transpose()?;
    let layouts = request.disks.iter().map(|disk| layout(disk, parent.is_some())).collect::<Result<Vec<_>>>()?;
    let mut this = Incoming { point: Point { lineage: request.lineage, token: request.token, disks: vec![] }, link, disks: vec![] };
    for (disk, layout) in request.disks.iter().zip(layouts) {
        if let Err(error) = this.add(disk, layout, parent.as_ref(), request.disks.len()).await {
            let _ = Box::new(this).abort().await;
            return Err(error);
        }
    }
    Ok(this)
}

/// A delta says which clusters are zero by now; a whole image leaves them out.
fn layout(disk: &SinkDisk, delta: bool) -> Result<Layout> {
    Layout::new(disk.shape.size_bytes, &disk.extents, delta.then_some(""))
        .map_err(|error| Error::permanent(format!("disk {}: {error}", disk.shape.key)))
}

impl Incoming {
    async fn add(&mut self, disk: &SinkDisk, layout: Layout, parent: Option<&Point>, count: usize) -> Result<()> {
        let (key, point) = (&disk.shape.key, &self.point);
        let mut properties = vec![
            (KIND, names::KIND.to_owned()),
            (LINEAGE, point.lineage.clone()),
            (TOKEN, point.token.clone()),
            (names::DISK, key.clone()),
            (names::DISKS, count.to_string()),
        ];
        if let Some(parent) = parent {
            let gone = || Error::conflict(format!("The earlier recovery point has no disk {key}."));
            let below = parent.disks.iter().find(|one| one.key == *key).ok_or_else(gone)?;
            properties.push((PARENT, below.image.clone()));
        }
        let name = Point::image_name(&point.lineage, &point.token, key);
        let image = images::create(&self.link, &name, "qcow2", &properties).await?;
        self.point.disks.push(PointDisk { key: key.clone(), image, size: disk.shape.size_bytes });
        self.disks.push(Stage::Waiting(Box::new(layout)));
        Ok(())
    }

    async fn sending(&mut self, disk: usize) -> Result<&mut DiskUpload> {
        let missing = || Error::permanent(format!("This point has no disk number {disk}."));
        let stage = self.disks.get_mut(disk).ok_or_else(missing)?;
        if let Stage::Waiting(_) = stage
            && let Stage::Waiting(layout) = std::mem::replace(stage, Stage::Done)
        {
            *stage = Stage::Sending(Box::new(DiskUpload::begin(self.link.clone(), self.point.disks[disk].image.clone(), *layout).await?));
        }
        match stage {
            Stage::Sending(upload) => Ok(upload),
            _ => Err(missing()),
        }
    }

    /// What came before it is through: Glance may take its time with the checksum meanwhile.
    async fn finish(&mut self, disk: usize) -> Result<()> {
        self.sending(disk).await?;
        match std::mem::replace(&mut self.disks[disk], Stage::Done) {
            Stage::Sending(upload) => upload.finish().await,
            _ => Ok(()),
        }
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
        // Only when all of them are whole: a point with one mark missing was torn and is removed.
        for disk in &self.point.disks {
            images::set(&self.link, &disk.image, images::COMPLETE, "yes").await?;
        }
        Ok(SinkRef::of(&self.point))
    }

    async fn abort(self: Box<Self>) -> Result<()> {
        for stage in self.disks {
            if let Stage::Sending(upload) = stage {
                upload.abort().await;
            }
        }
        for disk in &self.point.disks {
            images::delete(&self.link, &disk.image).await?;
        }
        Ok(())
    }
}

/// A point of its own with the same content. What an earlier try left is taken when it is whole, else made again.
pub async fn flatten(link: &Arc<Link>, point: &Point) -> Result<Point> {
    let token = format!("{}-flat", point.token);
    let mut flat = Point { lineage: point.lineage.clone(), token: token.clone(), disks: vec![] };
    for disk in &point.disks {
        let properties = [
            (KIND, names::KIND.to_owned()),
            (LINEAGE, point.lineage.clone()),
            (TOKEN, token.clone()),
            (names::DISK, disk.key.clone()),
            (names::DISKS, point.disks.len().to_string()),
        ];
        let known =
            images::list(link, &[(KIND, names::KIND), (LINEAGE, &point.lineage), (TOKEN, &token), (names::DISK, &disk.key)]).await?;
        let image = merge::ensure(link, known, &disk.image, &Point::image_name(&point.lineage, &token, &disk.key), &properties).await?;
        flat.disks.push(PointDisk { image, ..disk.clone() });
    }
    Ok(flat)
}
