//! Disks that hold real bytes, sparsely: what is copied from one cloud to another can be compared.

use super::super::Extent;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Granularity of changed-block tracking, as QEMU's default.
pub const BLOCK: u64 = 64 << 10;

/// Blocks that were never written read as zeroes. A clone shares the blocks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Image {
    pub size: u64,
    blocks: BTreeMap<u64, Arc<[u8]>>,
}

impl Image {
    pub fn new(size: u64) -> Self {
        Self { size, blocks: BTreeMap::new() }
    }

    /// Answers which blocks it touched. What lies beyond the end is cut off.
    pub fn write(&mut self, offset: u64, data: &[u8]) -> BTreeSet<u64> {
        let room = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let mut data = &data[..data.len().min(room)];
        let (mut at, mut touched) = (offset, BTreeSet::new());
        while !data.is_empty() {
            let (block, skip) = (at / BLOCK, (at % BLOCK) as usize);
            let n = data.len().min(BLOCK as usize - skip);
            let mut bytes = self.blocks.get(&block).map_or_else(|| vec![0; BLOCK as usize], |b| b.to_vec());
            bytes[skip..skip + n].copy_from_slice(&data[..n]);
            self.blocks.insert(block, bytes.into());
            touched.insert(block);
            (at, data) = (at + n as u64, &data[n..]);
        }
        touched
    }

    pub fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        let (mut at, mut done) = (offset, 0);
        while done < length {
            let skip = (at % BLOCK) as usize;
            let n = (length - done).min(BLOCK as usize - skip);
            if let Some(block) = self.blocks.get(&(at / BLOCK)) {
                out[done..done + n].copy_from_slice(&block[skip..skip + n]);
            }
            (at, done) = (at + n as u64, done + n);
        }
        out
    }

    /// Makes a range read as zeroes; whole blocks are dropped.
    pub fn zero(&mut self, offset: u64, length: u64) {
        let end = (offset + length).min(self.size);
        let (first, last) = (offset.div_ceil(BLOCK), end / BLOCK);
        if first < last {
            let gone: Vec<u64> = self.blocks.range(first..last).map(|(b, _)| *b).collect();
            gone.iter().for_each(|b| drop(self.blocks.remove(b)));
        }
        let edges = if first <= last { [(offset, first * BLOCK), (last * BLOCK, end)] } else { [(offset, end), (end, end)] };
        for (from, to) in edges {
            if from < to && self.blocks.contains_key(&(from / BLOCK)) {
                self.write(from, &vec![0; usize::try_from(to - from).unwrap_or(0)]);
            }
        }
    }

    pub fn allocated(&self) -> u64 {
        self.blocks.len() as u64 * BLOCK
    }

    /// Everything that was ever written.
    pub fn extents(&self) -> Vec<Extent> {
        merge(self.blocks.keys().map(|b| (*b, false)), self.size)
    }

    /// These blocks only; one that is no longer there is a zero.
    pub fn extents_of(&self, blocks: &BTreeSet<u64>) -> Vec<Extent> {
        merge(blocks.iter().map(|b| (*b, !self.blocks.contains_key(b))), self.size)
    }
}

fn merge(blocks: impl Iterator<Item = (u64, bool)>, size: u64) -> Vec<Extent> {
    let mut out: Vec<Extent> = vec![];
    for (block, zero) in blocks {
        let offset = block * BLOCK;
        let length = BLOCK.min(size.saturating_sub(offset));
        match out.last_mut() {
            Some(e) if e.zero == zero && e.offset + e.length == offset => e.length += length,
            _ => out.push(Extent { offset, length, zero }),
        }
    }
    out
}
