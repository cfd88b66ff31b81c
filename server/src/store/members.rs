//! Members: machines under replication, in a group or for a move.

use super::{
    Db, StoreResult,
    member_leases::{MemberClaim, holds},
    on,
};
use model::{
    Id, Mapping, Millis,
    protection::{Member, Replication, ReplicationState},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMember {
    pub id: Id,
    /// None: the subject of a move.
    pub group_id: Option<Id>,
    pub machine_id: Id,
    pub lineage: Id,
    pub name: String,
    pub target_cloud_id: Id,
    pub state: ReplicationState,
    pub held_by: Option<Id>,
    pub last_cycle_ms: Option<i64>,
    pub last_cycle_bytes: Option<i64>,
    pub last_error: Option<String>,
    pub error_since: Option<Millis>,
    pub next_try_at: Option<Millis>,
    pub final_point_id: Option<Id>,
    /// None: not taken away yet.
    pub autostart_was: Option<bool>,
    pub warning: Option<String>,
    pub created_at: Millis,
    /// Beside the main one of its machine, to another target.
    pub further: bool,
    /// The node that did it last, or is at it.
    pub owner: Option<String>,
    pub epoch: i64,
    pub group_paused: bool,
    pub points: u32,
    pub missing: u32,
    pub newest_point_at: Option<Millis>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    group_id: Option<String>,
    machine_id: String,
    lineage: String,
    name: String,
    target_cloud_id: String,
    state: String,
    held_by: Option<String>,
    last_cycle_ms: Option<i64>,
    last_cycle_bytes: Option<i64>,
    last_error: Option<String>,
    error_since: Option<i64>,
    next_try_at: Option<i64>,
    final_point_id: Option<String>,
    autostart_was: Option<i64>,
    warning: Option<String>,
    created_at: i64,
    further: i64,
    owner: Option<String>,
    epoch: i64,
    group_paused: i64,
    points: i64,
    missing: i64,
    newest_point_at: Option<i64>,
}

impl From<Row> for StoredMember {
    fn from(r: Row) -> Self {
        Self {
            id: r.id,
            group_id: r.group_id,
            machine_id: r.machine_id,
            lineage: r.lineage,
            name: r.name,
            target_cloud_id: r.target_cloud_id,
            state: ReplicationState::parse(&r.state).unwrap_or(ReplicationState::Waiting),
            held_by: r.held_by,
            last_cycle_ms: r.last_cycle_ms,
            last_cycle_bytes: r.last_cycle_bytes,
            last_error: r.last_error,
            error_since: r.error_since,
            next_try_at: r.next_try_at,
            final_point_id: r.final_point_id,
            autostart_was: r.autostart_was.map(|a| a != 0),
            warning: r.warning,
            created_at: r.created_at,
            further: r.further != 0,
            owner: r.owner,
            epoch: r.epoch,
            group_paused: r.group_paused != 0,
            points: u32::try_from(r.points).unwrap_or_default(),
            missing: u32::try_from(r.missing).unwrap_or_default(),
            newest_point_at: r.newest_point_at,
        }
    }
}

impl StoredMember {
    /// As the screens see it; the transfer is only in memory.
    pub fn shown(&self, transfer: Option<model::Transfer>) -> Member {
        let paused = self.group_paused && self.state != ReplicationState::Recovered;
        Member {
            id: self.id.clone(),
            group_id: self.group_id.clone().unwrap_or_default(),
            machine_id: self.machine_id.clone(),
            name: self.name.clone(),
            lineage: self.lineage.clone(),
            replication: Replication {
                state: if paused { ReplicationState::Paused } else { self.state },
                newest_point_at: self.newest_point_at,
                points: self.points,
                missing: self.missing,
                transfer,
                last_cycle_ms: self.last_cycle_ms.map(i64::unsigned_abs),
                last_cycle_bytes: self.last_cycle_bytes.map(i64::unsigned_abs),
                last_error: self.last_error.clone(),
                error_since: self.error_since,
                next_try_at: self.next_try_at,
            },
            warning: self.warning.clone(),
        }
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.*, COALESCE(g.paused, 0) AS group_paused, \
             (SELECT COUNT(*) FROM points p WHERE p.member_id = m.id AND p.deleting = 0 AND p.missing_since IS NULL) AS points, \
             (SELECT COUNT(*) FROM points p WHERE p.member_id = m.id AND p.deleting = 0 AND p.missing_since IS NOT NULL) AS missing, \
             (SELECT p.taken_at FROM points p WHERE p.member_id = m.id AND p.deleting = 0 AND p.missing_since IS NULL AND p.cloud_id = m.target_cloud_id ORDER BY p.seq DESC LIMIT 1) AS newest_point_at \
             FROM members m LEFT JOIN groups g ON g.id = m.group_id ",
            $rest
        )
    };
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredMember>> {
    let row: Option<Row> = on!(db, p => sqlx::query_as(select!("WHERE m.id = $1")).bind(id).fetch_optional(p).await?);
    Ok(row.map(Into::into))
}

/// The main one that replicates this machine now.
pub async fn of_machine(db: &Db, machine_id: &str) -> StoreResult<Option<StoredMember>> {
    let row: Option<Row> =
        on!(db, p => sqlx::query_as(select!("WHERE m.machine_id = $1 AND m.further = 0")).bind(machine_id).fetch_optional(p).await?);
    Ok(row.map(Into::into))
}

/// All that replicate this machine, the main one first.
pub async fn all_of_machine(db: &Db, machine_id: &str) -> StoreResult<Vec<StoredMember>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(select!("WHERE m.machine_id = $1 ORDER BY m.further, m.target_cloud_id"))
        .bind(machine_id).fetch_all(p).await?);
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The members of the same machine, with this one.
pub async fn together(db: &Db, id: &str) -> StoreResult<Vec<Id>> {
    let sql = "SELECT id FROM members WHERE lineage = (SELECT lineage FROM members WHERE id = $1) ORDER BY further, id";
    on!(db, p => sqlx::query_scalar(sql).bind(id).fetch_all(p).await)
}

/// The last whole cycle of a member, from the cloud where its machine is to the one that keeps its points.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LastCycle {
    pub source: Id,
    pub target: Id,
    pub bytes: i64,
    pub ms: i64,
}

pub async fn last_cycles(db: &Db) -> StoreResult<Vec<LastCycle>> {
    let sql = "SELECT x.cloud_id AS source, m.target_cloud_id AS target, m.last_cycle_bytes AS bytes, m.last_cycle_ms AS ms FROM members m \
        JOIN machines x ON x.id = m.machine_id WHERE m.last_cycle_bytes > 0 AND m.last_cycle_ms > 0 AND x.cloud_id <> m.target_cloud_id";
    on!(db, p => sqlx::query_as(sql).fetch_all(p).await)
}

pub async fn in_group(db: &Db, group_id: &str) -> StoreResult<Vec<StoredMember>> {
    let rows: Vec<Row> =
        on!(db, p => sqlx::query_as(select!("WHERE m.group_id = $1 ORDER BY m.name, m.id")).bind(group_id).fetch_all(p).await?);
    Ok(rows.into_iter().map(Into::into).collect())
}

pub async fn all(db: &Db) -> StoreResult<Vec<StoredMember>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(select!("ORDER BY m.name, m.id")).fetch_all(p).await?);
    Ok(rows.into_iter().map(Into::into).collect())
}

#[derive(Clone, Debug)]
pub struct NewMember {
    pub id: Id,
    pub group_id: Option<Id>,
    pub machine_id: Id,
    pub name: String,
    pub target_cloud_id: Id,
    pub storage: Vec<Mapping>,
    pub held_by: Option<Id>,
    pub further: bool,
}

/// Puts a machine under replication, as the active copy of its lineage (a new one, when it has none). Answers the
/// lineage; `None`: the machine is a member already.
pub async fn insert(db: &Db, new: &NewMember, fresh_lineage: &str, now: Millis) -> StoreResult<Option<Id>> {
    let lineage = on!(db, p => {
        let mut tx = p.begin().await?;
        sqlx::query("INSERT INTO copies (machine_id, lineage, role, since) VALUES ($1, $2, 'active', $3) ON CONFLICT (machine_id) DO NOTHING")
            .bind(&new.machine_id).bind(fresh_lineage).bind(now).execute(&mut *tx).await?;
        let (lineage,): (String,) =
            sqlx::query_as("SELECT lineage FROM copies WHERE machine_id = $1").bind(&new.machine_id).fetch_one(&mut *tx).await?;
        let rows = sqlx::query(
            "INSERT INTO members (id, group_id, machine_id, lineage, name, target_cloud_id, storage, state, held_by, created_at, further) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, $9, $10) ON CONFLICT DO NOTHING")
            .bind(&new.id).bind(&new.group_id).bind(&new.machine_id).bind(&lineage).bind(&new.name).bind(&new.target_cloud_id)
            .bind(serde_json::to_string(&new.storage).unwrap_or_default()).bind(&new.held_by).bind(now)
            .bind(i64::from(new.further)).execute(&mut *tx).await?.rows_affected();
        sqlx::query("INSERT INTO known_members (id, lineage, name) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING")
            .bind(&new.id).bind(&lineage).bind(&new.name).execute(&mut *tx).await?;
        tx.commit().await?;
        (rows == 1).then_some(lineage)
    });
    Ok(lineage)
}

pub async fn delete(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("DELETE FROM members WHERE id = $1").bind(id).execute(p).await?; });
    Ok(())
}

/// Gives the member to a run, with the other ones of its machine; no: another run has one, or it is gone.
pub async fn hold(db: &Db, id: &str, run_id: &str) -> StoreResult<bool> {
    let sql = "UPDATE members SET held_by = $2 WHERE lineage = (SELECT lineage FROM members WHERE id = $1) AND NOT EXISTS \
        (SELECT 1 FROM members o WHERE o.lineage = members.lineage AND o.held_by IS NOT NULL AND o.held_by <> $2)";
    Ok(on!(db, p => sqlx::query(sql).bind(id).bind(run_id).execute(p).await?.rows_affected()) > 0)
}

/// With the other ones of its machine.
pub async fn release(db: &Db, id: &str, run_id: &str) -> StoreResult<()> {
    let sql = "UPDATE members SET held_by = NULL WHERE held_by = $2 AND lineage = (SELECT lineage FROM members WHERE id = $1)";
    on!(db, p => { sqlx::query(sql).bind(id).bind(run_id).execute(p).await?; });
    Ok(())
}

/// `false`: the claim does not hold any more.
pub async fn set_state(db: &Db, claim: &MemberClaim, state: ReplicationState) -> StoreResult<bool> {
    let sql = format!("UPDATE members SET state = $2 WHERE id = $1 AND {}", holds(db, 3));
    Ok(on!(db, p => sqlx::query(sqlx::AssertSqlSafe(sql)).bind(&claim.member_id).bind(state.as_str()).bind(&claim.owner).bind(claim.epoch)
        .execute(p).await?.rows_affected())
        == 1)
}

/// The last cycle failed, in the cloud's words.
pub async fn failed(db: &Db, claim: &MemberClaim, error: &str, now: Millis, next_try_at: Millis) -> StoreResult<()> {
    // The lease was given back by then; a later claim, by whomever, makes this one's word void.
    on!(db, p => { sqlx::query("UPDATE members SET state = 'failing', last_error = $2, error_since = COALESCE(error_since, $3), \
        next_try_at = $4 WHERE id = $1 AND state <> 'recovered' AND owner = $5 AND epoch = $6").bind(&claim.member_id).bind(error).bind(now)
        .bind(next_try_at).bind(&claim.owner).bind(claim.epoch).execute(p).await?; });
    Ok(())
}

/// `was`: None when it could not be settled.
pub async fn autostart(db: &Db, id: &str, was: Option<bool>, warning: Option<&str>) -> StoreResult<()> {
    // Whichever target asked first: the others see it as taken away.
    let sql = "UPDATE members SET autostart_was = COALESCE(autostart_was, $2), warning = CASE WHEN id = $1 THEN $3 ELSE warning END \
        WHERE lineage = (SELECT lineage FROM members WHERE id = $1)";
    on!(db, p => { sqlx::query(sql)
        .bind(id).bind(was.map(i64::from)).bind(warning).execute(p).await?; });
    Ok(())
}

/// The reason of its failures may be gone: no need to wait for the end of the pause.
pub async fn retry_now(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE members SET next_try_at = 0 WHERE id = $1 AND next_try_at IS NOT NULL").bind(id).execute(p).await?; });
    Ok(())
}
