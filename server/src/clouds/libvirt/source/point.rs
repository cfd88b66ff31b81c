//! An open point: what changed, and reading it ahead of whoever asks.

use super::{
    super::{link::Link, nbd, reader, sys::Domain, threads},
    Begun,
    begin::Serving,
    clean, extents,
    room::Room,
    still::{self, Still},
};
use crate::clouds::{
    DiskShape, Extent, MAX_READ, PointRef, SourcePoint,
    error::{Error, Result},
};
use async_trait::async_trait;
use bytes::Bytes;
use model::Millis;
use rustls::ClientConfig;
use std::{
    collections::VecDeque,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::task::JoinHandle;

/// For one answer of the disk server.
const PATIENCE: Duration = Duration::from_secs(20);
/// Read ahead so much, or so many small pieces, to hide the way there and back.
const AHEAD_BYTES: u64 = 16 << 20;
const AHEAD_PIECES: usize = 24;
/// How often the room beside the disks is looked at.
const LOOK: Duration = Duration::from_millis(500);

pub struct Point {
    link: Arc<Link>,
    still: Still,
    begun: Option<Begun>,
    reference: PointRef,
    taken_at: Millis,
    incremental: bool,
    shapes: Vec<DiskShape>,
    disks: Vec<Disk>,
    ahead: VecDeque<Ahead>,
    watch: Option<Watch>,
}

/// Ends the point before the room beside the machine's disks is gone.
struct Watch {
    ended: Arc<OnceLock<String>>,
    task: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Disk {
    client: Arc<nbd::Client>,
    bitmap: String,
    /// In the order in which they will be asked for, as far as can be foreseen.
    pieces: Vec<(u64, u32)>,
}

struct Ahead {
    disk: usize,
    offset: u64,
    length: u32,
    read: JoinHandle<Result<Bytes>>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.read.abort();
    }
}

impl Point {
    pub async fn open(
        link: Arc<Link>,
        still: Still,
        begun: Begun,
        host: &str,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Box<dyn SourcePoint>> {
        let mut this = Self {
            link,
            still,
            reference: begun.reference.clone(),
            taken_at: begun.taken_at,
            incremental: begun.incremental,
            shapes: vec![],
            disks: vec![],
            ahead: VecDeque::new(),
            watch: None,
            begun: Some(begun),
        };
        this.keep_watch();
        match this.connect(host, tls).await {
            Ok(()) => Ok(Box::new(this)),
            Err(error) => {
                // The first error is the one to tell.
                let _ = Box::new(this).close(false).await;
                Err(error)
            }
        }
    }

    fn keep_watch(&mut self) {
        let Some(Begun { machine, served: Serving::Running { room, .. }, .. }) = &mut self.begun else { return };
        if let Some(room) = room.take().filter(Room::is_known) {
            let ended = Arc::<OnceLock<String>>::default();
            let task = tokio::spawn(watch(self.link.clone(), machine.clone(), room, ended.clone()));
            self.watch = Some(Watch { ended, task });
        }
    }

    /// What the watch says comes before what it did to the connection.
    fn why(&self, error: Error) -> Error {
        self.watch.as_ref().and_then(|watch| watch.ended.get()).map_or(error, |words| Error::transient(words.clone()))
    }

    async fn connect(&mut self, host: &str, tls: Option<Arc<ClientConfig>>) -> Result<()> {
        let Some(begun) = &self.begun else { return Ok(()) };
        let port = match &begun.served {
            Serving::Still(shapes) => {
                self.shapes = shapes.clone();
                return Ok(());
            }
            Serving::Running { port, .. } | Serving::Reader { port, .. } => *port,
        };
        let all = begun.disks.iter().map(|disk| connect(host, port, &disk.key, tls.clone(), self.incremental));
        let disks = futures::future::try_join_all(all).await?;
        let shape = |(key, disk): (&str, &Disk)| DiskShape { key: key.to_owned(), size_bytes: disk.client.size() };
        self.shapes = begun.disks.iter().map(|disk| disk.key.as_str()).zip(&disks).map(shape).collect();
        self.disks = disks;
        Ok(())
    }

    fn disk(&mut self, index: usize) -> Result<&mut Disk> {
        self.disks.get_mut(index).ok_or_else(|| Error::permanent(format!("This point has no disk number {index} to read.")))
    }

    /// Keeps the pipe full with what will be asked for next.
    fn read_ahead(&mut self, index: usize, offset: u64, length: u32) {
        let Some(disk) = self.disks.get(index) else { return };
        let Ok(at) = disk.pieces.binary_search(&(offset, length)) else { return };
        let mut bytes: u64 = self.ahead.iter().map(|one| u64::from(one.length)).sum();
        for &(offset, length) in disk.pieces[at + 1..].iter().skip(self.ahead.len()) {
            if self.ahead.len() >= AHEAD_PIECES || bytes + u64::from(length) > AHEAD_BYTES {
                return;
            }
            bytes += u64::from(length);
            let client = disk.client.clone();
            let read = tokio::spawn(async move { client.read(offset, length).await });
            self.ahead.push_back(Ahead { disk: index, offset, length, read });
        }
    }
}

async fn watch(link: Arc<Link>, machine: Domain, mut room: Room, ended: Arc<OnceLock<String>>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let at = machine.clone();
        let looked = link.run(move |_| Ok((room.gone(&at), room))).await;
        // A host that does not answer ends the point by itself.
        let Ok((gone, back)) = looked else { return };
        room = back;
        if let Some(words) = gone {
            tracing::warn!(machine = %machine.name(), "{words}");
            let _ = ended.set(words);
            let _ = link.run(move |_| Ok(clean::end_backup(&machine)?)).await;
            return;
        }
    }
}

async fn connect(host: &str, port: u16, key: &str, tls: Option<Arc<ClientConfig>>, incremental: bool) -> Result<Disk> {
    let bitmap = format!("qemu:dirty-bitmap:backup-{key}");
    let mut contexts = vec!["base:allocation".to_owned()];
    if incremental {
        contexts.push(bitmap.clone());
    }
    let target = nbd::Target { host: host.to_owned(), port, export: key.to_owned(), tls, server_name: String::new(), contexts };
    let client = Arc::new(nbd::Client::connect(&target, PATIENCE).await?);
    Ok(Disk { client, bitmap, pieces: vec![] })
}

/// As the engine reads: neighbours joined, zeroes left out, cut to the largest read.
fn pieces(extents: &[Extent]) -> Vec<(u64, u32)> {
    let mut runs: Vec<(u64, u64)> = vec![];
    for one in extents.iter().filter(|one| !one.zero) {
        match runs.last_mut() {
            Some((offset, length)) if *offset + *length == one.offset => *length += one.length,
            _ => runs.push((one.offset, one.length)),
        }
    }
    let step = u64::from(MAX_READ);
    let cut =
        |(offset, length): (u64, u64)| (0..length.div_ceil(step)).map(move |i| (offset + i * step, (length - i * step).min(step) as u32));
    runs.into_iter().flat_map(cut).collect()
}

#[async_trait]
impl SourcePoint for Point {
    fn reference(&self) -> PointRef {
        self.reference.clone()
    }
    fn taken_at(&self) -> Millis {
        self.taken_at
    }
    fn incremental(&self) -> bool {
        self.incremental
    }
    fn disks(&self) -> &[DiskShape] {
        &self.shapes
    }

    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        let found = self.find_extents(disk).await;
        found.map_err(|error| self.why(error))
    }

    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        let read = self.read_one(disk, offset, length).await;
        read.map_err(|error| self.why(error))
    }

    async fn close(mut self: Box<Self>, keep: bool) -> Result<()> {
        // What was read after it was ended is whole: the backup ends, and no read is answered any more.
        self.watch = None;
        self.shut(keep).await
    }
}

impl Point {
    async fn find_extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        if self.disks.is_empty() {
            return Ok(vec![]);
        }
        let incremental = self.incremental;
        let disk = self.disk(disk)?;
        let size = disk.client.size();
        let allocation = disk.client.extents("base:allocation");
        let found = match incremental {
            true => {
                let (dirty, allocation) = futures::try_join!(disk.client.extents(&disk.bitmap), allocation)?;
                extents::changed(size, &dirty, &allocation)
            }
            false => extents::full(size, &allocation.await?),
        };
        disk.pieces = pieces(&found);
        Ok(found)
    }

    async fn read_one(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        if length > MAX_READ {
            return Err(Error::permanent(format!("A read of {length} bytes is larger than {MAX_READ}.")));
        }
        let foreseen = self.ahead.front().is_some_and(|one| (one.disk, one.offset, one.length) == (disk, offset, length));
        if !foreseen {
            self.ahead.clear();
            let client = self.disk(disk)?.client.clone();
            let read = tokio::spawn(async move { client.read(offset, length).await });
            self.ahead.push_back(Ahead { disk, offset, length, read });
        }
        let Some(mut first) = self.ahead.pop_front() else { return Err(Error::permanent("A read was lost.")) };
        self.read_ahead(disk, offset, length);
        (&mut first.read).await.map_err(|_| Error::transient("A read was given up."))?
    }

    async fn shut(&mut self, keep: bool) -> Result<()> {
        self.ahead.clear();
        self.disks.clear();
        let (Some(begun), still) = (self.begun.take(), self.still.clone()) else { return Ok(()) };
        self.link
            .run(move |conn| match &begun.served {
                Serving::Still(_) => Ok(()),
                Serving::Running { checkpoint, since, others, .. } => {
                    // A machine that stopped meanwhile has no job any more, and its checkpoints are dropped later.
                    if !begun.machine.is_active()? {
                        return Ok(());
                    }
                    clean::end_backup(&begun.machine)?;
                    let keep = if keep { checkpoint } else { since };
                    clean::running(&begun.machine, &clean::with(others, keep.as_ref())).map(drop)
                }
                Serving::Reader { .. } => {
                    reader::remove(conn, &begun.uuid)?;
                    if keep {
                        still.remember(&begun.uuid, &begun.reference.0, still::look(conn, &begun.disks));
                    }
                    Ok(())
                }
            })
            .await
    }
}

impl Drop for Point {
    /// Dropped without being closed: whether the point counts is not known, so its checkpoint stays for the next open.
    fn drop(&mut self) {
        let Some(begun) = self.begun.take() else { return };
        let _ = threads::spawn(None, move || match &begun.served {
            Serving::Still(_) => {}
            Serving::Running { .. } => drop(clean::end_backup(&begun.machine)),
            Serving::Reader { helper, .. } => drop(helper.destroy(0)),
        });
    }
}
