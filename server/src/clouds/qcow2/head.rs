//! The bytes in front of the data.

use super::{CLUSTER, COPIED, L2_ENTRIES, Layout, REFCOUNTS, ZERO};

const MAGIC: u32 = 0x5146_49fb;
const BACKING_FORMAT: u32 = 0xe279_2aca;
const HEADER: u32 = 104;

impl Layout {
    /// Header, refcounts, L1 and L2: `head_size()` bytes, to be followed by the data clusters in ascending order.
    pub fn head(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(usize::try_from(self.head_size()).unwrap_or_default());
        self.header(&mut out);
        pad(&mut out, 1);
        self.refcount_table(&mut out);
        self.refcount_blocks(&mut out);
        self.l1(&mut out);
        self.l2(&mut out);
        out
    }

    fn header(&self, out: &mut Vec<u8>) {
        let backing = self.backing.as_deref().unwrap_or_default().as_bytes();
        let mut extensions = vec![];
        if !backing.is_empty() {
            put32(&mut extensions, &[BACKING_FORMAT, 5]);
            extensions.extend(b"qcow2\0\0\0");
        }
        put32(&mut extensions, &[0, 0]);
        let backing_at = if backing.is_empty() { 0 } else { u64::from(HEADER) + extensions.len() as u64 };
        put32(out, &[MAGIC, 3]);
        put64(out, &[backing_at]);
        put32(out, &[backing.len() as u32, CLUSTER.ilog2()]);
        put64(out, &[self.size]);
        put32(out, &[0, self.l1_entries as u32]);
        put64(out, &[(1 + self.refcount_table + self.refcount_blocks) * CLUSTER, CLUSTER]);
        put32(out, &[self.refcount_table as u32, 0]);
        // No snapshots; no incompatible, compatible or autoclear features; 16-bit refcounts.
        put64(out, &[0, 0, 0, 0]);
        put32(out, &[4, HEADER]);
        out.extend(extensions);
        out.extend(backing);
    }

    fn refcount_table(&self, out: &mut Vec<u8>) {
        for block in 0..self.refcount_blocks {
            put64(out, &[(1 + self.refcount_table + block) * CLUSTER]);
        }
        pad(out, 1 + self.refcount_table);
    }

    /// Every cluster of the file is used exactly once.
    fn refcount_blocks(&self, out: &mut Vec<u8>) {
        let used = self.file_size() / CLUSTER;
        out.extend([0, 1].repeat(used as usize));
        out.resize(out.len() + ((self.refcount_blocks * REFCOUNTS - used) * 2) as usize, 0);
    }

    fn l1(&self, out: &mut Vec<u8>) {
        let mut table = vec![0; self.l1_entries as usize];
        for (index, entry) in self.tables.iter().enumerate() {
            table[*entry as usize] = ((self.l2_start() + index as u64) * CLUSTER) | COPIED;
        }
        put64(out, &table);
        pad(out, self.l2_start());
    }

    fn l2(&self, out: &mut Vec<u8>) {
        let (mut data, mut zeroes) = (self.data.iter().enumerate().peekable(), self.zeroes.iter().peekable());
        for table in &self.tables {
            let first = table * L2_ENTRIES;
            let mut entries = vec![0; L2_ENTRIES as usize];
            while let Some((index, cluster)) = data.next_if(|(_, c)| **c < first + L2_ENTRIES) {
                entries[(cluster - first) as usize] = ((self.data_start() + index as u64) * CLUSTER) | COPIED;
            }
            while let Some(cluster) = zeroes.next_if(|c| **c < first + L2_ENTRIES) {
                entries[(cluster - first) as usize] = ZERO;
            }
            put64(out, &entries);
        }
    }
}

fn put32(out: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|v| out.extend(v.to_be_bytes()));
}

fn put64(out: &mut Vec<u8>, values: &[u64]) {
    values.iter().for_each(|v| out.extend(v.to_be_bytes()));
}

/// Fills up to the end of cluster number `clusters - 1`.
fn pad(out: &mut Vec<u8>, clusters: u64) {
    out.resize((clusters * CLUSTER) as usize, 0);
}
