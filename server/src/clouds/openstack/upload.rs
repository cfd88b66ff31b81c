//! One image on its way to Glance. It counts only after Glance itself states the length and checksum of what was sent.

use super::{auth::Service, images, link::Link};
use crate::clouds::{
    error::{Error, Result},
    qcow2::{CLUSTER, Layout},
};
use bytes::Bytes;
use sha2::{Digest, Sha512};
use std::{io, sync::Arc};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;

/// Pieces between the two ends; with 4 MiB each at most 16 MiB.
const QUEUE: usize = 4;
const GAP: Bytes = Bytes::from_static(&[0; CLUSTER as usize]);

pub struct Upload {
    link: Arc<Link>,
    image: String,
    length: u64,
    at: u64,
    hash: Sha512,
    parts: mpsc::Sender<io::Result<Bytes>>,
    done: JoinHandle<Result<()>>,
}

impl Upload {
    /// The image's entry is there already, empty.
    pub fn begin(link: Arc<Link>, image: String, length: u64) -> Self {
        let (parts, queue) = mpsc::channel(QUEUE);
        let (with, path) = (link.clone(), format!("/images/{image}/file"));
        let body = reqwest::Body::wrap_stream(ReceiverStream::new(queue));
        let done = tokio::spawn(async move { with.upload(Service::Image, &path, length, body).await });
        Self { link, image, length, at: 0, hash: Sha512::new(), parts, done }
    }

    /// # Errors
    /// Glance's, when it gave up.
    pub async fn push(&mut self, data: Bytes) -> Result<()> {
        self.at += data.len() as u64;
        self.hash.update(&data);
        if self.parts.send(Ok(data)).await.is_ok() {
            return Ok(());
        }
        let ended = answer((&mut self.done).await);
        ended.and(Err(Error::transient("The upload ended early.")))
    }

    /// # Errors
    /// Glance's, or it has something else than what was sent.
    pub async fn finish(self) -> Result<()> {
        let Self { link, image, length, at, hash, parts, done } = self;
        if at != length {
            return Err(Error::permanent(format!("{at} bytes of an image were sent where {length} were announced.")));
        }
        drop(parts);
        answer(done.await)?;
        let seen = images::settled(&link, &image).await?;
        let seen = seen.ok_or_else(|| Error::transient("Glance did not keep an image that it took."))?;
        let sent: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let same = seen.os_hash_algo.as_deref() != Some("sha512") || seen.os_hash_value.as_deref() == Some(&sent);
        if seen.size != Some(length) || !same {
            return Err(Error::transient("Glance has something else than what was sent: length or checksum differ."));
        }
        Ok(())
    }

    /// Ends it in a way that the other side takes for an end by force.
    pub async fn abort(self) {
        let _ = self.parts.send(Err(io::Error::other("given up"))).await;
        drop(self.parts);
        let _ = self.done.await;
    }
}

fn answer(done: std::result::Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    done.map_err(|_| Error::permanent("An upload panicked; see the log."))?
}

/// A disk as a qcow2 file, written in ascending order.
pub struct DiskUpload {
    layout: Layout,
    upload: Upload,
}

impl DiskUpload {
    /// # Errors
    /// Glance's.
    pub async fn begin(link: Arc<Link>, image: String, layout: Layout) -> Result<Self> {
        let mut upload = Upload::begin(link, image, layout.file_size());
        upload.push(layout.head().into()).await?;
        Ok(Self { layout, upload })
    }

    /// # Errors
    /// Out of order, not announced, or Glance's.
    pub async fn write(&mut self, mut offset: u64, mut data: Bytes) -> Result<()> {
        while !data.is_empty() {
            let unknown = || Error::permanent(format!("A write at {offset} was not announced."));
            let position = self.layout.position(offset).ok_or_else(unknown)?;
            // As much as lies in one piece in the file: clusters that follow each other.
            let mut run = (CLUSTER - offset % CLUSTER).min(data.len() as u64);
            while run < data.len() as u64 && self.layout.position(offset + run) == Some(position + run) {
                run = (run + CLUSTER).min(data.len() as u64);
            }
            self.pad_to(position).await?;
            self.upload.push(data.split_to(run as usize)).await?;
            offset += run;
        }
        Ok(())
    }

    /// # Errors
    /// Something that was announced is missing, or Glance's.
    pub async fn finish(mut self) -> Result<()> {
        self.pad_to(self.layout.file_size()).await?;
        self.upload.finish().await
    }

    pub async fn abort(self) {
        self.upload.abort().await;
    }

    /// The rest of a cluster that no extent covers reads as zeroes.
    async fn pad_to(&mut self, position: u64) -> Result<()> {
        let gap = position.checked_sub(self.upload.at).ok_or_else(|| Error::permanent("Writes must come in ascending order."))?;
        if gap >= CLUSTER {
            return Err(Error::permanent(format!("{gap} announced bytes were not written.")));
        }
        if gap > 0 {
            self.upload.push(GAP.slice(..gap as usize)).await?;
        }
        Ok(())
    }
}
