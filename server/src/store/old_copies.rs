//! Superseded copies: which are not locked yet, who is at it, and which lie in the way of a new one.

use super::{
    Db, StoreResult,
    audit::{self, StoredAudit},
    on,
    runs::{Claim, clock, guarded},
};
use model::{Id, Millis};
use sqlx::{AssertSqlSafe, FromRow};

#[derive(Clone, Debug, FromRow)]
pub struct OldCopy {
    pub machine_id: Id,
    pub lineage: Id,
    pub cloud_id: Id,
    pub native_id: String,
    pub name: String,
    /// As last seen.
    pub state: String,
    pub since: Millis,
    /// Set by a planned move, which lost nothing. `None`: it may hold what was never copied.
    pub keep_until: Option<Millis>,
    pub locked_at: Option<Millis>,
    /// Since when the copy that superseded it is the active one.
    pub active_since: Option<Millis>,
    /// Starts with its host, as last seen: 0 or 1.
    pub autostart: i64,
}

const OLD: &str = "SELECT c.machine_id, c.lineage, m.cloud_id, m.native_id, m.name, m.state, c.since, c.keep_until, c.locked_at, \
    (SELECT MAX(a.since) FROM copies a WHERE a.lineage = c.lineage AND a.role = 'active') AS active_since, \
    CAST(CASE WHEN m.detail LIKE '%\"autostart\":true%' THEN 1 ELSE 0 END AS BIGINT) AS autostart \
    FROM copies c JOIN machines m ON m.id = c.machine_id JOIN clouds k ON k.id = m.cloud_id \
    WHERE c.role = 'superseded' AND m.gone_at IS NULL";

impl OldCopy {
    /// Was it written down as locked for the copy that is the active one now?
    pub fn is_written_down(&self) -> bool {
        self.locked_at.is_some_and(|at| self.active_since.is_none_or(|since| at >= since))
    }
}

/// No run has the machine or one of its copies.
const FREE: &str = "NOT EXISTS (SELECT 1 FROM run_locks l WHERE l.subject = copies.machine_id OR l.subject = copies.lineage)";

/// Off, at a cloud that answers, and not known to be locked for the copy that is the active one now, or starting with
/// its host.
pub async fn loose(db: &Db) -> StoreResult<Vec<OldCopy>> {
    let sql = format!(
        "{OLD} AND m.state IN ('stopped', 'crashed') AND k.status IN ('ok', 'stale') \
         AND EXISTS (SELECT 1 FROM copies a WHERE a.lineage = c.lineage AND a.role = 'active') \
         AND (m.detail LIKE '%\"locked\":null%' OR m.detail LIKE '%\"autostart\":true%' OR c.locked_at IS NULL \
           OR c.locked_at < (SELECT MAX(a.since) FROM copies a WHERE a.lineage = c.lineage AND a.role = 'active')) \
         AND NOT EXISTS (SELECT 1 FROM run_locks l WHERE l.subject = c.machine_id OR l.subject = c.lineage) ORDER BY c.machine_id"
    );
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(p).await?))
}

/// The old copy of a machine at a cloud.
pub async fn at(db: &Db, lineage: &str, cloud_id: &str) -> StoreResult<Option<OldCopy>> {
    let sql = format!("{OLD} AND c.lineage = $1 AND m.cloud_id = $2");
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(lineage).bind(cloud_id).fetch_optional(p).await?))
}

/// One node at a time, and not while a run has it: a lock that comes late must not hit what the run makes there.
pub async fn claim(db: &Db, machine_id: &str, for_ms: i64) -> StoreResult<bool> {
    let now = clock(db);
    let sql = format!(
        "UPDATE copies SET locking_until = {now} + $2 WHERE machine_id = $1 AND role = 'superseded' AND locking_until < {now} AND {FREE}"
    );
    Ok(on!(db, p => sqlx::query(AssertSqlSafe(sql)).bind(machine_id).bind(for_ms).execute(p).await?.rows_affected()) == 1)
}

/// Nothing of it is under way any more.
pub async fn unclaim(db: &Db, machine_id: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE copies SET locking_until = 0 WHERE machine_id = $1").bind(machine_id).execute(p).await?; });
    Ok(())
}

/// Is a node locking it at this moment?
pub async fn is_claimed(db: &Db, machine_id: &str) -> StoreResult<bool> {
    let sql = format!("SELECT COUNT(*) FROM copies WHERE machine_id = $1 AND locking_until > {}", clock(db));
    let (n,): (i64,) = on!(db, p => sqlx::query_as(AssertSqlSafe(sql)).bind(machine_id).fetch_one(p).await?);
    Ok(n > 0)
}

/// It was read back as locked: that and its place in the audit trail, in one transaction. Answers the row's number.
pub async fn locked(db: &Db, old: &OldCopy, at: Millis, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let sql =
        "UPDATE copies SET locked_at = $2, locking_until = 0 WHERE machine_id = $1 AND role = 'superseded' AND COALESCE(locked_at, 0) = $3";
    on!(db, p => {
        let mut tx = p.begin().await?;
        let mine = sqlx::query(sql).bind(&old.machine_id).bind(at).bind(old.locked_at.unwrap_or_default()).execute(&mut *tx).await?;
        if mine.rows_affected() == 0 {
            return Ok(None);
        }
        let seq = audit::say!(tx, event);
        tx.commit().await?;
        Ok(Some(seq))
    })
}

/// It was removed, or found gone: a new one may take its place.
pub async fn removed(db: &Db, claim: &Claim, machine_id: &str) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("DELETE FROM copies WHERE machine_id = $1 AND role = 'superseded'").bind(machine_id).execute(&mut *tx).await?;
    }))
}
