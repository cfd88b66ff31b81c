//! What a disk held at a point, as a list of hashes. Pure.

use crate::clouds::Extent;
use sha2::{Digest, Sha256};

/// The unit in which changes are seen; a sink's clusters are as large.
pub const BLOCK: u64 = 64 << 10;
const MAGIC: &[u8; 8] = b"cfhash01";
type Hash = [u8; 16];
/// Never written, or all zeroes.
const ZERO: Hash = [0; 16];
/// Nobody looked: differs from everything.
const UNKNOWN: Hash = [0xff; 16];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashes {
    size: u64,
    blocks: Vec<Hash>,
}

impl Hashes {
    /// Of a disk that holds nothing.
    pub fn empty(size: u64) -> Self {
        Self { size, blocks: vec![ZERO; size.div_ceil(BLOCK) as usize] }
    }

    /// These blocks hold something that was not seen yet.
    pub fn unknown(&mut self, offset: u64, length: u64) {
        for block in offset / BLOCK..(offset + length).div_ceil(BLOCK) {
            if let Some(hash) = self.blocks.get_mut(block as usize) {
                *hash = UNKNOWN;
            }
        }
    }

    /// Takes note of blocks that lie in `data` as a whole; the last block of the disk may be shorter.
    pub fn see(&mut self, offset: u64, data: &[u8]) {
        let skip = (BLOCK - offset % BLOCK) % BLOCK;
        let Some(whole) = data.get(skip as usize..) else { return };
        for (number, bytes) in whole.chunks(BLOCK as usize).enumerate() {
            let at = offset + skip + number as u64 * BLOCK;
            if bytes.len() as u64 == BLOCK || at + bytes.len() as u64 == self.size {
                self.blocks[(at / BLOCK) as usize] = hash(bytes);
            }
        }
    }

    /// What differs from an earlier list, in ascending order.
    pub fn since(&self, earlier: &Self) -> Vec<Extent> {
        let mut out: Vec<Extent> = vec![];
        for (number, (now, before)) in self.blocks.iter().zip(&earlier.blocks).enumerate() {
            if now == before && *now != UNKNOWN {
                continue;
            }
            let offset = number as u64 * BLOCK;
            let (length, zero) = (BLOCK.min(self.size - offset), *now == ZERO);
            match out.last_mut() {
                Some(last) if last.offset + last.length == offset && last.zero == zero => last.length += length,
                _ => out.push(Extent { offset, length, zero }),
            }
        }
        out
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        [&MAGIC[..], &self.size.to_be_bytes(), self.blocks.as_flattened()].concat()
    }

    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (blocks, left) = rest.as_chunks::<16>();
        let list = Self { size: u64::from_be_bytes(*size), blocks: blocks.to_vec() };
        (left.is_empty() && list.blocks.len() as u64 == list.size.div_ceil(BLOCK)).then_some(list)
    }
}

fn hash(bytes: &[u8]) -> Hash {
    if bytes.iter().all(|byte| *byte == 0) {
        return ZERO;
    }
    let whole: [u8; 32] = Sha256::digest(bytes).into();
    whole.first_chunk().copied().unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const B: usize = BLOCK as usize;

    fn extent(offset: usize, length: usize, zero: bool) -> Extent {
        Extent { offset: offset as u64, length: length as u64, zero }
    }

    #[test]
    fn only_what_differs_is_sent_and_zeroes_are_told() {
        let mut disk = vec![0u8; 4 * B + 100];
        disk[B] = 1;
        disk[3 * B] = 3;
        let list = |disk: &[u8]| {
            let mut list = Hashes::empty(disk.len() as u64);
            list.see(0, disk);
            list
        };
        let before = list(&disk);
        assert_eq!(list(&disk).since(&before), []);
        disk[B] = 0;
        disk[2 * B + 5] = 7;
        disk[3 * B] = 4;
        disk[4 * B + 99] = 9;
        assert_eq!(list(&disk).since(&before), [extent(B, B, true), extent(2 * B, 2 * B + 100, false)]);
        assert_eq!(Hashes::parse(&before.to_bytes()), Some(before));
    }

    #[test]
    fn what_was_not_seen_differs_always() {
        let mut list = Hashes::empty(4 * BLOCK);
        list.unknown(BLOCK + 1, BLOCK);
        assert_eq!(list.since(&list.clone()), [extent(B, 2 * B, false)]);
        // A part of a block says nothing about it.
        list.see(BLOCK + 10, &vec![1; B]);
        assert_eq!(list.since(&list.clone()).len(), 1);
        list.see(BLOCK, &vec![1; 2 * B]);
        assert_eq!(list.since(&list.clone()), []);
    }

    #[test]
    fn a_broken_list_is_no_list() {
        let good = Hashes::empty(3 * BLOCK).to_bytes();
        for bad in [&good[..good.len() - 1], &good[1..], b"", &good[..good.len() - 16]] {
            assert_eq!(Hashes::parse(bad), None);
        }
    }
}
