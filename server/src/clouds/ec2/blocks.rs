//! Disks by EBS direct: which blocks a snapshot holds, which differ between two, reading and writing one.
//!
//! Each block goes with its SHA-256: a wrong one is refused by the service, and one that arrives here wrong is not taken.

use super::{
    fault::{change, look},
    link::Link,
};
use crate::clouds::{
    Extent,
    error::{Error, Kind, Result},
};
use aws_sdk_ebs::{Client, primitives::ByteStream, types::ChecksumAlgorithm};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// The only size that EBS direct knows.
pub const BLOCK: u64 = 512 << 10;
/// Of a list: 100 to 10000 are allowed.
const PAGE: i32 = 5000;
/// Tokens that are kept while blocks are read in their order.
const WINDOW: i32 = 1000;
/// How long a snapshot that was started may be unknown.
const UNKNOWN: Duration = Duration::from_secs(130);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub type Sum = [u8; 32];

/// Index, and what it is read by; `None`: all zeroes by now.
type Listed = (u64, Option<String>);

/// A look at the blocks of a snapshot, or at those that differ from an earlier one.
#[derive(Clone, Debug)]
pub struct View {
    pub snapshot: String,
    pub earlier: Option<String>,
}

impl View {
    pub fn whole(snapshot: &str) -> Self {
        Self { snapshot: snapshot.to_owned(), earlier: None }
    }

    /// Blocks from `start` on, and how to go on.
    async fn page(&self, ebs: &Client, start: u64, most: i32, next: Option<String>) -> Result<(Vec<Listed>, Option<String>)> {
        let start = Some(i32::try_from(start).unwrap_or(i32::MAX)).filter(|_| next.is_none());
        let at = |index: Option<i32>| u64::try_from(index.unwrap_or_default()).unwrap_or_default();
        if let Some(earlier) = &self.earlier {
            let call = ebs.list_changed_blocks().first_snapshot_id(earlier).second_snapshot_id(&self.snapshot);
            let call = call.max_results(most).set_starting_block_index(start).set_next_token(next);
            let answer = look("what changed between two snapshots", call.send()).await?;
            let blocks = answer.changed_blocks().iter().map(|one| (at(one.block_index()), one.second_block_token().map(str::to_owned)));
            return Ok((blocks.collect(), answer.next_token().map(str::to_owned)));
        }
        let call = ebs.list_snapshot_blocks().snapshot_id(&self.snapshot);
        let call = call.max_results(most).set_starting_block_index(start).set_next_token(next);
        let answer = look("the blocks of a snapshot", call.send()).await?;
        let blocks = answer.blocks().iter().map(|one| (at(one.block_index()), one.block_token().map(str::to_owned)));
        Ok((blocks.collect(), answer.next_token().map(str::to_owned)))
    }

    /// In ascending order, not overlapping, none beyond `size`.
    pub async fn extents(&self, link: &Link, size: u64) -> Result<Vec<Extent>> {
        let ebs = link.ebs().await?;
        let (mut all, mut next) = (vec![], None);
        loop {
            let (blocks, more) = self.page(&ebs, 0, PAGE, next).await?;
            add(&mut all, &blocks, size);
            match more {
                Some(token) => next = Some(token),
                None => return Ok(all),
            }
        }
    }
}

fn add(all: &mut Vec<Extent>, blocks: &[Listed], size: u64) {
    for (index, token) in blocks {
        let (offset, zero) = (index * BLOCK, token.is_none());
        let length = BLOCK.min(size.saturating_sub(offset));
        match all.last_mut() {
            _ if length == 0 => {}
            Some(last) if last.offset + last.length == offset && last.zero == zero => last.length += length,
            _ => all.push(Extent { offset, length, zero }),
        }
    }
}

/// What blocks are read by, for reading in ascending order: a list of a large disk does not lie in memory as a whole.
#[derive(Clone, Debug)]
pub struct Tokens {
    view: View,
    from: u64,
    /// Not included.
    to: u64,
    known: BTreeMap<u64, String>,
}

impl Tokens {
    pub fn new(view: View) -> Self {
        Self { view, from: 0, to: 0, known: BTreeMap::new() }
    }

    /// `None`: the snapshot has no such block, it reads as zeroes.
    pub async fn of(&mut self, link: &Link, index: u64) -> Result<Option<String>> {
        if !(self.from..self.to).contains(&index) {
            let (blocks, more) = self.view.page(&link.ebs().await?, index, WINDOW, None).await?;
            let last = blocks.last().map_or(index, |(last, _)| *last);
            (self.from, self.to) = (index, if more.is_some() { last + 1 } else { u64::MAX });
            self.known = blocks.into_iter().filter_map(|(at, token)| Some((at, token?))).collect();
        }
        Ok(self.known.get(&index).cloned())
    }

    pub fn snapshot(&self) -> &str {
        &self.view.snapshot
    }
}

/// Always [`BLOCK`] bytes.
pub async fn get(ebs: &Client, snapshot: &str, index: u64, token: &str) -> Result<Bytes> {
    let call = ebs.get_snapshot_block().snapshot_id(snapshot).block_index(number(index)?).block_token(token);
    let answer = look("a block of a snapshot", call.send()).await?;
    let wanted = answer.checksum().map(str::to_owned);
    let data = answer.block_data.collect().await.map_err(|error| Error::transient(format!("a block of {snapshot}: {error}")))?.into_bytes();
    checked(snapshot, index, wanted.as_deref(), data)
}

fn checked(snapshot: &str, index: u64, wanted: Option<&str>, data: Bytes) -> Result<Bytes> {
    if data.len() as u64 != BLOCK {
        return Err(Error::transient(format!("Block {index} of {snapshot} came with {} bytes instead of {BLOCK}.", data.len())));
    }
    if wanted != Some(STANDARD.encode(sum(&data)).as_str()) {
        return Err(Error::transient(format!("Block {index} of {snapshot} arrived damaged: its checksum differs.")));
    }
    Ok(data)
}

/// Answers the checksum that it was sent with. A snapshot that was just started may not be known yet to those who take its blocks:
/// Amazon's own tool (coldsnap) waits more than two minutes for it.
pub async fn put(ebs: &Client, snapshot: &str, index: u64, data: Bytes) -> Result<Sum> {
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match put_once(ebs, snapshot, index, data.clone()).await {
            Err(error) if error.kind == Kind::NotFound && begun.elapsed() < UNKNOWN => tokio::time::sleep(pause).await,
            other => return other,
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

async fn put_once(ebs: &Client, snapshot: &str, index: u64, data: Bytes) -> Result<Sum> {
    let (sum, length) = (sum(&data), i32::try_from(data.len()).unwrap_or_default());
    let call = ebs.put_snapshot_block().snapshot_id(snapshot).block_index(number(index)?).data_length(length);
    let call = call.checksum(STANDARD.encode(sum)).checksum_algorithm(ChecksumAlgorithm::ChecksumAlgorithmSha256);
    change("a block of a snapshot", call.block_data(ByteStream::from(data)).send()).await?;
    Ok(sum)
}

pub fn sum(data: &[u8]) -> Sum {
    Sha256::digest(data).into()
}

/// The service counts in 32 bits: 16 TiB are 2^25 blocks.
fn number(index: u64) -> Result<i32> {
    i32::try_from(index).map_err(|_| Error::permanent(format!("A volume has no block {index}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_extents() {
        let some = |index: u64| (index, Some("t".to_owned()));
        let mut all = vec![];
        add(&mut all, &[some(0), some(1), (2, None)], 10 * BLOCK);
        add(&mut all, &[(3, None), some(7), some(9), some(12)], 10 * BLOCK - 5);
        let seen: Vec<_> = all.iter().map(|e| (e.offset / BLOCK, e.length, e.zero)).collect();
        assert_eq!(seen, [(0, 2 * BLOCK, false), (2, 2 * BLOCK, true), (7, BLOCK, false), (9, BLOCK - 5, false)]);
    }

    #[test]
    fn a_block_that_is_damaged_is_not_taken() {
        let good = Bytes::from(vec![7; BLOCK as usize]);
        let right = STANDARD.encode(sum(&good));
        assert!(checked("s", 0, Some(&right), good.clone()).is_ok());
        assert!(checked("s", 0, Some(&STANDARD.encode(sum(b"x"))), good.clone()).unwrap_err().message.contains("checksum"));
        assert!(checked("s", 0, None, good.clone()).is_err());
        assert!(checked("s", 0, Some(&right), good.slice(1..)).unwrap_err().message.contains("524287 bytes"));
    }
}
