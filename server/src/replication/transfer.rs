//! The pipeline of a cycle: reads ahead at the source while the target writes, under the bandwidth limit.

use super::{bucket::Bucket, meter::Meter};
use crate::clouds::{
    Extent, MAX_READ, SinkPoint, SourcePoint,
    error::{Error, Result},
};
use bytes::Bytes;
use std::{future::Future, time::Duration};
use tokio::sync::mpsc;

/// Pieces between the two ends: enough to hide the slower one's hiccups, and at most 32 MiB of memory a member.
const AHEAD: usize = 8;
/// For one piece. A cloud that delivers nothing for so long is gone.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub disk: usize,
    pub offset: u64,
    pub length: u32,
}

/// What has to be read: neighbours joined, nothing larger than a read may be, zeroes left out.
pub fn pieces(disk: usize, extents: &[Extent]) -> Vec<Piece> {
    let mut joined: Vec<(u64, u64)> = vec![];
    for e in extents.iter().filter(|e| !e.zero && e.length > 0) {
        match joined.last_mut() {
            Some(last) if last.0 + last.1 == e.offset => last.1 += e.length,
            _ => joined.push((e.offset, e.length)),
        }
    }
    joined.into_iter().flat_map(|(offset, length)| cut(disk, offset, length)).collect()
}

fn cut(disk: usize, offset: u64, length: u64) -> impl Iterator<Item = Piece> {
    let step = u64::from(MAX_READ);
    (0..length.div_ceil(step)).map(move |i| {
        let at = i * step;
        let size = (length - at).min(step);
        Piece { disk, offset: offset + at, length: u32::try_from(size).unwrap_or(MAX_READ) }
    })
}

/// Copies all pieces in order.
///
/// # Errors
/// The first of either end; then neither is of use any more.
pub async fn copy(
    source: &mut dyn SourcePoint,
    sink: &mut dyn SinkPoint,
    pieces: &[Piece],
    bucket: &Bucket,
    meter: &mut Meter<'_>,
) -> Result<()> {
    let (tx, rx) = mpsc::channel(AHEAD);
    futures::try_join!(read_all(source, pieces, bucket, tx), write_all(sink, rx, meter))?;
    Ok(())
}

async fn read_all(source: &mut dyn SourcePoint, pieces: &[Piece], bucket: &Bucket, tx: mpsc::Sender<(Piece, Bytes)>) -> Result<()> {
    for piece in pieces {
        bucket.take(u64::from(piece.length)).await;
        let data = patiently("read", source.read(piece.disk, piece.offset, piece.length)).await?;
        if data.len() != piece.length as usize {
            return Err(Error::permanent(format!("The source answered {} bytes where {} were asked for.", data.len(), piece.length)));
        }
        if tx.send((*piece, data)).await.is_err() {
            break; // the writer failed, and says why
        }
    }
    Ok(())
}

async fn write_all(sink: &mut dyn SinkPoint, mut rx: mpsc::Receiver<(Piece, Bytes)>, meter: &mut Meter<'_>) -> Result<()> {
    while let Some((piece, data)) = rx.recv().await {
        patiently("write", sink.write(piece.disk, piece.offset, data)).await?;
        meter.add(u64::from(piece.length));
    }
    Ok(())
}

async fn patiently<T>(what: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, call)
        .await
        .unwrap_or_else(|_| Err(Error::transient(format!("Nothing moved for {} s in a {what}: is the link cut?", PATIENCE.as_secs()))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extent(offset: u64, length: u64, zero: bool) -> Extent {
        Extent { offset, length, zero }
    }

    #[test]
    fn neighbours_are_read_at_once_and_zeroes_not_at_all() {
        let extents = [extent(0, 10, false), extent(10, 5, false), extent(15, 5, true), extent(20, 1, false)];
        let read = pieces(1, &extents);
        assert_eq!(read, [Piece { disk: 1, offset: 0, length: 15 }, Piece { disk: 1, offset: 20, length: 1 }]);
    }

    proptest! {
        #[test]
        fn every_byte_of_data_is_read_once(lengths in proptest::collection::vec((1u64..10_000_000, any::<bool>()), 0..30)) {
            let mut at = 0;
            let extents: Vec<Extent> = lengths.iter().map(|(length, zero)| {
                at += length;
                extent(at - length, *length, *zero)
            }).collect();
            let read = pieces(0, &extents);
            let wanted: u64 = extents.iter().filter(|e| !e.zero).map(|e| e.length).sum();
            prop_assert_eq!(read.iter().map(|p| u64::from(p.length)).sum::<u64>(), wanted);
            prop_assert!(read.iter().all(|p| p.length > 0 && p.length <= MAX_READ));
            prop_assert!(read.windows(2).all(|w| w[0].offset + u64::from(w[0].length) <= w[1].offset));
            for p in &read {
                let end = p.offset + u64::from(p.length);
                prop_assert!(!extents.iter().any(|e| e.zero && e.offset < end && e.offset + e.length > p.offset));
            }
        }
    }
}
