//! One disk of a point: an image that is there, or that is still being made of a volume.

use super::{
    super::{
        file::ImageFile,
        images::Image,
        layers::{self, Place, ReadAt, Run},
        link::Link,
    },
    hashes::{BLOCK, Hashes},
};
use crate::clouds::{
    DiskShape, Extent, MAX_READ,
    error::{Error, Result},
};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::task::JoinSet;

pub struct Disk {
    pub shape: DiskShape,
    /// What the disk held at the point before; `None`: nobody knows, so everything is sent.
    pub earlier: Option<Hashes>,
    /// What it holds now, as far as it was read.
    pub seen: Hashes,
    /// Ends with the point: nobody would wait for it.
    coming: JoinSet<Result<Image>>,
    there: Option<Contents>,
}

struct Contents {
    file: ImageFile,
    runs: Vec<Run>,
    /// The file does not say what was never written.
    raw: bool,
}

impl Disk {
    /// # Errors
    /// The image cannot be read.
    pub async fn of_image(link: &Arc<Link>, key: String, image: &Image) -> Result<Self> {
        let (contents, size) = contents(link, image).await?;
        let mut disk = Self::empty(key, size);
        disk.arrived(contents);
        Ok(disk)
    }

    pub fn of_volume(key: String, size: u64, coming: impl Future<Output = Result<Image>> + Send + 'static) -> Self {
        let mut disk = Self::empty(key, size);
        disk.coming.spawn(coming);
        disk
    }

    fn empty(key: String, size_bytes: u64) -> Self {
        let shape = DiskShape { key, size_bytes };
        Self { shape, earlier: None, seen: Hashes::empty(size_bytes), coming: JoinSet::new(), there: None }
    }

    fn arrived(&mut self, contents: Contents) {
        contents.runs.iter().filter(|run| run.place != Place::Zero).for_each(|run| self.seen.unknown(run.offset, run.length));
        self.there = Some(contents);
    }

    async fn contents(&mut self, link: &Arc<Link>) -> Result<&Contents> {
        if self.there.is_none() {
            let made = self.coming.join_next().await.ok_or_else(|| Error::transient("A copy of a volume was not made."))?;
            let image = made.map_err(|_| Error::permanent("Copying a volume panicked; see the log."))??;
            let (contents, size) = contents(link, &image).await?;
            if size != self.shape.size_bytes {
                let message = format!("The copy of {} has {size} bytes, and the volume {}.", self.shape.key, self.shape.size_bytes);
                return Err(Error::permanent(message));
            }
            self.arrived(contents);
        }
        self.there.as_ref().ok_or_else(|| Error::permanent("The disk is not there."))
    }

    /// Of the whole point: are these only what changed?
    pub async fn extents(&mut self, link: &Arc<Link>) -> Result<Vec<Extent>> {
        let first = self.earlier.is_none();
        let there = self.contents(link).await?;
        if first && !there.raw {
            let extent = |run: &Run| Extent { offset: run.offset, length: run.length, zero: run.place == Place::Zero };
            return Ok(there.runs.iter().map(extent).collect());
        }
        self.read_all(link).await?;
        // Against nothing: what is zero need not be sent.
        let nothing = Hashes::empty(self.shape.size_bytes);
        Ok(self.seen.since(self.earlier.as_ref().unwrap_or(&nothing)))
    }

    pub async fn read(&mut self, link: &Arc<Link>, offset: u64, length: u32) -> Result<Bytes> {
        if length > MAX_READ {
            return Err(Error::permanent(format!("A read of {length} bytes is above the limit of {MAX_READ}.")));
        }
        let data = self.contents(link).await?.piece(offset, u64::from(length)).await?;
        self.seen.see(offset, &data);
        Ok(data)
    }

    /// For the comparison: whole blocks around everything that was ever written.
    async fn read_all(&mut self, link: &Arc<Link>) -> Result<()> {
        let size = self.shape.size_bytes;
        let runs: Vec<Run> = self.contents(link).await?.runs.iter().filter(|run| run.place != Place::Zero).copied().collect();
        let mut at = 0;
        for run in runs {
            at = at.max(run.offset / BLOCK * BLOCK);
            let end = (run.end().div_ceil(BLOCK) * BLOCK).min(size);
            while at < end {
                let length = (end - at).min(MAX_READ.into());
                let data = self.contents(link).await?.piece(at, length).await?;
                self.seen.see(at, &data);
                at += length;
            }
        }
        Ok(())
    }
}

impl Contents {
    async fn piece(&self, offset: u64, length: u64) -> Result<Bytes> {
        let parts: Vec<Run> = layers::between(&self.runs, offset, offset + length).collect();
        // The usual case: all of it lies in one piece in the file.
        if let [Run { offset: at, length: all, place: Place::Data { at: place, .. } }] = parts.as_slice()
            && (*at, *all) == (offset, length)
        {
            return self.file.read_at(*place, length).await;
        }
        let mut out = BytesMut::zeroed(length as usize);
        for part in parts {
            if let Place::Data { at, .. } = part.place {
                let data = self.file.read_at(at, part.length).await?;
                let from = (part.offset - offset) as usize;
                out[from..from + data.len()].copy_from_slice(&data);
            }
        }
        Ok(out.freeze())
    }
}

/// Also how many bytes the disk has.
async fn contents(link: &Arc<Link>, image: &Image) -> Result<(Contents, u64)> {
    let file = ImageFile::new(link.clone(), image);
    if image.disk_format.as_deref() == Some("raw") {
        let size = image.size.unwrap_or_default();
        let runs = vec![Run { offset: 0, length: size, place: Place::Data { layer: 0, at: 0 } }];
        return Ok((Contents { file, runs, raw: true }, size));
    }
    let map = layers::qcow2(&file, 0).await?;
    Ok((Contents { file, runs: map.runs, raw: false }, map.size))
}
