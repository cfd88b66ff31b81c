//! Taking a stream-optimised VMDK apart, as a host gives it out under an export lease. Pure: bytes go in, grains come out.

use crate::clouds::error::{Error, Result};
use bytes::{Buf, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};

const SECTOR: usize = 512;
/// A grain has 64 KiB; more than some MiB is a broken header.
const LARGEST: u64 = 8 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes of the disk from here on.
    Grain(u64, Vec<u8>),
    /// Bytes must come in first.
    More,
    End,
}

#[derive(Default)]
pub struct Unpacker {
    buffer: BytesMut,
    /// Bytes of a grain; 0: the header was not there yet.
    grain: u64,
    /// To be left out, bytes.
    skip: u64,
}

impl Unpacker {
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// # Errors
    /// `Permanent`: this is no such stream, or it is broken.
    pub fn step(&mut self) -> Result<Step> {
        loop {
            if self.skip > 0 {
                let now = self.skip.min(self.buffer.len() as u64);
                self.buffer.advance(now as usize);
                self.skip -= now;
            }
            let Some(sector) = self.buffer.first_chunk::<SECTOR>().filter(|_| self.skip == 0) else { return Ok(Step::More) };
            let u64_at = |at: usize| sector[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
            let u32_at = |at: usize| sector[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
            if self.grain == 0 {
                (self.grain, self.skip) = header(&sector[..4], u32_at(8), u64_at(20), u64_at(64))?;
                continue;
            }
            let (value, size, kind) = (u64_at(0), u64::from(u32_at(8)), u32_at(12));
            if size > 0 {
                let whole = (12 + size as usize).div_ceil(SECTOR) * SECTOR;
                if size > LARGEST || self.buffer.len() < whole {
                    return if size > LARGEST { Err(broken("a grain is too long")) } else { Ok(Step::More) };
                }
                let data = inflate(&self.buffer[12..12 + size as usize], self.grain as usize)?;
                self.buffer.advance(whole);
                return Ok(Step::Grain(value.saturating_mul(SECTOR as u64), data));
            }
            match kind {
                0 => return Ok(Step::End),
                // Tables of what lies where: it is known by now.
                1..=3 => self.skip = (1 + value) * SECTOR as u64,
                _ => return Err(broken("a marker is unknown")),
            }
        }
    }
}

/// Bytes of a grain, and what to leave out up to the first one.
fn header(magic: &[u8], flags: u32, grain: u64, over: u64) -> Result<(u64, u64)> {
    let grain = grain.saturating_mul(SECTOR as u64);
    if magic != b"KDMV" || flags & 0x3_0000 != 0x3_0000 {
        return Err(broken("it is not stream-optimised"));
    }
    if grain == 0 || grain > LARGEST || over == 0 || over > 1 << 20 {
        return Err(broken("its header is broken"));
    }
    Ok((grain, over * SECTOR as u64))
}

fn inflate(packed: &[u8], grain: usize) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(grain);
    let done = Decompress::new(true).decompress_vec(packed, &mut out, FlushDecompress::Finish);
    match done {
        Ok(Status::StreamEnd) if out.len() <= grain => Ok(out),
        _ => Err(broken("a grain cannot be unpacked")),
    }
}

fn broken(why: &str) -> Error {
    Error::permanent(format!("The exported disk cannot be read: {why}."))
}

#[cfg(test)]
mod tests {
    use super::{super::vmdk, *};
    use crate::clouds::Extent;
    use std::io::Write;

    fn stream() -> (Vec<u8>, Vec<u8>) {
        let mut disk = vec![0u8; 34 << 20];
        disk[..70_000].iter_mut().enumerate().for_each(|(i, byte)| *byte = i as u8);
        disk[(33 << 20) + 7] = 9;
        let extents = [Extent { offset: 0, length: 131_072, zero: false }, Extent { offset: 33 << 20, length: 65_536, zero: false }];
        let layout = vmdk::Layout::new(disk.len() as u64, &extents);
        let offsets: Vec<u64> = layout.offsets().collect();
        let mut writer = vmdk::Writer::new(layout);
        let mut out = writer.head();
        offsets.iter().for_each(|at| out.extend(writer.grain(&disk[*at as usize..][..vmdk::GRAIN as usize])));
        out.extend(writer.tail());
        (disk, out)
    }

    fn unpack(stream: &[u8], piece: usize) -> Result<Vec<(u64, Vec<u8>)>> {
        let (mut unpacker, mut parts, mut found) = (Unpacker::default(), stream.chunks(piece), vec![]);
        loop {
            match unpacker.step()? {
                Step::Grain(at, data) => found.push((at, data)),
                Step::End => return Ok(found),
                Step::More => unpacker.push(parts.next().ok_or_else(|| broken("it ends early"))?),
            }
        }
    }

    #[test]
    fn what_was_packed_is_unpacked_in_whatever_pieces_it_comes() {
        let (disk, stream) = stream();
        for piece in [1 << 20, 1000, 512, 77] {
            let found = unpack(&stream, piece).unwrap();
            assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [0, 65_536, 33 << 20]);
            assert!(found.iter().all(|(at, data)| disk[*at as usize..][..data.len()] == data[..]), "{piece}");
        }
    }

    /// Hosts compress for real.
    #[test]
    fn a_compressed_grain_is_unpacked() {
        let data = vec![5u8; 65_536];
        let mut packer = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::default());
        packer.write_all(&data).unwrap();
        assert_eq!(inflate(&packer.finish().unwrap(), 65_536).unwrap(), data);
    }

    #[test]
    fn what_is_broken_is_told() {
        let (_, good) = stream();
        let with = |at: usize, byte: u8| {
            let mut bad = good.clone();
            bad[at] = byte;
            unpack(&bad, 4096).unwrap_err().message
        };
        assert!(with(0, 0).contains("not stream-optimised"));
        assert!(with(71, 1).contains("header is broken"));
        assert!(with(128 * 512 + 12, 0).contains("cannot be unpacked"));
        assert!(unpack(&good[..good.len() - 512], 4096).unwrap_err().message.contains("ends early"));
    }
}
