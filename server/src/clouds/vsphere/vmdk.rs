//! A stream-optimised VMDK, the form in which a host takes disks. Pure.
//!
//! The format wants each grain (64 KiB) compressed; deflate has blocks that are stored as they are, and these are used: the length
//! of the whole is known before the first byte is read, which the server wants to be told, and no time is spent on compressing.
//! Format: VMware's "Virtual Disk Format 5.0".

use crate::clouds::Extent;

pub const GRAIN: u64 = 64 << 10;
const SECTOR: u64 = 512;
const GRAIN_SECTORS: u64 = GRAIN / SECTOR;
/// Entries of one grain table.
const ENTRIES: u64 = 512;
/// Sectors of one grain table.
const TABLE: u64 = ENTRIES * 4 / SECTOR;
/// In front of the grains, in sectors: header and descriptor.
const HEAD: u64 = 128;
const DESCRIPTOR: u64 = 20;
/// Bytes of a grain as zlib stores it: header, two stored blocks (65,535 bytes are the most of one), checksum.
const PACKED: u64 = 2 + 5 + 65_535 + 5 + 1 + 4;
/// Sectors of a grain with its marker.
const STEP: u64 = (12 + PACKED).div_ceil(SECTOR);

/// Which grains a disk has.
#[derive(Debug)]
pub struct Layout {
    size: u64,
    /// Numbers, ascending.
    grains: Vec<u64>,
}

impl Layout {
    /// `extents` in ascending order; zeroes are left out.
    pub fn new(size: u64, extents: &[Extent]) -> Self {
        let mut grains: Vec<u64> = vec![];
        for one in extents.iter().filter(|one| !one.zero && one.length > 0) {
            let from = (one.offset / GRAIN).max(grains.last().map_or(0, |last| last + 1));
            grains.extend(from..(one.offset + one.length).div_ceil(GRAIN));
        }
        Self { size, grains }
    }

    /// Where each grain begins in the disk.
    pub fn offsets(&self) -> impl Iterator<Item = u64> + '_ {
        self.grains.iter().map(|grain| grain * GRAIN)
    }

    /// Bytes of the whole stream.
    pub fn length(&self) -> u64 {
        let mut tables: Vec<u64> = self.grains.iter().map(|grain| grain / ENTRIES).collect();
        tables.dedup();
        let grains = self.grains.len() as u64 * STEP;
        (HEAD + grains + tables.len() as u64 * (1 + TABLE) + 1 + self.directory() + 2 + 1) * SECTOR
    }

    /// Sectors of the directory of grain tables.
    fn directory(&self) -> u64 {
        (self.tables() * 4).div_ceil(SECTOR)
    }

    fn tables(&self) -> u64 {
        self.size.div_ceil(GRAIN * ENTRIES).max(1)
    }

    fn header(&self, directory_at: u64) -> Vec<u8> {
        let mut out = vec![0; SECTOR as usize];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"KDMV");
        put(4, &3u32.to_le_bytes());
        // New lines are tested, grains are compressed, markers are there.
        put(8, &0x3_0001u32.to_le_bytes());
        put(12, &self.size.div_ceil(SECTOR).to_le_bytes());
        put(20, &GRAIN_SECTORS.to_le_bytes());
        put(28, &1u64.to_le_bytes());
        put(36, &DESCRIPTOR.to_le_bytes());
        put(44, &(ENTRIES as u32).to_le_bytes());
        put(56, &directory_at.to_le_bytes());
        put(64, &HEAD.to_le_bytes());
        put(73, b"\n \r\n");
        put(77, &1u16.to_le_bytes());
        out
    }

    fn head(&self) -> Vec<u8> {
        let sectors = self.size.div_ceil(SECTOR);
        let text = format!(
            "# Disk DescriptorFile\nversion=1\nCID=7a3f5c21\nparentCID=ffffffff\ncreateType=\"streamOptimized\"\n\n# Extent description\nRDONLY {sectors} SPARSE \"disk.vmdk\"\n\n# The Disk Data Base\n#DDB\n\nddb.adapterType = \"lsilogic\"\nddb.geometry.cylinders = \"{}\"\nddb.geometry.heads = \"255\"\nddb.geometry.sectors = \"63\"\nddb.virtualHWVersion = \"13\"\n",
            (sectors / (255 * 63)).clamp(1, 65_535)
        );
        // The place of the directory is told by the footer.
        let mut out = self.header(u64::MAX);
        out.extend_from_slice(text.as_bytes());
        out.resize((HEAD * SECTOR) as usize, 0);
        out
    }
}

/// Writes the parts of a stream, one after the other.
#[derive(Debug)]
pub struct Writer {
    layout: Layout,
    /// How many grains were written.
    next: usize,
    /// In sectors.
    at: u64,
    /// Where the grains of the table lie that is being filled.
    table: Vec<u32>,
    /// Where the tables lie.
    directory: Vec<u32>,
}

impl Writer {
    pub fn new(layout: Layout) -> Self {
        let directory = vec![0; layout.tables() as usize];
        Self { layout, next: 0, at: 0, table: vec![], directory }
    }

    pub fn head(&mut self) -> Vec<u8> {
        self.at = HEAD;
        self.layout.head()
    }

    /// The next grain, in the order of [`Layout::offsets`]; what is missing at the end of a disk is zero.
    pub fn grain(&mut self, data: &[u8]) -> Vec<u8> {
        let Some(number) = self.layout.grains.get(self.next).copied() else { return vec![] };
        self.next += 1;
        if self.table.is_empty() {
            self.table = vec![0; ENTRIES as usize];
        }
        self.table[(number % ENTRIES) as usize] = self.at as u32;
        let mut out = Vec::with_capacity((STEP * SECTOR) as usize + 4096);
        out.extend_from_slice(&(number * GRAIN_SECTORS).to_le_bytes());
        out.extend_from_slice(&(PACKED as u32).to_le_bytes());
        store(data, &mut out);
        out.resize((STEP * SECTOR) as usize, 0);
        self.at += STEP;
        let table = number / ENTRIES;
        if self.layout.grains.get(self.next).is_none_or(|next| next / ENTRIES != table) {
            self.close_table(table, &mut out);
        }
        out
    }

    fn close_table(&mut self, number: u64, out: &mut Vec<u8>) {
        marker(TABLE, 1, out);
        self.directory[number as usize] = (self.at + 1) as u32;
        std::mem::take(&mut self.table).iter().for_each(|entry| out.extend_from_slice(&entry.to_le_bytes()));
        self.at += 1 + TABLE;
    }

    /// Directory, footer, end.
    pub fn tail(self) -> Vec<u8> {
        let mut out = vec![];
        let sectors = self.layout.directory();
        marker(sectors, 2, &mut out);
        self.directory.iter().for_each(|entry| out.extend_from_slice(&entry.to_le_bytes()));
        out.resize(((1 + sectors) * SECTOR) as usize, 0);
        marker(1, 3, &mut out);
        out.extend_from_slice(&self.layout.header(self.at + 1));
        marker(0, 0, &mut out);
        out
    }
}

fn marker(sectors: u64, kind: u32, out: &mut Vec<u8>) {
    let end = out.len() + SECTOR as usize;
    out.extend_from_slice(&sectors.to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.resize(end, 0);
}

/// A grain in zlib's form, not compressed.
fn store(data: &[u8], out: &mut Vec<u8>) {
    let mut grain = vec![0; GRAIN as usize];
    grain[..data.len()].copy_from_slice(data);
    out.extend_from_slice(&[0x78, 0x01]);
    let (first, last) = grain.split_at(65_535);
    for (part, end) in [(first, 0u8), (last, 1)] {
        let length = part.len() as u16;
        out.push(end);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&adler(&grain).to_be_bytes());
}

fn adler(data: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    // As many as fit into 32 bits before the remainder must be taken.
    for part in data.chunks(5552) {
        for byte in part {
            a += u32::from(*byte);
            b += a;
        }
        (a, b) = (a % 65_521, b % 65_521);
    }
    b << 16 | a
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn extent(offset: u64, length: u64, zero: bool) -> Extent {
        Extent { offset, length, zero }
    }

    fn stream(disk: &[u8], extents: &[Extent]) -> Vec<u8> {
        let layout = Layout::new(disk.len() as u64, extents);
        let (length, offsets) = (layout.length(), layout.offsets().collect::<Vec<_>>());
        let mut writer = Writer::new(layout);
        let mut out = writer.head();
        for at in offsets {
            let end = (at + GRAIN).min(disk.len() as u64);
            out.extend(writer.grain(&disk[at as usize..end as usize]));
        }
        out.extend(writer.tail());
        assert_eq!(out.len() as u64, length, "the length is known before");
        out
    }

    #[test]
    fn a_checksum_is_that_of_zlib() {
        assert_eq!(adler(b"Wikipedia"), 0x11E6_0398);
        assert_eq!(adler(&[255; 65_536]), adler(&vec![255; 65_536]));
    }

    #[test]
    fn extents_become_grains() {
        let layout = Layout::new(
            10 * GRAIN,
            &[extent(100, 10, false), extent(GRAIN - 1, 2, false), extent(3 * GRAIN, GRAIN, true), extent(9 * GRAIN, GRAIN, false)],
        );
        assert_eq!(layout.offsets().collect::<Vec<_>>(), [0, GRAIN, 9 * GRAIN]);
        assert_eq!(Layout::new(GRAIN, &[]).length() % SECTOR, 0);
    }

    /// QEMU's own reader is the judge, where it is installed.
    #[test]
    fn qemu_reads_what_was_written() {
        if Command::new("qemu-img").arg("--version").output().is_err() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        // Two grain tables, a hole, and an end that is no whole grain.
        let mut disk = vec![0u8; 40 << 20];
        disk.extend_from_slice(&[7; 1024]);
        for (at, byte) in [(0, 1u8), (5 << 20, 2), ((33 << 20) + 512, 3)] {
            disk[at..at + 100_000].iter_mut().enumerate().for_each(|(i, one)| *one = byte.wrapping_add(i as u8));
        }
        let extents =
            [extent(0, 131_072, false), extent(5 << 20, 131_072, false), extent(33 << 20, 131_072, false), extent(40 << 20, 1024, false)];
        let (vmdk, raw) = (dir.path().join("a.vmdk"), dir.path().join("a.raw"));
        std::fs::write(&vmdk, stream(&disk, &extents)).unwrap();
        std::fs::write(&raw, &disk).unwrap();
        let out = Command::new("qemu-img").args(["compare", "-f", "vmdk", "-F", "raw"]).args([&vmdk, &raw]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
    }
}
