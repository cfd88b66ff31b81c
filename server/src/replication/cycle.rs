//! One cycle: from a consistent instant at the source to a committed row.
//!
//! The order of the durable writes is what makes it safe to be killed anywhere: (1) a point at the source, (2) a
//! committed point at the target, (3) the row, (4) the source forgets the earlier point. Only (3) counts. Killed before
//! it, the earlier point and the source's record since then are untouched and what (1) and (2) left is tidied by the
//! next cycle; killed after it, the next cycle asks for changes since the row's source point, which makes (4) good.

use super::{
    base::{self, Base, Why},
    error::{Error, Result},
    job::Job,
    meter::Meter,
    shorten,
    transfer::{self, Piece},
    verify, view,
};
use crate::{
    clouds::{
        BeginPoint, Extent, MachineSpec, OpenPoint, SinkDisk, SinkPoint, SinkRef, SourcePoint,
        error::Error as cloud,
        guard::{LONG, SHORT},
    },
    state::{new_id, now},
    store::{
        members,
        points::{self, Done, StoredPoint},
    },
};
use model::{Id, Millis, Transfer, protection::ReplicationState};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// What one cycle came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// The newest point after it; the same as before when nothing had changed.
    pub point_id: Id,
    pub bytes: u64,
    pub full: bool,
    pub taken_at: Millis,
    pub took_ms: u64,
}

/// The target makes everything durable within it, on slow disks too.
const COMMIT: Duration = Duration::from_secs(600);
/// Longest wait for either end to clean up after a cycle that failed; the next one does it otherwise.
const CLEAN_UP: Duration = Duration::from_secs(10);

/// What is settled before anything is opened.
struct Prepared {
    seq: i64,
    parent: Option<StoredPoint>,
    spec: MachineSpec,
    off: bool,
}

enum Filled {
    /// The delta is empty: the parent shows this instant as well.
    Nothing,
    Point {
        sink_ref: SinkRef,
        bytes: u64,
        full: bool,
    },
}

/// # Errors
/// Of either cloud or the store; whatever was begun is cleaned up, now or by the next cycle.
pub async fn run(job: &Job, tell: &(dyn Fn(Transfer) + Send + Sync), cancel: &CancellationToken) -> Result<Cycle> {
    let begun = Instant::now();
    let mut outcome = stages(job, tell, cancel, begun).await;
    if let Err(error) = outcome {
        job.slot.set_tidied(false);
        outcome = Err(verify::after(job, error).await);
    }
    count(job, &outcome, begun);
    outcome
}

async fn stages(job: &Job, tell: &(dyn Fn(Transfer) + Send + Sync), cancel: &CancellationToken, begun: Instant) -> Result<Cycle> {
    let prepared = unless(cancel, prepare(job)).await?;
    let mut source = unless(cancel, open(job, &prepared)).await?;
    let mut sink = None;
    let filled = match unless(cancel, fill(job, &prepared, &mut *source, &mut sink, tell)).await {
        // From the commit on nothing is cancelled: it ends within its own limits.
        Ok(Some((bytes, full))) => commit(job, &mut sink).await.map(|sink_ref| Filled::Point { sink_ref, bytes, full }),
        Ok(None) => Ok(Filled::Nothing),
        Err(e) => Err(e),
    };
    match filled {
        Ok(filled) => settle(job, prepared, source, filled, begun).await,
        Err(error) => {
            clean_up(job, source, sink).await;
            Err(error)
        }
    }
}

async fn unless<T>(cancel: &CancellationToken, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::Cancelled),
        answer = work => answer,
    }
}

async fn prepare(job: &Job) -> Result<Prepared> {
    verify::returned(job).await?;
    let newest = points::newest(&job.node.db, &job.member.id).await?;
    let seq = points::last_seq(&job.node.db, &job.member.id).await? + 1;
    if !job.slot.is_tidied() {
        tidy_target(job).await?;
    }
    let (spec, off) = futures::try_join!(describe(job), is_off(job))?;
    let parent = match base::base(newest.as_ref(), &spec.disks, &job.work.target_cloud_id, job.disk_sink()?.max_chain()) {
        Base::Delta(point) => Some(point.clone()),
        Base::Shorten(point) => Some(shorten::shorten(job, point).await?),
        Base::Full(why) => {
            announce(job, why).await?;
            None
        }
    };
    Ok(Prepared { seq, parent, spec, off })
}

/// Removes what a crash left at the target: everything of this lineage that has no row.
pub(super) async fn tidy_target(job: &Job) -> Result<()> {
    let keep = points::refs(&job.node.db, &job.work.target_cloud_id, &job.member.lineage).await?;
    job.at_target("tidy", LONG, job.disk_sink()?.tidy(&job.member.lineage, &keep)).await?;
    job.slot.set_tidied(true);
    Ok(())
}

async fn describe(job: &Job) -> Result<MachineSpec> {
    job.at_source("describe", SHORT, job.machines()?.describe(&job.work.native_id)).await
}

/// Without a power facet nobody can say that it is off.
pub(super) async fn is_off(job: &Job) -> Result<bool> {
    match job.source.cloud().power() {
        Some(power) => Ok(job.at_source("state", SHORT, power.state(&job.work.native_id)).await?.is_off()),
        None => Ok(false),
    }
}

/// A full pass takes its time: say why it is made. One that fails again stays shown as failing.
async fn announce(job: &Job, why: Why) -> Result<()> {
    tracing::info!(member = %job.member.name, ?why, "full pass");
    if job.member.state == ReplicationState::Failing {
        return Ok(());
    }
    let state = if why.is_resync() { ReplicationState::Resync } else { ReplicationState::InitialSync };
    if !members::set_state(&job.node.db, &job.claim, state).await? {
        return Err(Error::Lost);
    }
    view::publish(&job.node, &job.member.id).await
}

async fn open(job: &Job, prepared: &Prepared) -> Result<Box<dyn SourcePoint>> {
    // The end differs at each try: a call of an earlier one that comes late must not hit this one.
    let token = format!("{}-{}-{}", job.member.id, prepared.seq, &new_id()[26..]);
    let since = prepared.parent.as_ref().and_then(|p| p.source_point.clone());
    let others = points::of_others(&job.node.db, &job.member.id).await?;
    let request = OpenPoint { token, since, others };
    let source = job.at_source("open point", LONG, job.disk_source()?.open(&job.work.native_id, request)).await?;
    if base::same_disks(&prepared.spec.disks, source.disks()) {
        return Ok(source);
    }
    clean_up(job, source, None).await;
    Err(cloud::transient("The disks of the machine changed while a recovery point was begun.").into())
}

/// Answers how many bytes were copied and whether it is everything; `None`: nothing had changed.
async fn fill(
    job: &Job,
    prepared: &Prepared,
    source: &mut dyn SourcePoint,
    sink: &mut Option<Box<dyn SinkPoint>>,
    tell: &(dyn Fn(Transfer) + Send + Sync),
) -> Result<Option<(u64, bool)>> {
    let parent = prepared.parent.as_ref().filter(|_| source.incremental());
    if prepared.parent.is_some() && parent.is_none() {
        announce(job, Why::NoRecord).await?;
    }
    let mut disks = vec![];
    for index in 0..source.disks().len() {
        let extents = job.at_source("extents", LONG, source.extents(index)).await?;
        let shape = source.disks()[index].clone();
        let pool = prepared.spec.disks.iter().find(|d| d.key == shape.key).and_then(|d| d.pool.clone());
        disks.push(SinkDisk { shape, pool, extents });
    }
    if parent.is_some() && disks.iter().all(|d| d.extents.is_empty()) {
        return Ok(None);
    }
    let pieces: Vec<Piece> = disks.iter().enumerate().flat_map(|(i, d)| transfer::pieces(i, &d.extents)).collect();
    let total = disks.iter().flat_map(|d| &d.extents).filter(|e| !e.zero).map(|e: &Extent| e.length).sum();
    let request = BeginPoint {
        token: source.reference().0,
        lineage: job.member.lineage.clone(),
        parent: parent.map(|p| p.sink_ref.clone()),
        disks,
        storage: job.work.storage.clone(),
    };
    let sink = sink.insert(job.at_target("begin point", LONG, job.disk_sink()?.begin(request)).await?);
    let bucket = job.node.replication.bucket(job.member.group_id.as_deref().unwrap_or(&job.member.id), job.work.policy.bandwidth);
    transfer::copy(source, &mut **sink, &pieces, &bucket, &mut Meter::new(total, tell)).await?;
    Ok(Some((total, parent.is_none())))
}

/// A point counts when it was seen at the target, not when the target says so.
pub(super) async fn commit(job: &Job, sink: &mut Option<Box<dyn SinkPoint>>) -> Result<SinkRef> {
    let Some(sink) = sink.take() else { return Err(cloud::permanent("A point was to be committed that was never begun.").into()) };
    let sink_ref = job.at_target("commit point", COMMIT, sink.commit()).await?;
    if job.at_target("look at point", SHORT, job.disk_sink()?.exists(&sink_ref)).await? {
        return Ok(sink_ref);
    }
    let message = format!("{} said that the recovery point was stored, but it is not there. It is made again.", job.target.name);
    Err(cloud::transient(message).into())
}

/// Writes the row, then lets the source forget the earlier point.
async fn settle(job: &Job, prepared: Prepared, source: Box<dyn SourcePoint>, filled: Filled, begun: Instant) -> Result<Cycle> {
    let (reference, taken_at) = (source.reference(), source.taken_at());
    let took_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
    let bytes = if let Filled::Point { bytes, .. } = &filled { *bytes } else { 0 };
    let off = prepared.off && is_off(job).await.unwrap_or(false);
    let done = Done { claim: job.claim.clone(), held_by: job.member.held_by.clone(), took_ms, bytes, off };
    let db = &job.node.db;
    let (point_id, full, written) = match (filled, prepared.parent) {
        (Filled::Nothing, Some(parent)) => {
            let written = points::extend(db, &parent, Some(&reference), taken_at, now(), &done).await;
            (parent.id, false, written)
        }
        (Filled::Nothing, None) => return Err(cloud::permanent("A first point cannot be empty.").into()),
        (Filled::Point { sink_ref, full, .. }, parent) => {
            let parent = parent.filter(|_| !full);
            let point = StoredPoint {
                id: new_id(),
                member_id: job.member.id.clone(),
                lineage: job.member.lineage.clone(),
                cloud_id: job.work.target_cloud_id.clone(),
                seq: prepared.seq,
                depth: parent.as_ref().map_or(0, |p| p.depth + 1),
                parent_id: parent.map(|p| p.id),
                source_point: Some(reference),
                sink_ref,
                spec: prepared.spec,
                taken_at,
                committed_at: now(),
                bytes,
                held: false,
                deleting: false,
                missing_since: None,
            };
            let written = points::record(db, &point, &done).await;
            (point.id, full, written)
        }
    };
    match written {
        Ok(true) => {
            // The row is there: whatever becomes of this call, the next cycle goes on from it.
            if let Err(error) = job.at_source("close point", LONG, source.close(true)).await {
                tracing::warn!(member = %job.member.name, %error, "the source did not forget the earlier point yet");
            }
            Ok(Cycle { point_id, bytes, full, taken_at, took_ms: took_ms.unsigned_abs() })
        }
        Ok(false) => {
            clean_up(job, source, None).await;
            Err(Error::Lost)
        }
        // It may have been written: neither end may be touched before the store answers again.
        Err(error) => Err(error.into()),
    }
}

/// Best effort: what stays is tidied by the next cycle.
pub(super) async fn clean_up(job: &Job, source: Box<dyn SourcePoint>, sink: Option<Box<dyn SinkPoint>>) {
    let member = &job.member.name;
    if let Some(sink) = sink
        && let Err(error) = job.at_target("abort point", CLEAN_UP, sink.abort()).await
    {
        tracing::warn!(%member, %error, "an unfinished point stays at the target until the next cycle");
    }
    if let Err(error) = job.at_source("close point", CLEAN_UP, source.close(false)).await {
        tracing::warn!(%member, %error, "an unused point stays at the source until the next cycle");
    }
}

fn count(job: &Job, outcome: &Result<Cycle>, begun: Instant) {
    let name = match outcome {
        Ok(_) => "ok",
        Err(Error::Cancelled | Error::Lost) => "stopped",
        Err(_) => "failed",
    };
    let group = || job.work.group.clone();
    metrics::counter!("crossfade_replication_cycles_total", "group" => group(), "outcome" => name).increment(1);
    if let Ok(cycle) = outcome {
        metrics::counter!("crossfade_replication_bytes_total", "group" => group()).increment(cycle.bytes);
        metrics::histogram!("crossfade_replication_cycle_seconds", "group" => group()).record(begun.elapsed().as_secs_f64());
    }
}
