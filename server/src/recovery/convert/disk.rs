//! One disk of a source's point, to be read anywhere and again: each part is fetched once and then lies in a file here.
//!
//! What was never written reads as zeroes and is not fetched. A source that can only be read forward is copied whole first.

use crate::{
    clouds::{
        Extent, MAX_READ,
        error::{Error, Result},
    },
    replication::Shared,
};
use bytes::Bytes;
use std::{fs::File, io, os::unix::fs::FileExt, path::Path, sync::PoisonError, time::Duration};
use tokio::sync::Mutex;

/// What is fetched at once: a multiple of what clouds hand out, and enough that a file system's neighbours come along.
const PART: u64 = 512 << 10;
/// A cloud that delivers nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Disk {
    point: Shared,
    index: usize,
    size: u64,
    /// Data only, in ascending order.
    data: Vec<Extent>,
    file: File,
    /// Which parts lie in the file.
    there: Mutex<Vec<bool>>,
    /// The first thing that went wrong: readers over the network only learn that something did.
    failed: std::sync::Mutex<Option<Error>>,
}

impl Disk {
    /// # Errors
    /// The source's, or of the file at `cache`, which must not exist.
    pub async fn open(point: &Shared, index: usize, cache: &Path) -> Result<Self> {
        let mut open = point.lock().await;
        let source = open.as_mut().ok_or_else(closed)?;
        let size = source.disks().get(index).ok_or_else(|| Error::permanent("The machine has no such disk."))?.size_bytes;
        let extents = source.extents(index).await?;
        let file = File::options().read(true).write(true).create_new(true).open(cache).and_then(|file| file.set_len(size).map(|()| file));
        let parts = usize::try_from(size.div_ceil(PART)).unwrap_or_default();
        Ok(Self {
            point: point.clone(),
            index,
            size,
            data: extents.into_iter().filter(|one| !one.zero && one.length > 0).collect(),
            file: file.map_err(|error| local(&error))?,
            there: Mutex::new(vec![false; parts]),
            failed: std::sync::Mutex::default(),
        })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn failed(&self) -> Option<Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The range must lie within the disk.
    ///
    /// # Errors
    /// The source's, or of the file.
    pub async fn read(&self, offset: u64, length: u32) -> Result<Bytes> {
        let read = async {
            self.fetch(offset, offset + u64::from(length)).await?;
            let mut out = vec![0; length as usize];
            self.file.read_exact_at(&mut out, offset).map_err(|error| local(&error))?;
            Ok(Bytes::from(out))
        };
        let outcome: Result<Bytes> = read.await;
        if let Err(error) = &outcome {
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
        outcome
    }

    /// Everything, front to back.
    ///
    /// # Errors
    /// The source's, or of the file.
    pub async fn fetch_all(&self) -> Result<()> {
        self.fetch(0, self.size).await
    }

    async fn fetch(&self, from: u64, to: u64) -> Result<()> {
        let mut there = self.there.lock().await;
        for part in from / PART..to.div_ceil(PART) {
            let known = there.get_mut(usize::try_from(part).unwrap_or(usize::MAX));
            let Some(known) = known.filter(|known| !**known) else { continue };
            for (at, length) in within(&self.data, part * PART, ((part + 1) * PART).min(self.size)) {
                let data = self.ask(at, length).await?;
                self.file.write_all_at(&data, at).map_err(|error| local(&error))?;
            }
            *known = true;
        }
        Ok(())
    }

    async fn ask(&self, offset: u64, length: u32) -> Result<Bytes> {
        let mut open = self.point.lock().await;
        let source = open.as_mut().ok_or_else(closed)?;
        let late = |_| Err(Error::transient(format!("Nothing came from the source for {} s: is the link cut?", PATIENCE.as_secs())));
        let data = tokio::time::timeout(PATIENCE, source.read(self.index, offset, length)).await.unwrap_or_else(late)?;
        if data.len() == length as usize { Ok(data) } else { Err(Error::permanent("The source answered less than it was asked for.")) }
    }
}

/// The data between two places, in reads that are short enough.
fn within(data: &[Extent], from: u64, to: u64) -> Vec<(u64, u32)> {
    let first = data.partition_point(|one| one.offset + one.length <= from);
    let inside = data[first..].iter().take_while(|one| one.offset < to);
    let cut = |one: &Extent| (one.offset.max(from), (one.offset + one.length).min(to));
    let mut out: Vec<(u64, u32)> = vec![];
    for (start, end) in inside.map(cut) {
        let mut at = start;
        while at < end {
            let length = u32::try_from(end - at).unwrap_or(MAX_READ).min(MAX_READ);
            out.push((at, length));
            at += u64::from(length);
        }
    }
    out
}

fn closed() -> Error {
    Error::transient("The source is not open any more.")
}

fn local(error: &io::Error) -> Error {
    Error::transient(format!("The node's own disk, which holds what is read of the machine: {error}"))
}

#[cfg(test)]
pub mod samples {
    use super::*;
    use crate::clouds::{DiskShape, PointRef, SourcePoint};
    use std::sync::Arc;

    /// Data, a hole, data that ends with the disk in the middle of a part.
    pub const SIZE: u64 = 3 * PART + 1536;

    pub struct Point {
        pub shapes: Vec<DiskShape>,
        pub reads: Arc<std::sync::atomic::AtomicUsize>,
    }

    pub fn extents() -> Vec<Extent> {
        let extent = |offset, length, zero| Extent { offset, length, zero };
        vec![extent(0, 700, false), extent(700, PART, true), extent(2 * PART - 4096, PART + 5632, false)]
    }

    pub fn byte(at: u64) -> u8 {
        if extents().iter().any(|one| !one.zero && one.offset <= at && at < one.offset + one.length) { (at % 251 + 1) as u8 } else { 0 }
    }

    #[async_trait::async_trait]
    impl SourcePoint for Point {
        fn reference(&self) -> PointRef {
            PointRef("p".into())
        }
        fn taken_at(&self) -> model::Millis {
            0
        }
        fn incremental(&self) -> bool {
            false
        }
        fn disks(&self) -> &[DiskShape] {
            &self.shapes
        }
        async fn extents(&mut self, _disk: usize) -> Result<Vec<Extent>> {
            Ok(extents())
        }
        async fn read(&mut self, _disk: usize, offset: u64, length: u32) -> Result<Bytes> {
            self.reads.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Ok((offset..offset + u64::from(length)).map(byte).collect::<Vec<_>>().into())
        }
        async fn close(self: Box<Self>, _keep: bool) -> Result<()> {
            Ok(())
        }
    }

    pub fn point() -> (Shared, Arc<std::sync::atomic::AtomicUsize>) {
        let reads = Arc::default();
        let point = Point { shapes: vec![DiskShape { key: "d".into(), size_bytes: SIZE }], reads: Arc::clone(&reads) };
        (Arc::new(Mutex::new(Some(Box::new(point)))), reads)
    }

    /// A disk, and what is on it.
    pub fn disk(folder: &Path) -> (Disk, Vec<u8>) {
        let (point, _) = point();
        let disk = futures::executor::block_on(Disk::open(&point, 0, &folder.join("cache"))).unwrap();
        (disk, (0..SIZE).map(byte).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    #[tokio::test]
    async fn each_part_is_fetched_once_and_holes_never() {
        let folder = tempfile::tempdir().unwrap();
        let (point, reads) = samples::point();
        let disk = Disk::open(&point, 0, &folder.path().join("cache")).await.unwrap();
        let wanted: Vec<u8> = (0..samples::SIZE).map(samples::byte).collect();
        for (offset, length) in [(690, 20), (650, 40), (0, 4096)] {
            let read = disk.read(offset, length).await.unwrap();
            assert_eq!(read, wanted[offset as usize..][..length as usize]);
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        assert_eq!(disk.read(PART, 4096).await.unwrap(), vec![0; 4096]);
        assert_eq!(reads.load(Ordering::Relaxed), 2, "of this part only the data at its end");
        disk.fetch_all().await.unwrap();
        assert_eq!(disk.read(0, samples::SIZE as u32).await.unwrap(), wanted);
        assert_eq!(reads.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn what_went_wrong_is_kept_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let (point, _) = samples::point();
        let disk = Disk::open(&point, 0, &folder.path().join("cache")).await.unwrap();
        point.lock().await.take();
        assert!(disk.read(0, 1).await.is_err());
        assert_eq!(disk.failed().unwrap().message, closed().message);
    }

    #[test]
    fn long_data_is_read_in_pieces() {
        let data = [Extent { offset: 10, length: 2 * u64::from(MAX_READ), zero: false }];
        assert_eq!(within(&data, 0, 10), []);
        assert_eq!(within(&data, 20, u64::from(MAX_READ) + 21), [(20, MAX_READ), (20 + u64::from(MAX_READ), 1)]);
    }
}
