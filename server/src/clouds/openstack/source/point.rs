//! A point that is being read.

use super::{
    super::{
        file::ImageFile,
        images::{self, KIND, SERVER, TOKEN},
        layers::{self, Place, ReadAt, Run},
        link::Link,
        upload::Upload,
    },
    begin::{self, HASHES},
    hashes::{BLOCK, Hashes},
};
use crate::clouds::{
    DiskShape, Extent, MAX_READ, PointRef, SourcePoint,
    error::{Error, Result},
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use model::Millis;
use std::sync::Arc;

pub struct Point {
    pub link: Arc<Link>,
    pub server: String,
    pub token: String,
    pub since: Option<String>,
    pub image: String,
    pub taken_at: Millis,
    pub disks: Vec<DiskShape>,
    pub file: ImageFile,
    pub runs: Vec<Run>,
    /// What the disk held at `since`; `None`: nobody knows, so everything is sent.
    pub earlier: Option<Hashes>,
    /// What it holds now, as far as it was read.
    pub seen: Hashes,
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
        self.earlier.is_some()
    }
    fn disks(&self) -> &[DiskShape] {
        &self.disks
    }

    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        self.must_have(disk)?;
        if self.earlier.is_none() {
            let extent = |run: &Run| Extent { offset: run.offset, length: run.length, zero: run.place == Place::Zero };
            return Ok(self.runs.iter().map(extent).collect());
        }
        self.read_all().await?;
        Ok(self.earlier.as_ref().map(|earlier| self.seen.since(earlier)).unwrap_or_default())
    }

    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        self.must_have(disk)?;
        if length > MAX_READ {
            return Err(Error::permanent(format!("A read of {length} bytes is above the limit of {MAX_READ}.")));
        }
        let data = self.piece(offset, u64::from(length)).await?;
        self.seen.see(offset, &data);
        Ok(data)
    }

    async fn close(self: Box<Self>, keep: bool) -> Result<()> {
        if keep {
            self.keep_hashes().await?;
        }
        let kept = if keep { Some(self.token.as_str()) } else { self.since.as_deref() };
        images::delete(&self.link, &self.image).await?;
        begin::tidy(&self.link, &self.server, kept).await
    }
}

impl Point {
    fn must_have(&self, disk: usize) -> Result<()> {
        if disk == 0 { Ok(()) } else { Err(Error::permanent("The machine has no such disk.")) }
    }

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

    /// For the comparison: whole blocks around everything that was ever written.
    async fn read_all(&mut self) -> Result<()> {
        let size = self.disks[0].size_bytes;
        let mut at = 0;
        let runs: Vec<Run> = self.runs.iter().filter(|run| run.place != Place::Zero).copied().collect();
        for run in runs {
            at = at.max(run.offset / BLOCK * BLOCK);
            let end = (run.end().div_ceil(BLOCK) * BLOCK).min(size);
            while at < end {
                let length = (end - at).min(MAX_READ.into());
                let data = self.piece(at, length).await?;
                self.seen.see(at, &data);
                at += length;
            }
        }
        Ok(())
    }

    async fn keep_hashes(&self) -> Result<()> {
        let bytes = Bytes::from(self.seen.to_bytes());
        let properties = [(KIND, HASHES.to_owned()), (TOKEN, self.token.clone()), (SERVER, self.server.clone())];
        let name: String = format!("crossfade hashes {}", self.token).chars().take(255).collect();
        let image = images::create(&self.link, &name, "raw", &properties).await?;
        let mut upload = Upload::begin(self.link.clone(), image.clone(), bytes.len() as u64);
        upload.push(bytes).await?;
        upload.finish().await?;
        images::set(&self.link, &image, images::COMPLETE, "yes").await
    }
}
