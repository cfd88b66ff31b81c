//! Recovery points: one row for each that was committed at its cloud. A point without a row does not exist.

use super::{
    Db, StoreResult,
    member_leases::{MemberClaim, holds},
    on,
};
use crate::clouds::{MachineSpec, PointRef, SinkRef};
use model::{Id, Millis, protection::RecoveryPoint};
use sqlx::AssertSqlSafe;

#[derive(Clone, Debug, PartialEq)]
pub struct StoredPoint {
    pub id: Id,
    pub member_id: Id,
    pub lineage: Id,
    pub cloud_id: Id,
    pub seq: i64,
    pub parent_id: Option<Id>,
    pub depth: u32,
    pub source_point: Option<PointRef>,
    pub sink_ref: SinkRef,
    pub spec: MachineSpec,
    pub taken_at: Millis,
    pub committed_at: Millis,
    pub bytes: u64,
    pub held: bool,
    pub deleting: bool,
    /// Its cloud does not show it.
    pub missing_since: Option<Millis>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    member_id: String,
    lineage: String,
    cloud_id: String,
    seq: i64,
    parent_id: Option<String>,
    depth: i64,
    source_point: Option<String>,
    sink_ref: String,
    spec: String,
    taken_at: i64,
    committed_at: i64,
    bytes: i64,
    held: i64,
    deleting: i64,
    missing_since: Option<i64>,
}

impl TryFrom<Row> for StoredPoint {
    type Error = sqlx::Error;
    fn try_from(r: Row) -> StoreResult<Self> {
        let spec = serde_json::from_str(&r.spec).map_err(|e| sqlx::Error::Decode(Box::new(e)))?;
        Ok(Self {
            id: r.id,
            member_id: r.member_id,
            lineage: r.lineage,
            cloud_id: r.cloud_id,
            seq: r.seq,
            parent_id: r.parent_id,
            depth: u32::try_from(r.depth).unwrap_or_default(),
            source_point: r.source_point.map(PointRef),
            sink_ref: SinkRef(r.sink_ref),
            spec,
            taken_at: r.taken_at,
            committed_at: r.committed_at,
            bytes: r.bytes.unsigned_abs(),
            held: r.held != 0,
            deleting: r.deleting != 0,
            missing_since: r.missing_since,
        })
    }
}

impl StoredPoint {
    pub fn shown(&self) -> RecoveryPoint {
        RecoveryPoint {
            id: self.id.clone(),
            member_id: self.member_id.clone(),
            cloud_id: self.cloud_id.clone(),
            seq: self.seq,
            taken_at: self.taken_at,
            committed_at: self.committed_at,
            full: self.parent_id.is_none(),
            bytes: self.bytes,
            held: self.held,
            missing_since: self.missing_since,
        }
    }
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredPoint>> {
    let row: Option<Row> = on!(db, p => sqlx::query_as("SELECT * FROM points WHERE id = $1").bind(id).fetch_optional(p).await?);
    row.map(StoredPoint::try_from).transpose()
}

/// The one to recover from, and the one that the next cycle builds on: at the cloud that the member is replicated to now.
pub async fn newest(db: &Db, member_id: &str) -> StoreResult<Option<StoredPoint>> {
    let row: Option<Row> = on!(db, p => sqlx::query_as(
        "SELECT * FROM points WHERE member_id = $1 AND deleting = 0 AND missing_since IS NULL \
         AND cloud_id = (SELECT target_cloud_id FROM members WHERE id = $1) ORDER BY seq DESC LIMIT 1"
    ).bind(member_id).fetch_optional(p).await?);
    row.map(StoredPoint::try_from).transpose()
}

/// What the machine's source keeps for the other targets of it.
pub async fn of_others(db: &Db, member_id: &str) -> StoreResult<Vec<PointRef>> {
    let sql = "SELECT p.source_point FROM members m JOIN members o ON o.machine_id = m.machine_id AND o.id <> m.id JOIN points p ON p.member_id = o.id \
        WHERE m.id = $1 AND p.source_point IS NOT NULL AND p.deleting = 0 AND p.cloud_id = o.target_cloud_id";
    let rows: Vec<String> = on!(db, p => sqlx::query_scalar(sql).bind(member_id).fetch_all(p).await?);
    Ok(rows.into_iter().map(PointRef).collect())
}

/// All of a member, newest first, with those that are being deleted.
pub async fn all(db: &Db, member_id: &str) -> StoreResult<Vec<StoredPoint>> {
    let rows: Vec<Row> =
        on!(db, p => sqlx::query_as("SELECT * FROM points WHERE member_id = $1 ORDER BY seq DESC").bind(member_id).fetch_all(p).await?);
    rows.into_iter().map(StoredPoint::try_from).collect()
}

/// One page of the usable ones, newest first, `before` a sequence number.
pub async fn page(db: &Db, member_id: &str, before: Option<i64>, limit: u32) -> StoreResult<Vec<StoredPoint>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(
        "SELECT * FROM points WHERE member_id = $1 AND deleting = 0 AND seq < $2 ORDER BY seq DESC LIMIT $3"
    ).bind(member_id).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit)).fetch_all(p).await?);
    rows.into_iter().map(StoredPoint::try_from).collect()
}

/// Of a machine, over all members that it ever was: newest first, `before` an instant and identifier.
pub async fn page_of_lineage(db: &Db, lineage: &str, before: Option<(Millis, Id)>, limit: u32) -> StoreResult<Vec<StoredPoint>> {
    let (at, id) = before.unwrap_or((Millis::MAX, String::new()));
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(
        "SELECT * FROM points WHERE lineage = $1 AND deleting = 0 AND (taken_at < $2 OR (taken_at = $2 AND id < $3)) \
         ORDER BY taken_at DESC, id DESC LIMIT $4"
    ).bind(lineage).bind(at).bind(&id).bind(i64::from(limit)).fetch_all(p).await?);
    rows.into_iter().map(StoredPoint::try_from).collect()
}

/// Bytes of the largest point of a lineage that holds everything; 0 when there is none.
pub async fn largest_full(db: &Db, lineage: &str) -> StoreResult<u64> {
    let (bytes,): (Option<i64>,) = on!(db, p => sqlx::query_as("SELECT MAX(bytes) FROM points WHERE lineage = $1 AND parent_id IS NULL")
        .bind(lineage).fetch_one(p).await?);
    Ok(bytes.unwrap_or_default().unsigned_abs())
}

/// Everything that may exist of a lineage at a cloud: what a tidying must leave alone.
pub async fn refs(db: &Db, cloud_id: &str, lineage: &str) -> StoreResult<Vec<SinkRef>> {
    let rows: Vec<(String,)> = on!(db, p => sqlx::query_as("SELECT sink_ref FROM points WHERE cloud_id = $1 AND lineage = $2")
        .bind(cloud_id).bind(lineage).fetch_all(p).await?);
    Ok(rows.into_iter().map(|r| SinkRef(r.0)).collect())
}

/// What has to be deleted at its cloud: marked, or left behind by a member that is no more.
pub async fn doomed(db: &Db) -> StoreResult<Vec<StoredPoint>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(
        "SELECT * FROM points WHERE held = 0 AND (deleting = 1 OR NOT EXISTS (SELECT 1 FROM members m WHERE m.id = points.member_id)) \
         AND NOT EXISTS (SELECT 1 FROM points c WHERE c.parent_id = points.id) ORDER BY seq DESC"
    ).fetch_all(p).await?);
    rows.into_iter().map(StoredPoint::try_from).collect()
}

/// Says that it is going to be deleted; no: it is held, or already gone.
pub async fn doom(db: &Db, id: &str) -> StoreResult<bool> {
    Ok(on!(db, p => sqlx::query("UPDATE points SET deleting = 1 WHERE id = $1 AND held = 0").bind(id).execute(p).await?.rows_affected())
        == 1)
}

/// It turned out to be needed: usable again.
pub async fn spare(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE points SET deleting = 0 WHERE id = $1").bind(id).execute(p).await?; });
    Ok(())
}

pub async fn remove(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("DELETE FROM points WHERE id = $1").bind(id).execute(p).await?; });
    Ok(())
}

/// Its cloud does not show it now.
pub async fn miss(db: &Db, id: &str, at: Millis) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE points SET missing_since = COALESCE(missing_since, $2) WHERE id = $1").bind(id).bind(at).execute(p).await?; });
    Ok(())
}

/// It is there again.
pub async fn found(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE points SET missing_since = NULL WHERE id = $1").bind(id).execute(p).await?; });
    Ok(())
}

/// Of a member: those that were not seen at the last look.
pub async fn missing(db: &Db, member_id: &str) -> StoreResult<Vec<StoredPoint>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as("SELECT * FROM points WHERE member_id = $1 AND missing_since IS NOT NULL ORDER BY seq")
        .bind(member_id).fetch_all(p).await?);
    rows.into_iter().map(StoredPoint::try_from).collect()
}

/// Retention leaves it alone from now on; no: it is being deleted or gone.
pub async fn hold(db: &Db, id: &str) -> StoreResult<bool> {
    Ok(
        on!(db, p => sqlx::query("UPDATE points SET held = 1 WHERE id = $1 AND deleting = 0 AND missing_since IS NULL").bind(id).execute(p).await?.rows_affected())
            == 1,
    )
}

pub async fn unhold(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE points SET held = 0 WHERE id = $1").bind(id).execute(p).await?; });
    Ok(())
}

/// The machine that was based on points of this lineage at this cloud is gone.
pub async fn unhold_all(db: &Db, lineage: &str, cloud_id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE points SET held = 0 WHERE lineage = $1 AND cloud_id = $2").bind(lineage).bind(cloud_id).execute(p).await?; });
    Ok(())
}

/// A point and all that it is based on, the nearest first.
pub async fn chain(db: &Db, point: &StoredPoint) -> StoreResult<Vec<StoredPoint>> {
    let mut chain = vec![point.clone()];
    while let Some(below) = chain.last().and_then(|one| one.parent_id.clone()) {
        let Some(found) = get(db, &below).await?.filter(|one| chain.iter().all(|other| other.id != one.id)) else { break };
        chain.push(found);
    }
    Ok(chain)
}

/// It has another form at its cloud now, and is based on another one. `false`: the claim does not hold any more.
pub async fn rests(db: &Db, claim: &MemberClaim, point: &StoredPoint) -> StoreResult<bool> {
    let sql = format!(
        "UPDATE points SET sink_ref = $2, parent_id = $3, depth = $4 WHERE id = $1 AND EXISTS (SELECT 1 FROM members WHERE id = $5 AND {})",
        holds(db, 6)
    );
    let rows = on!(db, p => sqlx::query(AssertSqlSafe(sql)).bind(&point.id).bind(&point.sink_ref.0).bind(&point.parent_id)
        .bind(i64::from(point.depth)).bind(&claim.member_id).bind(&claim.owner).bind(claim.epoch).execute(p).await?.rows_affected());
    Ok(rows == 1)
}

/// What a cycle leaves in the member's row.
#[derive(Clone, Debug)]
pub struct Done {
    /// The right to write: a cycle whose node lost the member changes nothing.
    pub claim: MemberClaim,
    /// The run that had to hold it, or nobody: a cycle that lost its right to write changes nothing.
    pub held_by: Option<Id>,
    pub took_ms: i64,
    pub bytes: u64,
    /// The machine was off for the whole cycle.
    pub off: bool,
}

/// Writes a committed point and what it means for its member, in one transaction; no: somebody else took the member.
pub async fn record(db: &Db, point: &StoredPoint, done: &Done) -> StoreResult<bool> {
    let mine = after_cycle(db);
    on!(db, p => {
        let mut tx = p.begin().await?;
        let mine = sqlx::query(AssertSqlSafe(mine.as_str())).bind(&done.claim.member_id).bind(done.held_by.as_deref().unwrap_or_default())
            .bind(done.took_ms).bind(done.bytes as i64).bind(done.off.then_some(&point.id)).bind(&done.claim.owner).bind(done.claim.epoch)
            .execute(&mut *tx).await?.rows_affected();
        if mine == 0 {
            return Ok(false);
        }
        sqlx::query("UPDATE points SET source_point = NULL WHERE member_id = $1").bind(&point.member_id).execute(&mut *tx).await?;
        sqlx::query(
            "INSERT INTO points (id, member_id, lineage, cloud_id, seq, parent_id, depth, source_point, sink_ref, spec, taken_at, \
             committed_at, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
            .bind(&point.id).bind(&point.member_id).bind(&point.lineage).bind(&point.cloud_id).bind(point.seq).bind(&point.parent_id)
            .bind(i64::from(point.depth)).bind(point.source_point.as_ref().map(|r| &r.0)).bind(&point.sink_ref.0)
            .bind(serde_json::to_string(&point.spec).unwrap_or_default()).bind(point.taken_at).bind(point.committed_at)
            .bind(point.bytes as i64).execute(&mut *tx).await?;
        tx.commit().await?;
    });
    Ok(true)
}

/// One that was made of the newest point: the member stays as it is, and its next cycle goes on from that one. No: somebody
/// else took the member, or it is there.
pub async fn put_on_top(db: &Db, point: &StoredPoint, claim: &MemberClaim, held_by: Option<&str>) -> StoreResult<bool> {
    let sql = format!(
        "INSERT INTO points (id, member_id, lineage, cloud_id, seq, parent_id, depth, sink_ref, spec, taken_at, committed_at, bytes) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM members WHERE id = $2 AND COALESCE(held_by, '') = $13 AND {} \
         ON CONFLICT (id) DO NOTHING",
        holds(db, 14)
    );
    let rows = on!(db, p => sqlx::query(AssertSqlSafe(sql)).bind(&point.id).bind(&point.member_id).bind(&point.lineage)
        .bind(&point.cloud_id).bind(point.seq).bind(&point.parent_id).bind(i64::from(point.depth)).bind(&point.sink_ref.0)
        .bind(serde_json::to_string(&point.spec).unwrap_or_default()).bind(point.taken_at).bind(point.committed_at)
        .bind(point.bytes as i64).bind(held_by.unwrap_or_default()).bind(&claim.owner).bind(claim.epoch).execute(p).await?.rows_affected());
    Ok(rows == 1)
}

/// Nothing was written since the point was taken: it shows this later instant as well. No: somebody else took the member.
pub async fn extend(
    db: &Db,
    point: &StoredPoint,
    source_point: Option<&PointRef>,
    taken_at: Millis,
    now: Millis,
    done: &Done,
) -> StoreResult<bool> {
    let mine = after_cycle(db);
    on!(db, p => {
        let mut tx = p.begin().await?;
        let mine = sqlx::query(AssertSqlSafe(mine.as_str())).bind(&done.claim.member_id).bind(done.held_by.as_deref().unwrap_or_default())
            .bind(done.took_ms).bind(done.bytes as i64).bind(done.off.then_some(&point.id)).bind(&done.claim.owner).bind(done.claim.epoch)
            .execute(&mut *tx).await?.rows_affected();
        if mine == 0 {
            return Ok(false);
        }
        sqlx::query("UPDATE points SET taken_at = $2, committed_at = $3, source_point = COALESCE($4, source_point) WHERE id = $1 AND deleting = 0")
            .bind(&point.id).bind(taken_at).bind(now).bind(source_point.map(|r| &r.0)).execute(&mut *tx).await?;
        tx.commit().await?;
    });
    Ok(true)
}

fn after_cycle(db: &Db) -> String {
    format!(
        "UPDATE members SET state = 'replicating', last_cycle_ms = $3, last_cycle_bytes = $4, final_point_id = $5, \
         last_error = NULL, error_since = NULL, next_try_at = NULL WHERE id = $1 AND COALESCE(held_by, '') = $2 AND {}",
        holds(db, 6)
    )
}

/// The highest sequence number that was ever given out and is still known; 0 before the first.
pub async fn last_seq(db: &Db, member_id: &str) -> StoreResult<i64> {
    let (seq,): (Option<i64>,) =
        on!(db, p => sqlx::query_as("SELECT MAX(seq) FROM points WHERE member_id = $1").bind(member_id).fetch_one(p).await?);
    Ok(seq.unwrap_or(0))
}
