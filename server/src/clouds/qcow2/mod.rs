//! A qcow2 file as a stream: everything in front of the data is known before the first byte of data is read.
//!
//! A recovery point is uploaded once, front to back, so the maps must be written before the data that they point to.
//! The extents are known in advance, hence so is the whole layout: header, refcount table and blocks, L1, L2 tables,
//! then the data clusters in ascending order. No image library is needed and nothing is written twice.
//! Clusters are 64 KiB, the granularity of QEMU's dirty bitmaps, so that an incremental point never needs a part of a
//! cluster from below. Format: QEMU's `docs/interop/qcow2.rst`, version 3.
//!
//! Deliberately absent: compression, encryption, snapshots, bitmaps, external data files.

mod head;
#[cfg(any(feature = "openstack", feature = "vsphere"))]
pub mod layers;

use crate::clouds::Extent;

pub const CLUSTER: u64 = 64 << 10;
/// Entries of one L2 table: one cluster of 8-byte entries.
const L2_ENTRIES: u64 = CLUSTER / 8;
/// 16-bit refcounts in one cluster.
const REFCOUNTS: u64 = CLUSTER / 2;
/// "Reads as zeroes" in an L2 entry (version 3).
const ZERO: u64 = 1;
/// Refcount is exactly one: may be written in place.
const COPIED: u64 = 1 << 63;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LayoutError {
    #[error("the extents are not in ascending order or reach beyond the end of the disk (at {0})")]
    Order(u64),
    #[error("an incremental extent at {0} does not begin or end on a cluster of 64 KiB")]
    Unaligned(u64),
    #[error("the name of the backing file is longer than 1023 bytes")]
    BackingName,
}

/// Where everything of one file goes. All counts in clusters.
#[derive(Debug)]
pub struct Layout {
    size: u64,
    backing: Option<String>,
    /// Guest clusters that hold data, ascending.
    data: Vec<u64>,
    /// Guest clusters that read as zeroes over a backing file, ascending.
    zeroes: Vec<u64>,
    /// Which L2 tables exist, ascending.
    tables: Vec<u64>,
    l1_entries: u64,
    refcount_table: u64,
    refcount_blocks: u64,
    l1: u64,
}

impl Layout {
    /// `backing`: file name of the point below, always qcow2; without it everything not in `extents` reads as zeroes.
    ///
    /// # Errors
    /// Extents that overlap, are out of order or out of the disk; with a backing file also parts of clusters.
    pub fn new(size: u64, extents: &[Extent], backing: Option<&str>) -> Result<Self, LayoutError> {
        if backing.is_some_and(|b| b.len() > 1023) {
            return Err(LayoutError::BackingName);
        }
        check(size, extents, backing.is_some())?;
        let data = clusters(extents.iter().filter(|e| !e.zero));
        let zeroes = if backing.is_some() { clusters(extents.iter().filter(|e| e.zero)) } else { vec![] };
        let mut tables: Vec<u64> = data.iter().chain(&zeroes).map(|c| c / L2_ENTRIES).collect();
        tables.sort_unstable();
        tables.dedup();
        let l1_entries = size.div_ceil(CLUSTER * L2_ENTRIES).max(1);
        let l1 = (l1_entries * 8).div_ceil(CLUSTER);
        let fixed = 1 + l1 + tables.len() as u64 + data.len() as u64;
        let (refcount_table, refcount_blocks) = refcounts(fixed);
        Ok(Self { size, backing: backing.map(str::to_owned), data, zeroes, tables, l1_entries, refcount_table, refcount_blocks, l1 })
    }

    /// Bytes of the whole file.
    pub fn file_size(&self) -> u64 {
        (self.data_start() + self.data.len() as u64) * CLUSTER
    }

    /// Bytes in front of the data.
    pub fn head_size(&self) -> u64 {
        self.data_start() * CLUSTER
    }

    /// Where in the file the guest's cluster at `offset` lies; `None`: it holds no data in this file.
    pub fn position(&self, offset: u64) -> Option<u64> {
        let index = self.data.binary_search(&(offset / CLUSTER)).ok()? as u64;
        Some((self.data_start() + index) * CLUSTER + offset % CLUSTER)
    }

    fn l2_start(&self) -> u64 {
        1 + self.refcount_table + self.refcount_blocks + self.l1
    }

    fn data_start(&self) -> u64 {
        self.l2_start() + self.tables.len() as u64
    }
}

fn check(size: u64, extents: &[Extent], incremental: bool) -> Result<(), LayoutError> {
    let mut end = 0;
    for e in extents {
        let last = e.offset.checked_add(e.length).filter(|last| *last <= size && e.offset >= end && e.length > 0);
        end = last.ok_or(LayoutError::Order(e.offset))?;
        if incremental && (e.offset % CLUSTER != 0 || (end % CLUSTER != 0 && end != size)) {
            return Err(LayoutError::Unaligned(e.offset));
        }
    }
    Ok(())
}

/// Every cluster that an extent touches, once.
fn clusters<'a>(extents: impl Iterator<Item = &'a Extent>) -> Vec<u64> {
    let mut out: Vec<u64> = vec![];
    for e in extents {
        let from = (e.offset / CLUSTER).max(out.last().map_or(0, |last| last + 1));
        out.extend(from..(e.offset + e.length).div_ceil(CLUSTER));
    }
    out
}

/// Clusters of the refcount table and of its blocks, for a file of `fixed` clusters plus these themselves.
fn refcounts(fixed: u64) -> (u64, u64) {
    let (mut table, mut blocks) = (1, 1);
    loop {
        let need_blocks = (fixed + table + blocks).div_ceil(REFCOUNTS);
        let need_table = (need_blocks * 8).div_ceil(CLUSTER);
        if (need_table, need_blocks) == (table, blocks) {
            return (table, blocks);
        }
        (table, blocks) = (need_table.max(table), need_blocks.max(blocks));
    }
}

#[cfg(test)]
mod tests;
