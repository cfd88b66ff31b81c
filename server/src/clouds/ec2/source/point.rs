//! A point that is being read.

use super::{
    super::{
        blocks::{self, BLOCK, Tokens, View},
        link::Link,
    },
    taken::{self, KEPT, Taken},
};
use crate::clouds::{
    DiskShape, Extent, MAX_READ, PointRef, SourcePoint,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use model::Millis;
use std::sync::Arc;

/// Blocks that are asked for at once: as many as the largest read has.
const AT_ONCE: usize = 8;

pub struct Point {
    pub link: Arc<Link>,
    pub machine: String,
    pub taken: Taken,
    pub since: Option<PointRef>,
    pub others: Vec<PointRef>,
    pub disks: Vec<DiskShape>,
    pub parts: Vec<Part>,
    pub incremental: bool,
}

/// One disk.
pub struct Part {
    view: View,
    tokens: Tokens,
}

impl Part {
    pub fn new(view: View) -> Self {
        Self { tokens: Tokens::new(view.clone()), view }
    }
}

#[async_trait]
impl SourcePoint for Point {
    fn reference(&self) -> PointRef {
        PointRef(self.taken.token.clone())
    }
    fn taken_at(&self) -> Millis {
        self.taken.started
    }
    fn incremental(&self) -> bool {
        self.incremental
    }
    fn disks(&self) -> &[DiskShape] {
        &self.disks
    }

    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        let (Some(part), Some(shape)) = (self.parts.get(disk), self.disks.get(disk)) else { return Err(missing()) };
        part.view.extents(&self.link, shape.size_bytes).await
    }

    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        if length > MAX_READ {
            return Err(Error::permanent(format!("A read of {length} bytes is above the limit of {MAX_READ}.")));
        }
        let part = self.parts.get_mut(disk).ok_or_else(missing)?;
        let (first, end) = (offset / BLOCK, (offset + u64::from(length)).div_ceil(BLOCK));
        let mut wanted = vec![];
        for index in first..end {
            wanted.push((index, part.tokens.of(&self.link, index).await?));
        }
        let (ebs, snapshot) = (self.link.ebs().await?, part.view.snapshot.as_str());
        let get = |(index, token): (u64, Option<String>)| {
            let ebs = &ebs;
            async move {
                match token {
                    Some(token) => blocks::get(ebs, snapshot, index, &token).await,
                    None => Ok(Bytes::from(vec![0; BLOCK as usize])),
                }
            }
        };
        let blocks: Vec<Bytes> = stream::iter(wanted.into_iter().map(get)).buffered(AT_ONCE).try_collect().await?;
        let from = (offset - first * BLOCK) as usize;
        Ok(cut(&blocks, from, length as usize))
    }

    async fn close(self: Box<Self>, keep: bool) -> Result<()> {
        if keep {
            self.taken.note(&self.link, KEPT).await?;
        }
        let mut kept = self.others;
        kept.extend(if keep { Some(PointRef(self.taken.token)) } else { self.since });
        taken::tidy(&self.link, &self.machine, &kept).await
    }
}

fn missing() -> Error {
    Error::new(Kind::Permanent, "The machine has no such disk.")
}

fn cut(blocks: &[Bytes], from: usize, length: usize) -> Bytes {
    if let [only] = blocks {
        return only.slice(from..from + length);
    }
    let mut all = BytesMut::with_capacity(blocks.len() * BLOCK as usize);
    blocks.iter().for_each(|block| all.extend_from_slice(block));
    all.freeze().slice(from..from + length)
}
