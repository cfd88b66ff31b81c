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
}

const COPY: &str = "SELECT machine_id, lineage, role, since, generation, run_id, keep_until FROM copies";

pub async fn of_lineage(db: &Db, lineage: &str) -> StoreResult<Vec<CopyRow>> {
    let sql = format!("{COPY} WHERE lineage = $1 ORDER BY machine_id");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(lineage).fetch_all(p).await?))
}

pub async fn get(db: &Db, machine_id: &str) -> StoreResult<Option<CopyRow>> {
    let sql = format!("{COPY} WHERE machine_id = $1");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(machine_id).fetch_optional(p).await?))
}

/// A run has made this copy; it must not be started before its promotion.
pub async fn incoming(db: &Db, claim: &Claim, machine_id: &str, lineage: &str, at: Millis) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("INSERT INTO copies (machine_id, lineage, role, since, generation, run_id) \
            VALUES ($1, $2, 'incoming', $3, 0, $4) ON CONFLICT (machine_id) DO NOTHING")
            .bind(machine_id).bind(lineage).bind(at).bind(&claim.run_id).execute(&mut *tx).await?;
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

/// In ONE transaction: the new copy is active under a higher generation, every other one is superseded, and the member
/// names the new one. Done again it changes nothing. Before the new copy is started, never after.
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
            sqlx::query("UPDATE members SET machine_id = $1, state = 'recovered', last_error = NULL, error_since = NULL, next_try_at = NULL WHERE id = $2")
                .bind(p.new).bind(p.member_id).execute(&mut *tx).await?;
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

/// The superseded copy was removed from its cloud.
pub async fn removed(db: &Db, machine_id: &str) -> StoreResult<()> {
    on!(db, p => {
        sqlx::query("DELETE FROM copies WHERE machine_id = $1 AND role = 'superseded'").bind(machine_id).execute(p).await?;
    });
    Ok(())
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
