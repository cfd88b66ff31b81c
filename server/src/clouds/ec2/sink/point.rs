//! A recovery point on its way: a snapshot for each disk, its blocks sent in parallel, completed only when all of them are there.

use super::{
    super::{
        blocks::{self, Sum, Tokens, View},
        fault::change,
        inventory::volume::gib,
        link::Link,
        tags::{self, BYTES, COMPLETE, DISK, DISKS, KIND, LINEAGE, TOKEN, kind},
    },
    assemble::{Assembler, Block},
    names::{Point, PointDisk},
    snapshots,
};
use crate::clouds::{
    BeginPoint, SinkDisk, SinkPoint, SinkRef,
    error::{Error, Result},
};
use async_trait::async_trait;
use aws_sdk_ebs::types::{ChecksumAggregationMethod, ChecksumAlgorithm};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, sync::Arc};
use tokio::task::JoinSet;

/// Blocks on their way at once, for one point: 8 MiB in memory. EBS takes 1000 a second of one snapshot's, and 1000 of an account's.
const AT_ONCE: usize = 16;
/// After so many minutes without a block EBS gives the snapshot up; a node that was killed leaves nothing for longer.
const MINUTES: i32 = 60;

pub struct Incoming {
    link: Arc<Link>,
    point: Point,
    disks: Vec<Sending>,
    /// Disk, number, checksum.
    under_way: JoinSet<Result<(usize, u64, Sum)>>,
}

struct Sending {
    assembler: Assembler,
    /// What it is on top of.
    below: Option<Tokens>,
    sent: u64,
    sums: Sums,
}

/// The checksum of the checksums, in the order of the blocks, however they arrive.
#[derive(Default)]
struct Sums {
    next: u64,
    early: BTreeMap<u64, Sum>,
    all: Sha256,
}

impl Sums {
    fn add(&mut self, number: u64, sum: Sum) {
        self.early.insert(number, sum);
        while let Some(sum) = self.early.remove(&self.next) {
            self.all.update(sum);
            self.next += 1;
        }
    }
}

pub async fn begin(link: Arc<Link>, request: BeginPoint) -> Result<Incoming> {
    let parent = request.parent.as_ref().map(SinkRef::read::<Point>).transpose()?;
    let point = Point { lineage: request.lineage, token: request.token, disks: vec![] };
    let mut this = Incoming { link, point, disks: vec![], under_way: JoinSet::new() };
    for disk in &request.disks {
        if let Err(error) = this.add(disk, parent.as_ref(), request.disks.len()).await {
            let _ = Box::new(this).abort().await;
            return Err(error);
        }
    }
    Ok(this)
}

impl Incoming {
    async fn add(&mut self, disk: &SinkDisk, parent: Option<&Point>, count: usize) -> Result<()> {
        let (key, size) = (&disk.shape.key, disk.shape.size_bytes);
        let gone = || Error::conflict(format!("The earlier recovery point has no disk {key}."));
        let below = parent.map(|parent| parent.disk(key).ok_or_else(gone)).transpose()?;
        let notes = [
            (KIND, kind::POINT),
            (LINEAGE, &self.point.lineage),
            (TOKEN, &self.point.token),
            (DISK, key),
            (DISKS, &count.to_string()),
            (BYTES, &size.to_string()),
            (tags::NAME, &format!("crossfade {} {key}", self.point.lineage)),
        ];
        let id = start(&self.link, size, below.map(|below| below.snapshot.as_str()), &notes).await?;
        self.point.disks.push(PointDisk { key: key.clone(), snapshot: id, size });
        let below = below.map(|below| Tokens::new(View::whole(&below.snapshot)));
        let assembler = Assembler::new(&disk.extents, below.is_some());
        self.disks.push(Sending { assembler, below, sent: 0, sums: Sums::default() });
        Ok(())
    }

    async fn send_all(&mut self, disk: usize, blocks: Vec<Block>) -> Result<()> {
        for block in blocks {
            self.send(disk, block).await?;
        }
        Ok(())
    }

    async fn send(&mut self, number: usize, block: Block) -> Result<()> {
        let disk = &mut self.disks[number];
        let zero = block.is_zero();
        let old = match &mut disk.below {
            Some(below) if zero || !block.is_whole() => {
                below.of(&self.link, block.index).await?.map(|token| (below.snapshot().to_owned(), token))
            }
            _ => None,
        };
        // What was never there, and was not put, reads as zeroes.
        let nothing_below = disk.below.is_none() && block.is_blank();
        if zero && old.is_none() || nothing_below {
            return Ok(());
        }
        while self.under_way.len() >= AT_ONCE {
            self.settle().await?;
        }
        let disk = &mut self.disks[number];
        let (order, snapshot, ebs) = (disk.sent, self.point.disks[number].snapshot.clone(), self.link.ebs().await?);
        disk.sent += 1;
        self.under_way.spawn(async move {
            let index = block.index;
            let base = match old.filter(|_| !block.is_whole()) {
                Some((below, token)) => Some(blocks::get(&ebs, &below, index, &token).await?),
                None => None,
            };
            Ok((number, order, blocks::put(&ebs, &snapshot, index, block.over(base)).await?))
        });
        Ok(())
    }

    /// Waits for one that is under way.
    async fn settle(&mut self) -> Result<()> {
        if let Some(done) = self.under_way.join_next().await {
            let (disk, number, sum) = done.map_err(|error| Error::transient(format!("A block was not sent: {error}")))??;
            self.disks[disk].sums.add(number, sum);
        }
        Ok(())
    }

    async fn complete(&mut self, number: usize) -> Result<()> {
        let disk = &mut self.disks[number];
        let all = std::mem::take(&mut disk.sums.all).finalize();
        complete(&self.link, &self.point.disks[number].snapshot, disk.sent, STANDARD.encode(all)).await
    }
}

#[async_trait]
impl SinkPoint for Incoming {
    async fn write(&mut self, disk: usize, offset: u64, data: Bytes) -> Result<()> {
        let missing = || Error::permanent(format!("This point has no disk number {disk}."));
        while let Some(done) = self.disks.get_mut(disk).ok_or_else(missing)?.assembler.zeroes(offset) {
            self.send_all(disk, done).await?;
        }
        let done = self.disks[disk].assembler.data(offset, &data);
        self.send_all(disk, done).await
    }

    async fn commit(mut self: Box<Self>) -> Result<SinkRef> {
        for disk in 0..self.disks.len() {
            while let Some(done) = self.disks[disk].assembler.rest() {
                self.send_all(disk, done).await?;
            }
        }
        while !self.under_way.is_empty() {
            self.settle().await?;
        }
        for disk in 0..self.disks.len() {
            self.complete(disk).await?;
        }
        let ids: Vec<&str> = self.point.disks.iter().map(|disk| disk.snapshot.as_str()).collect();
        snapshots::until_completed(&self.link, &ids).await?;
        // One call for all of them: a point without it was torn and is removed.
        let call = self.link.ec2().await?.create_tags().set_resources(Some(ids.iter().map(|id| (*id).to_owned()).collect()));
        change("note that the point is whole", call.tags(tags::tag(COMPLETE, "yes")).send()).await?;
        snapshots::until_whole(&self.link, &ids).await?;
        Ok(SinkRef::of(&self.point))
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        self.under_way.shutdown().await;
        for disk in &self.point.disks {
            snapshots::delete(&self.link, &disk.snapshot).await?;
        }
        Ok(())
    }
}

/// Answers its id.
pub async fn start(link: &Link, bytes: u64, parent: Option<&str>, notes: &[(&str, &str)]) -> Result<String> {
    let note = |(key, value): &(&str, &str)| aws_sdk_ebs::types::Tag::builder().key(*key).value(tags::short(value)).build();
    let size = i64::try_from(gib(bytes)).unwrap_or(i64::MAX);
    let call = link.ebs().await?.start_snapshot().volume_size(size).set_parent_snapshot_id(parent.map(str::to_owned)).timeout(MINUTES);
    let call = call.description("Crossfade").set_tags(Some(notes.iter().filter(|(_, value)| !value.is_empty()).map(note).collect()));
    let answer = change("start a snapshot", call.send()).await?;
    answer
        .snapshot_id()
        .map(str::to_owned)
        .ok_or_else(|| Error::new(crate::clouds::error::Kind::Unknown, "EBS started a snapshot and does not say which."))
}

/// `sum`: base64 of the checksum of the checksums of all blocks that were put, in ascending order.
pub async fn complete(link: &Link, snapshot: &str, blocks: u64, sum: String) -> Result<()> {
    let count = i32::try_from(blocks).map_err(|_| Error::permanent("These are more blocks than a volume has."))?;
    let mut call = link.ebs().await?.complete_snapshot().snapshot_id(snapshot).changed_blocks_count(count);
    if count > 0 {
        call = call.checksum(sum).checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
        call = call.checksum_aggregation_method(ChecksumAggregationMethod::ChecksumAggregationLinear);
    }
    change("complete a snapshot", call.send()).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_put_together_in_the_order_of_the_blocks() {
        let mut sums = Sums::default();
        for number in [2, 0, 3, 1] {
            sums.add(number, [u8::try_from(number).unwrap(); 32]);
        }
        let wanted: Vec<u8> = (0..4u8).flat_map(|number| [number; 32]).collect();
        assert_eq!(sums.all.finalize(), Sha256::digest(wanted));
        assert!(sums.early.is_empty());
    }
}
