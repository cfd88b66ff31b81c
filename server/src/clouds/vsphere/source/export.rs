//! Disks by an export lease of the snapshot: a host sends each whole, front to back, whatever it lies on.
//!
//! The way for what is no file of its own: disks on vSAN or vVols, and disks that rest on snapshots of somebody else. All of a disk
//! comes over the network each time, also for a small change.

use super::super::{
    lease::{Lease, Source},
    unpack::{Step, Unpacker},
};
use crate::clouds::{
    error::{Error, Result},
    http,
};
use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// One disk, which is read forward.
pub struct Stream {
    source: Source,
    open: Option<(Response, Unpacker)>,
    /// The part that lies ahead: where it begins, and its data.
    grain: Option<(u64, Vec<u8>)>,
    /// What lies before is gone.
    passed: u64,
    ended: bool,
}

impl Stream {
    pub fn new(lease: &Lease, disk: usize) -> Result<Self> {
        Ok(Self { source: lease.source(disk)?, open: None, grain: None, passed: 0, ended: false })
    }

    /// # Errors
    /// The host's.
    pub async fn read(&mut self, offset: u64, length: u64) -> Result<Bytes> {
        if self.open.is_none() || offset < self.passed {
            self.begin().await?;
        }
        let mut out = BytesMut::zeroed(length as usize);
        let end = offset + length;
        loop {
            if let Some((at, data)) = &self.grain {
                let last = at + data.len() as u64;
                let (from, to) = (offset.max(*at), end.min(last));
                if from < to {
                    out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(&data[(from - at) as usize..(to - at) as usize]);
                }
                if last > end {
                    break;
                }
                self.passed = last;
            }
            self.grain = None;
            if self.ended {
                break;
            }
            self.advance().await?;
        }
        Ok(out.freeze())
    }

    async fn begin(&mut self) -> Result<()> {
        (self.grain, self.passed, self.ended) = (None, 0, false);
        self.open = Some((self.source.get().await?, Unpacker::default()));
        Ok(())
    }

    async fn advance(&mut self) -> Result<()> {
        let Some((answer, unpacker)) = &mut self.open else { return Err(Error::transient("The export is not open.")) };
        loop {
            match unpacker.step()? {
                Step::Grain(at, data) => {
                    self.grain = Some((at, data));
                    return Ok(());
                }
                Step::End => {
                    self.ended = true;
                    return Ok(());
                }
                Step::More => {
                    let part = answer.chunk().await.map_err(|error| http::unanswered("Reading an exported disk", false, &error))?;
                    unpacker.push(&part.ok_or_else(|| Error::transient("The export of a disk ended early."))?);
                }
            }
        }
    }
}
