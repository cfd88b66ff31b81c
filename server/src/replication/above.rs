//! One more recovery point on top of the newest one, whose contents were made here: what a conversion wrote.
//!
//! The durable writes are those of a cycle: a committed point at the target, then the row. The source only shows the instant
//! of the newest point once more, all of it, and replication goes on from that point: of what was opened here nothing is kept.

use super::{
    base::{self, Base},
    cycle::{clean_up, commit, is_off, tidy_target},
    error::{Error, Result},
    job::Job,
    lease::Held,
    meter::Meter,
    shorten, view,
};
use crate::{
    clouds::{
        BeginPoint, Extent, MAX_READ, MachineSpec, OpenPoint, SinkDisk, SinkPoint, SinkRef, SourcePoint, error::Error as cloud, guard::LONG,
    },
    state::{Node, new_id, now},
    store::points::{self, StoredPoint},
};
use bytes::Bytes;
use model::{Id, Transfer};
use std::{fs::File, os::unix::fs::FileExt, path::PathBuf, sync::Arc};
use tokio::sync::Mutex;

/// The source's point, as long as it is open.
pub type Shared = Arc<Mutex<Option<Box<dyn SourcePoint>>>>;

/// What the newest point shows, open to be read.
pub struct Below {
    pub spec: MachineSpec,
    pub source: Shared,
}

/// What is different in the new point.
pub struct Above {
    pub spec: MachineSpec,
    /// In the order of the source's disks.
    pub disks: Vec<Written>,
}

pub struct Written {
    pub file: PathBuf,
    pub pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub extent: Extent,
    /// Where in the file it lies.
    pub at: u64,
}

/// `id`: of the point, chosen and written down before, so that it is found again after a crash. `make` answers what is
/// different, or `None`: no point is made.
///
/// # Errors
/// Of either cloud or the store, or what `make` said; nothing of it stays then.
pub async fn above<F, M>(
    node: &Node,
    member_id: &str,
    id: &Id,
    tell: impl Fn(Transfer) + Send + Sync,
    make: F,
) -> Result<Option<StoredPoint>>
where
    F: FnOnce(Below) -> M + Send,
    M: Future<Output = Result<Option<Above>>> + Send,
{
    let slot = node.replication.slot(member_id);
    let _busy = slot.busy.lock().await;
    let held = Held::wait(node, member_id).await?;
    let claim = held.claim.clone();
    let work = async {
        let job = Job::under(&claim, node, slot.clone()).await?;
        let outcome = stages(&job, id, &tell, make).await;
        if outcome.is_err() {
            slot.set_tidied(false);
        }
        outcome
    };
    let outcome = held.during(work).await;
    view::publish(node, member_id).await?;
    outcome
}

async fn stages<F, M>(job: &Job, id: &Id, tell: &(dyn Fn(Transfer) + Send + Sync), make: F) -> Result<Option<StoredPoint>>
where
    F: FnOnce(Below) -> M + Send,
    M: Future<Output = Result<Option<Above>>> + Send,
{
    if !job.slot.is_tidied() {
        tidy_target(job).await?;
    }
    let parent = parent(job).await?;
    let source = open(job, &parent).await?;
    let shared: Shared = Arc::new(Mutex::new(Some(source)));
    let made = make(Below { spec: parent.spec.clone(), source: shared.clone() }).await;
    if let Some(source) = shared.lock().await.take() {
        // Its changes go back to what they were counted from: the newest point.
        clean_up(job, source, None).await;
    }
    let Some(above) = made? else { return Ok(None) };
    if !is_off(job).await? {
        return Err(Error::Conflict(format!("{} runs: what was made of its disks is given up.", job.member.name)));
    }
    let mut sink = None;
    match write(job, &parent, &above, tell, &mut sink).await {
        Ok(bytes) => {
            let sink_ref = commit(job, &mut sink).await?;
            record(job, id, parent, above.spec, sink_ref, bytes).await.map(Some)
        }
        Err(error) => {
            if let Some(sink) = sink
                && let Err(error) = job.at_target("abort point", LONG, sink.abort()).await
            {
                tracing::warn!(member = %job.member.name, %error, "an unfinished point stays at the target until the next cycle");
            }
            Err(error)
        }
    }
}

/// The newest point, on which one more may rest.
async fn parent(job: &Job) -> Result<StoredPoint> {
    if !is_off(job).await? {
        return Err(Error::Conflict(format!("{} runs: nothing can be made of its disks now.", job.member.name)));
    }
    let none = || Error::NotFound(format!("{} has no recovery point.", job.member.name));
    let newest = points::newest(&job.node.db, &job.member.id).await?.ok_or_else(none)?;
    match base::base(Some(&newest), &newest.spec.disks, &job.work.target_cloud_id, job.disk_sink()?.max_chain()) {
        Base::Delta(point) => Ok(point.clone()),
        Base::Shorten(point) => shorten::shorten(job, point).await,
        Base::Full(why) => {
            Err(Error::Conflict(format!("Nothing can be put on the newest recovery point of {} ({why:?}).", job.member.name)))
        }
    }
}

async fn open(job: &Job, parent: &StoredPoint) -> Result<Box<dyn SourcePoint>> {
    let token = format!("{}-{}-{}", job.member.id, parent.seq + 1, &new_id()[26..]);
    let mut others = points::of_others(&job.node.db, &job.member.id).await?;
    others.extend(parent.source_point.clone());
    let request = OpenPoint { token, since: None, others };
    let source = job.at_source("open point", LONG, job.disk_source()?.open(&job.work.native_id, request)).await?;
    if base::same_disks(&parent.spec.disks, source.disks()) {
        return Ok(source);
    }
    clean_up(job, source, None).await;
    Err(cloud::transient("The disks of the machine are not those of its newest recovery point.").into())
}

/// Answers how many bytes of data there were.
async fn write(
    job: &Job,
    parent: &StoredPoint,
    above: &Above,
    tell: &(dyn Fn(Transfer) + Send + Sync),
    sink: &mut Option<Box<dyn SinkPoint>>,
) -> Result<u64> {
    let shapes = parent.spec.disks.iter().map(|disk| (disk.key.clone(), disk.size_bytes, disk.pool.clone()));
    let disks: Vec<SinkDisk> = shapes
        .zip(&above.disks)
        .map(|((key, size_bytes, pool), written)| SinkDisk {
            shape: crate::clouds::DiskShape { key, size_bytes },
            pool,
            extents: written.pieces.iter().map(|piece| piece.extent).collect(),
        })
        .collect();
    let total = disks.iter().flat_map(|disk| &disk.extents).filter(|one| !one.zero).map(|one| one.length).sum();
    let token = format!("{}-{}-{}", job.member.id, parent.seq + 1, &new_id()[26..]);
    let parent = Some(parent.sink_ref.clone());
    let request = BeginPoint { token, lineage: job.member.lineage.clone(), parent, disks, storage: job.work.storage.clone() };
    let sink = sink.insert(job.at_target("begin point", LONG, job.disk_sink()?.begin(request)).await?);
    let mut meter = Meter::new(total, tell);
    for (index, written) in above.disks.iter().enumerate() {
        let file = File::open(&written.file).map_err(|error| local(&error))?;
        for piece in written.pieces.iter().filter(|piece| !piece.extent.zero) {
            let mut done = 0;
            while done < piece.extent.length {
                let length = (piece.extent.length - done).min(u64::from(MAX_READ));
                let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
                file.read_exact_at(&mut data, piece.at + done).map_err(|error| local(&error))?;
                job.at_target("write", LONG, sink.write(index, piece.extent.offset + done, Bytes::from(data))).await?;
                done += length;
                meter.add(length);
            }
        }
    }
    Ok(total)
}

async fn record(job: &Job, id: &Id, parent: StoredPoint, spec: MachineSpec, sink_ref: SinkRef, bytes: u64) -> Result<StoredPoint> {
    let point = StoredPoint {
        id: id.clone(),
        seq: points::last_seq(&job.node.db, &job.member.id).await? + 1,
        depth: parent.depth + 1,
        parent_id: Some(parent.id.clone()),
        // Replication goes on from the parent.
        source_point: None,
        sink_ref,
        spec,
        committed_at: now(),
        bytes,
        held: false,
        ..parent
    };
    match points::put_on_top(&job.node.db, &point, &job.claim, job.member.held_by.as_deref()).await? {
        true => Ok(point),
        false => Err(Error::Lost),
    }
}

fn local(error: &std::io::Error) -> Error {
    cloud::transient(format!("The node's own disk: {error}")).into()
}
