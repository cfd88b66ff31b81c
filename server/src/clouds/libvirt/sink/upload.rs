//! One file on its way into a pool: a thread that feeds libvirt's stream.

use super::super::{
    sys::{Conn, Fault, Stream},
    threads,
};
use crate::clouds::{
    error::{Error, Result},
    qcow2::{CLUSTER, Layout},
};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// Pieces between the network and libvirt's stream: with the engine's own queue enough to keep both ends busy.
const QUEUE: usize = 4;
const GAP: Bytes = Bytes::from_static(&[0; CLUSTER as usize]);

enum Part {
    Data(Bytes),
    End,
}

pub struct Upload {
    layout: Layout,
    /// Where the next byte goes.
    at: u64,
    parts: mpsc::Sender<Part>,
    done: oneshot::Receiver<std::result::Result<(), Fault>>,
}

impl Upload {
    /// Sends the head at once.
    ///
    /// # Errors
    /// No thread could be had, or the host refused.
    pub async fn begin(conn: Conn, path: String, layout: Layout) -> Result<Self> {
        let (parts, queue) = mpsc::channel(QUEUE);
        let length = layout.file_size();
        let done = threads::spawn(None, move || feed(&conn, &path, length, queue))?;
        Self::over(layout, parts, done).await
    }

    async fn over(layout: Layout, parts: mpsc::Sender<Part>, done: oneshot::Receiver<std::result::Result<(), Fault>>) -> Result<Self> {
        let head = Bytes::from(layout.head());
        let mut this = Self { at: 0, layout, parts, done };
        this.push(head).await?;
        Ok(this)
    }

    /// # Errors
    /// Out of order, not announced, or the host's.
    pub async fn write(&mut self, mut offset: u64, mut data: Bytes) -> Result<()> {
        while !data.is_empty() {
            let position =
                self.layout.position(offset).ok_or_else(|| Error::permanent(format!("A write at {offset} was not announced.")))?;
            // As much as lies in one piece in the file: clusters that follow each other.
            let mut run = (CLUSTER - offset % CLUSTER).min(data.len() as u64);
            while run < data.len() as u64 && self.layout.position(offset + run) == Some(position + run) {
                run = (run + CLUSTER).min(data.len() as u64);
            }
            self.pad_to(position).await?;
            self.push(data.split_to(run as usize)).await?;
            offset += run;
        }
        Ok(())
    }

    /// # Errors
    /// Something that was announced is missing, or the host's.
    pub async fn finish(mut self) -> Result<()> {
        self.pad_to(self.layout.file_size()).await?;
        // A closed queue means that the thread failed; it says why.
        let _ = self.parts.send(Part::End).await;
        answer(self.done.await)
    }

    /// The rest of a cluster that no extent covers reads as zeroes.
    async fn pad_to(&mut self, position: u64) -> Result<()> {
        let gap = position.checked_sub(self.at).ok_or_else(|| Error::permanent("Writes must come in ascending order."))?;
        if gap >= CLUSTER {
            return Err(Error::permanent(format!("{gap} announced bytes were not written.")));
        }
        if gap > 0 {
            self.push(GAP.slice(..gap as usize)).await?;
        }
        Ok(())
    }

    async fn push(&mut self, data: Bytes) -> Result<()> {
        self.at += data.len() as u64;
        if self.parts.send(Part::Data(data)).await.is_ok() {
            return Ok(());
        }
        let ended = answer((&mut self.done).await);
        ended.and(Err(Error::transient("The upload ended early.")))
    }
}

fn answer(done: std::result::Result<std::result::Result<(), Fault>, oneshot::error::RecvError>) -> Result<()> {
    Ok(done.map_err(|_| Error::permanent("An upload panicked; see the log."))??)
}

/// Without [`Part::End`] the stream is aborted: what is there then has no marker and is removed.
fn feed(conn: &Conn, path: &str, length: u64, mut queue: mpsc::Receiver<Part>) -> std::result::Result<(), Fault> {
    // The volume must hang on the connection that the stream runs over.
    let volume = conn.volume_by_path(path)?;
    let stream = Stream::new(conn)?;
    volume.upload(&stream, 0, length)?;
    let sent = loop {
        match queue.blocking_recv() {
            Some(Part::Data(data)) => {
                if let Err(fault) = stream.send(&data) {
                    break Err(fault);
                }
            }
            Some(Part::End) => break stream.finish(),
            None => break Err(Fault::ours("the upload was given up")),
        }
    };
    if sent.is_err() {
        stream.abort();
    }
    sent
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
