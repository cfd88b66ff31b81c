//! Pieces of a disk, in ascending order, as the blocks that EBS takes. Pure.

use super::super::blocks::BLOCK;
use crate::clouds::Extent;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

const STEP: u64 = 1024 * BLOCK;

/// All that is new in one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub index: u64,
    /// Where in the block, how long, and what; `None`: zeroes.
    pieces: Vec<(usize, usize, Option<Bytes>)>,
}

impl Block {
    /// Nothing of what was there before is left.
    pub fn is_whole(&self) -> bool {
        self.pieces.iter().map(|(_, length, _)| *length as u64).sum::<u64>() >= BLOCK
    }

    /// All that is new is said to be zeroes.
    pub fn is_zero(&self) -> bool {
        self.pieces.iter().all(|(_, _, data)| data.is_none())
    }

    /// It is all zeroes, whatever was said.
    pub fn is_blank(&self) -> bool {
        self.pieces.iter().all(|(_, _, data)| data.as_ref().is_none_or(|data| data.iter().all(|byte| *byte == 0)))
    }

    /// `base`: what was there before; `None`: zeroes.
    pub fn over(self, base: Option<Bytes>) -> Bytes {
        if let [(0, length, Some(data))] = self.pieces.as_slice()
            && *length as u64 == BLOCK
        {
            return data.clone();
        }
        let mut out = base.map_or_else(|| BytesMut::zeroed(BLOCK as usize), BytesMut::from);
        for (at, length, data) in self.pieces {
            match data {
                Some(data) => out[at..at + length].copy_from_slice(&data),
                None => out[at..at + length].fill(0),
            }
        }
        out.freeze()
    }
}

/// One disk.
pub struct Assembler {
    /// Extents that read as zeroes and were not come to yet.
    zeroes: VecDeque<Extent>,
    open: Option<Block>,
}

impl Assembler {
    /// `delta`: zeroes must be written where something else was.
    pub fn new(extents: &[Extent], delta: bool) -> Self {
        Self { zeroes: extents.iter().filter(|one| one.zero && delta).copied().collect(), open: None }
    }

    /// Of zeroes before an offset, as long as there are any: blocks that are done. In steps, since a terabyte of them is two
    /// million blocks.
    pub fn zeroes(&mut self, before: u64) -> Option<Vec<Block>> {
        let next = self.zeroes.front_mut().filter(|one| one.offset < before)?;
        let (offset, length) = (next.offset, next.length.min(STEP));
        (next.offset, next.length) = (offset + length, next.length - length);
        if next.length == 0 {
            self.zeroes.pop_front();
        }
        let mut done = vec![];
        self.add(offset, length, None, &mut done);
        Some(done)
    }

    /// Answers the blocks that are done. Zeroes before it must have been taken.
    pub fn data(&mut self, offset: u64, data: &Bytes) -> Vec<Block> {
        let mut done = vec![];
        self.add(offset, data.len() as u64, Some(data), &mut done);
        done
    }

    /// After everything.
    pub fn rest(&mut self) -> Option<Vec<Block>> {
        self.zeroes(u64::MAX).or_else(|| Some(vec![self.open.take()?]))
    }

    fn add(&mut self, offset: u64, length: u64, data: Option<&Bytes>, done: &mut Vec<Block>) {
        let mut at = offset;
        while at < offset + length {
            let (index, inside) = (at / BLOCK, at % BLOCK);
            let part = (BLOCK - inside).min(offset + length - at);
            let from = (at - offset) as usize;
            let piece = (inside as usize, part as usize, data.map(|data| data.slice(from..from + part as usize)));
            if self.open.as_ref().is_some_and(|open| open.index != index) {
                done.extend(self.open.take());
            }
            self.open.get_or_insert_with(|| Block { index, pieces: vec![] }).pieces.push(piece);
            at += part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const B: usize = BLOCK as usize;

    fn extent(offset: u64, length: u64, zero: bool) -> Extent {
        Extent { offset, length, zero }
    }

    fn all(assembler: &mut Assembler, writes: &[(u64, Bytes)]) -> Vec<Block> {
        let mut out = vec![];
        for (offset, data) in writes {
            while let Some(done) = assembler.zeroes(*offset) {
                out.extend(done);
            }
            out.extend(assembler.data(*offset, data));
        }
        while let Some(more) = assembler.rest() {
            out.extend(more);
        }
        out
    }

    #[test]
    fn a_whole_block_is_sent_as_it_came() {
        let data = Bytes::from(vec![7; 2 * B]);
        let blocks = all(&mut Assembler::new(&[], true), &[(BLOCK, data.clone())]);
        assert_eq!(blocks.iter().map(|b| (b.index, b.is_whole())).collect::<Vec<_>>(), [(1, true), (2, true)]);
        assert!(!blocks[0].is_blank() && Block { index: 0, pieces: vec![(0, 2, Some(Bytes::from_static(&[0, 0])))] }.is_blank());
        assert_eq!(blocks[0].clone().over(None).as_ptr(), data.as_ptr(), "not copied");
    }

    #[test]
    fn zeroes_matter_only_over_something() {
        let extents = [extent(0, 3 * BLOCK, true), extent(3 * BLOCK, 10, false)];
        let write = (3 * BLOCK, Bytes::from_static(&[1; 10]));
        let full = all(&mut Assembler::new(&extents, false), std::slice::from_ref(&write));
        assert_eq!(full.iter().map(|b| b.index).collect::<Vec<_>>(), [3]);
        let delta = all(&mut Assembler::new(&extents, true), &[write]);
        assert_eq!(
            delta.iter().map(|b| (b.index, b.is_zero(), b.is_whole())).collect::<Vec<_>>(),
            [(0, true, true), (1, true, true), (2, true, true), (3, false, false)]
        );
    }

    proptest! {
        /// Whatever is written, in pieces of any length: what comes out over the old disk is the new disk.
        #[test]
        fn what_comes_out_is_the_new_disk(cuts in prop::collection::vec((0u64..6 * BLOCK, 1u64..2 * BLOCK, 0u8..3), 0..6)) {
            let (old, mut new) = (vec![9u8; 8 * B], vec![9u8; 8 * B]);
            let (mut extents, mut writes, mut end) = (vec![], vec![], 0);
            let mut sorted = cuts;
            sorted.sort_unstable();
            for (offset, length, what) in sorted {
                let offset = offset.max(end);
                end = offset + length;
                if end > 8 * BLOCK { break; }
                let range = offset as usize..end as usize;
                new[range.clone()].fill(what);
                extents.push(extent(offset, length, what == 0));
                if what != 0 { writes.push((offset, Bytes::copy_from_slice(&new[range]))); }
            }
            let mut disk = old.clone();
            for block in all(&mut Assembler::new(&extents, true), &writes) {
                let at = block.index as usize * B;
                let base = (!block.is_whole()).then(|| Bytes::copy_from_slice(&disk[at..at + B]));
                disk[at..at + B].copy_from_slice(&block.over(base));
            }
            prop_assert!(disk == new);
        }
    }
}
