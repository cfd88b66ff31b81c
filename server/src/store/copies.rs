//! Which copy of a machine is which: the rule "one active copy" is kept here, in single transactions.

use super::{
    Db, StoreResult, on,
    runs::{Claim, guarded},
};
use model::{Id, Millis};
use sqlx::FromRow;

#[derive(Clone, Debug, FromRow)]
pub struct CopyRow {
    pub machine_id: Id,
    pub lineage: Id,
    pub role: String,
    pub since: Millis,
    pub generation: i64,
    pub run_id: Option<Id>,
    pub keep_until: Option<Millis>,
    /// The recovery point that its disks are based on; unknown for a machine that was not made here.
    pub point_id: Option<Id>,
}

const COPY: &str = "SELECT machine_id, lineage, role, since, generation, run_id, keep_until, point_id FROM copies";

pub async fn of_lineage(db: &Db, lineage: &str) -> StoreResult<Vec<CopyRow>> {
    let sql = format!("{COPY} WHERE lineage = $1 ORDER BY machine_id");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(lineage).fetch_all(p).await?))
}

pub async fn get(db: &Db, machine_id: &str) -> StoreResult<Option<CopyRow>> {
    let sql = format!("{COPY} WHERE machine_id = $1");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(machine_id).fetch_optional(p).await?))
}

/// A copy that a run has made.
pub struct Incoming<'a> {
    pub machine_id: &'a str,
    pub lineage: &'a str,
    pub point_id: Option<&'a str>,
    pub at: Millis,
}

/// It must not be started before its promotion.
pub async fn incoming(db: &Db, claim: &Claim, copy: &Incoming<'_>) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("INSERT INTO copies (machine_id, lineage, role, since, generation, run_id, point_id) \
            VALUES ($1, $2, 'incoming', $3, 0, $4, $5) ON CONFLICT (machine_id) DO NOTHING")
            .bind(copy.machine_id).bind(copy.lineage).bind(copy.at).bind(&claim.run_id).bind(copy.point_id).execute(&mut *tx).await?;
    }))
}

/// A superseded copy was set aside at its cloud: it is known by another identity from now on. Done again it changes nothing.
pub async fn renamed(db: &Db, claim: &Claim, from: &str, to: &str, keep_until: Millis) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE copies SET machine_id = $1, keep_until = $2 WHERE machine_id = $3 AND role = 'superseded'")
            .bind(to).bind(keep_until).bind(from).execute(&mut *tx).await?;
    }))
}

/// What a promotion changes.
pub struct Promotion<'a> {
    pub lineage: &'a str,
    pub member_id: &'a str,
    pub old: &'a str,
    pub new: &'a str,
    pub at: Millis,
}

/// In ONE transaction: the new copy is active under a higher generation, every other one is superseded, and its
/// members name the new one, whatever their target. Done again it changes nothing. Before the new copy is started, never after.
pub async fn promote(db: &Db, claim: &Claim, p: &Promotion<'_>) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        let done: Option<(i64,)> = sqlx::query_as("SELECT generation FROM copies WHERE machine_id = $1 AND role = 'active' AND run_id = $2")
            .bind(p.new).bind(&claim.run_id).fetch_optional(&mut *tx).await?;
        if done.is_none() {
            let (top,): (Option<i64>,) = sqlx::query_as("SELECT MAX(generation) FROM copies WHERE lineage = $1")
                .bind(p.lineage).fetch_one(&mut *tx).await?;
            sqlx::query("UPDATE copies SET role = 'superseded', since = $1, run_id = $2 WHERE lineage = $3 AND machine_id <> $4 AND role <> 'superseded'")
                .bind(p.at).bind(&claim.run_id).bind(p.lineage).bind(p.new).execute(&mut *tx).await?;
            for (machine, role, generation) in [(p.old, "superseded", top.unwrap_or(1)), (p.new, "active", top.unwrap_or(1) + 1)] {
                sqlx::query("INSERT INTO copies (machine_id, lineage, role, since, generation, run_id) VALUES ($1, $2, $3, $4, $5, $6) \
                    ON CONFLICT (machine_id) DO UPDATE SET lineage = $2, role = $3, since = $4, generation = $5, run_id = $6, keep_until = NULL")
                    .bind(machine).bind(p.lineage).bind(role).bind(p.at).bind(generation).bind(&claim.run_id).execute(&mut *tx).await?;
            }
            sqlx::query("UPDATE members SET machine_id = $1, state = 'recovered', last_error = NULL, error_since = NULL, next_try_at = NULL WHERE id = $2 OR lineage = $3")
                .bind(p.new).bind(p.member_id).bind(p.lineage).execute(&mut *tx).await?;
        }
    }))
}

/// The copy that a cancelled run had begun is gone again.
pub async fn forget(db: &Db, claim: &Claim, machine_id: &str) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("DELETE FROM copies WHERE machine_id = $1 AND role = 'incoming'").bind(machine_id).execute(&mut *tx).await?;
    }))
}

pub async fn keep_until(db: &Db, claim: &Claim, machine_id: &str, until: Millis) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE copies SET keep_until = $1 WHERE machine_id = $2 AND role = 'superseded'")
            .bind(until).bind(machine_id).execute(&mut *tx).await?;
    }))
}

/// Superseded copies whose time to be kept is over.
pub async fn expired(db: &Db, now: Millis) -> StoreResult<Vec<CopyRow>> {
    let sql = format!("{COPY} WHERE role = 'superseded' AND keep_until IS NOT NULL AND keep_until < $1");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(now).fetch_all(p).await?))
}

/// The superseded copy was removed from its cloud: the recovery point below it is held no longer, unless another copy is
/// based on it. Of a copy that was made before these were written down: the points of its cloud, when it was the last there.
pub async fn removed(db: &Db, machine_id: &str) -> StoreResult<()> {
    on!(db, p => {
        let mut tx = p.begin().await?;
        sqlx::query("UPDATE points SET held = 0 WHERE held = 1 \
            AND EXISTS (SELECT 1 FROM copies c WHERE c.machine_id = $1 AND c.role = 'superseded' AND (c.point_id = points.id \
                OR (c.point_id IS NULL AND c.lineage = points.lineage AND NOT EXISTS (SELECT 1 FROM copies o JOIN machines x \
                    ON x.id = o.machine_id WHERE o.lineage = c.lineage AND o.machine_id <> $1 AND x.cloud_id = points.cloud_id) \
                    AND EXISTS (SELECT 1 FROM machines x WHERE x.id = $1 AND x.cloud_id = points.cloud_id)))) \
            AND NOT EXISTS (SELECT 1 FROM copies o WHERE o.point_id = points.id AND o.machine_id <> $1)")
            .bind(machine_id).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM copies WHERE machine_id = $1 AND role = 'superseded'").bind(machine_id).execute(&mut *tx).await?;
        tx.commit().await?;
    });
    Ok(())
}

/// A copy with what its cloud shows of it.
#[derive(Clone, Debug, FromRow)]
pub struct PlacedCopy {
    pub machine_id: Id,
    pub role: String,
    pub native_id: String,
    pub name: String,
}

/// The copies of a lineage at one cloud.
pub async fn at_cloud(db: &Db, lineage: &str, cloud_id: &str) -> StoreResult<Vec<PlacedCopy>> {
    on!(db, p => Ok(sqlx::query_as("SELECT c.machine_id, c.role, m.native_id, m.name FROM copies c JOIN machines m ON m.id = c.machine_id \
        WHERE c.lineage = $1 AND m.cloud_id = $2 ORDER BY c.machine_id").bind(lineage).bind(cloud_id).fetch_all(p).await?))
}

/// Where a copy is.
#[derive(Clone, Debug, FromRow)]
pub struct CopyPlace {
    pub machine_id: Id,
    pub cloud_id: Id,
    pub native_id: String,
}

/// Where the other copies of a lineage are, as far as they were ever observed.
pub async fn places(db: &Db, lineage: &str, except: &str) -> StoreResult<Vec<CopyPlace>> {
    on!(db, p => Ok(sqlx::query_as("SELECT c.machine_id, m.cloud_id, m.native_id FROM copies c JOIN machines m ON m.id = c.machine_id \
        WHERE c.lineage = $1 AND c.machine_id <> $2").bind(lineage).bind(except).fetch_all(p).await?))
}
