//! Where the bytes of a disk lie: the map of a qcow2 file that can be read anywhere, and several of them on top of each
//! other.
//!
//! Format: QEMU's `docs/interop/qcow2.rst`. Refused with a reason: compressed clusters, backing files, external data,
//! encryption, extended L2 entries. Nova writes none of them unless `snapshot_compression` is on.

use crate::clouds::error::{Error, Kind, Result};
use async_trait::async_trait;
use bytes::Bytes;

const MAGIC: u32 = 0x5146_49fb;
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
const COMPRESSED: u64 = 1 << 62;
const ZERO: u64 = 1;
/// A table of one entry for each 512 MiB (clusters of 64 KiB): a disk of 2 PiB. More is a broken header.
const LONGEST_TABLE: u64 = 32 << 20;

/// A file that can be read at any place; beyond its end there are zeroes.
#[async_trait]
pub trait ReadAt: Send + Sync {
    async fn read_at(&self, offset: u64, length: u64) -> Result<Bytes>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In which file, and where there.
    Data {
        layer: usize,
        at: u64,
    },
    Zero,
}

/// A run of bytes of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub offset: u64,
    pub length: u64,
    pub place: Place,
}

impl Run {
    pub fn end(&self) -> u64 {
        self.offset + self.length
    }

    /// The part from `from` to `to`.
    fn cut(self, from: u64, to: u64) -> Self {
        let place = match self.place {
            Place::Data { layer, at } => Place::Data { layer, at: at + (from - self.offset) },
            Place::Zero => Place::Zero,
        };
        Self { offset: from, length: to - from, place }
    }
}

/// What a file holds of a disk, in ascending order; what is in no run was never written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    pub size: u64,
    pub runs: Vec<Run>,
}

/// # Errors
/// It is no qcow2 file that can be read, or the file's.
pub async fn qcow2(file: &dyn ReadAt, layer: usize) -> Result<Map> {
    let head = file.read_at(0, 104).await?;
    let h32 = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap_or_default());
    let h64 = |at: usize| u64::from_be_bytes(head[at..at + 8].try_into().unwrap_or_default());
    let refuse = |why: &str| Error::new(Kind::Unsupported, format!("The image cannot be read: {why}."));
    if h32(0) != MAGIC || !matches!(h32(4), 2 | 3) {
        return Err(refuse("it is not qcow2"));
    }
    if h64(8) != 0 {
        return Err(refuse("it builds on another file"));
    }
    if h32(32) != 0 {
        return Err(refuse("it is encrypted"));
    }
    // Dirty and corrupt bits say something about refcounts only; the rest changes how it is read.
    if h32(4) == 3 && h64(72) & !0b1011 != 0 {
        return Err(refuse("it uses features of qcow2 that are not known here"));
    }
    let (bits, size) = (u64::from(h32(20)), h64(24));
    if !(9..=21).contains(&bits) || u64::from(h32(36)) * 8 > LONGEST_TABLE {
        return Err(refuse("its header is broken"));
    }
    let cluster = 1 << bits;
    let (entries, mut runs) = (cluster / 8, vec![]);
    let l1 = table(file, h64(40), u64::from(h32(36))).await?;
    for (index, entry) in l1.into_iter().enumerate() {
        let first = index as u64 * entries * cluster;
        if entry & OFFSET == 0 || first >= size {
            continue;
        }
        for (number, entry) in table(file, entry & OFFSET, entries).await?.into_iter().enumerate() {
            let offset = first + number as u64 * cluster;
            if offset >= size || entry == 0 {
                continue;
            }
            if entry & COMPRESSED != 0 {
                return Err(refuse("it is compressed; set snapshot_compression = false in Nova"));
            }
            let place = match entry & OFFSET {
                _ if entry & ZERO != 0 => Place::Zero,
                0 => continue,
                at => Place::Data { layer, at },
            };
            add(&mut runs, Run { offset, length: cluster.min(size - offset), place });
        }
    }
    Ok(Map { size, runs })
}

async fn table(file: &dyn ReadAt, at: u64, entries: u64) -> Result<Vec<u64>> {
    let bytes = file.read_at(at, entries * 8).await?;
    Ok(bytes.chunks_exact(8).map(|one| u64::from_be_bytes(one.try_into().unwrap_or_default())).collect())
}

/// Joins what follows on the last one both in the disk and in the file.
fn add(runs: &mut Vec<Run>, run: Run) {
    if run.length == 0 {
        return;
    }
    if let Some(last) = runs.last_mut()
        && last.end() == run.offset
    {
        let follows = match (last.place, run.place) {
            (Place::Zero, Place::Zero) => true,
            (Place::Data { layer: a, at: x }, Place::Data { layer: b, at: y }) => a == b && x + last.length == y,
            _ => false,
        };
        if follows {
            last.length += run.length;
            return;
        }
    }
    runs.push(run);
}

/// What is seen when `above` lies on `below`.
pub fn over(below: &[Run], above: &[Run]) -> Vec<Run> {
    let mut out = vec![];
    let mut tops = above.iter().peekable();
    for run in below {
        let mut at = run.offset;
        while at < run.end() {
            match tops.peek() {
                Some(top) if top.end() <= at => {
                    add(&mut out, **top);
                    tops.next();
                }
                Some(top) if top.offset <= at => at = top.end().min(run.end()),
                Some(top) if top.offset < run.end() => {
                    add(&mut out, run.cut(at, top.offset));
                    at = top.offset;
                }
                _ => {
                    add(&mut out, run.cut(at, run.end()));
                    at = run.end();
                }
            }
        }
        // Those that end inside this run are through; one that reaches further waits for the next.
        while let Some(top) = tops.next_if(|top| top.end() <= run.end()) {
            add(&mut out, *top);
        }
    }
    tops.for_each(|top| add(&mut out, *top));
    out
}

/// The runs between two places, cut there.
pub fn between(runs: &[Run], from: u64, to: u64) -> impl Iterator<Item = Run> + '_ {
    let first = runs.partition_point(|run| run.end() <= from);
    runs[first..].iter().take_while(move |run| run.offset < to).map(move |run| run.cut(run.offset.max(from), run.end().min(to)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::Extent;
    use crate::clouds::qcow2::Layout;
    use proptest::prelude::*;

    struct Memory(Vec<u8>);

    #[async_trait]
    impl ReadAt for Memory {
        async fn read_at(&self, offset: u64, length: u64) -> Result<Bytes> {
            let mut out = vec![0; length as usize];
            let from = (offset as usize).min(self.0.len());
            let to = (from + length as usize).min(self.0.len());
            out[..to - from].copy_from_slice(&self.0[from..to]);
            Ok(out.into())
        }
    }

    const C: u64 = 64 << 10;

    fn extent(offset: u64, length: u64, zero: bool) -> Extent {
        Extent { offset: offset * C, length: length * C, zero }
    }

    #[tokio::test]
    async fn what_our_layout_writes_is_read_back() {
        let size = 1 << 30;
        let extents = [extent(0, 2, false), extent(3, 1, true), extent(8191, 2, false), extent(9000, 10, true)];
        let delta = Layout::new(size, &extents, Some("")).unwrap();
        let map = qcow2(&Memory(delta.head()), 4).await.unwrap();
        let start = delta.head_size();
        let run = |offset: u64, length: u64, place| Run { offset: offset * C, length: length * C, place };
        let data = |n: u64| Place::Data { layer: 4, at: start + n * C };
        assert_eq!(
            map,
            Map { size, runs: vec![run(0, 2, data(0)), run(3, 1, Place::Zero), run(8191, 2, data(2)), run(9000, 10, Place::Zero)] }
        );
        let full = Layout::new(size + 512, &[extent(0, 1, false)], None).unwrap();
        assert_eq!(qcow2(&Memory(full.head()), 0).await.unwrap().runs.len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_refused_with_a_reason() {
        let good = Layout::new(1 << 20, &[extent(0, 1, false)], None).unwrap().head();
        let said = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            async move { qcow2(&Memory(bytes), 0).await.unwrap_err().message }
        };
        assert!(said(0, 0).await.contains("not qcow2"));
        assert!(said(15, 1).await.contains("builds on another"));
        assert!(said(35, 2).await.contains("encrypted"));
        assert!(said(79, 16).await.contains("features"));
        assert!(said(23, 60).await.contains("header is broken"));
        let l2 = u64::from_be_bytes(good[3 * C as usize..][..8].try_into().unwrap()) & OFFSET;
        assert!(said(l2 as usize, 0x40).await.contains("compressed"));
    }

    /// By bytes: who wrote each last.
    fn paint(size: usize, layers: &[Vec<Run>]) -> Vec<Option<(usize, u64)>> {
        let mut out = vec![None; size];
        for run in layers.iter().flatten() {
            for (i, cell) in out[run.offset as usize..run.end() as usize].iter_mut().enumerate() {
                *cell = match run.place {
                    Place::Data { layer, at } => Some((layer, at + i as u64)),
                    Place::Zero => Some((usize::MAX, 0)),
                };
            }
        }
        out
    }

    proptest! {
        #[test]
        fn layers_show_what_was_written_last(layers in proptest::collection::vec(proptest::collection::vec((0u64..6, 1u64..6, any::<bool>()), 0..8), 1..5)) {
            let layers: Vec<Vec<Run>> = layers.iter().enumerate().map(|(layer, parts)| {
                let mut at = 0;
                let mut runs = vec![];
                for (gap, length, zero) in parts {
                    at += gap;
                    let place = if *zero { Place::Zero } else { Place::Data { layer, at: 1000 + at } };
                    add(&mut runs, Run { offset: at, length: *length, place });
                    at += length;
                }
                runs
            }).collect();
            let seen = layers.iter().skip(1).fold(layers[0].clone(), |below, above| over(&below, above));
            prop_assert!(seen.windows(2).all(|w| w[0].end() <= w[1].offset), "{seen:?}");
            prop_assert_eq!(paint(120, std::slice::from_ref(&seen)), paint(120, &layers));
            let part: Vec<Run> = between(&seen, 7, 31).collect();
            let whole = paint(120, std::slice::from_ref(&seen));
            prop_assert_eq!(&paint(120, &[part])[7..31], &whole[7..31]);
        }
    }
}
