//! API and wallboard tokens: only their hashes are kept.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    on,
};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredToken {
    pub id: String,
    pub name: String,
    pub purpose: String,
    pub role: String,
    pub created_by: String,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

const COLUMNS: &str = "SELECT id, name, purpose, role, created_by, created_at, last_used_at, expires_at, revoked_at FROM tokens";

fn select(rest: &str) -> sqlx::AssertSqlSafe<String> {
    sqlx::AssertSqlSafe(format!("{COLUMNS} {rest}"))
}

/// Answers the number of the event.
pub async fn insert(db: &Db, t: &StoredToken, hash: &str, event: &StoredAudit) -> StoreResult<i64> {
    let sql =
        "INSERT INTO tokens(id, name, purpose, role, hash, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let seq = audited!(db, event, tx => sqlx::query(sql).bind(&t.id).bind(&t.name).bind(&t.purpose).bind(&t.role).bind(hash)
        .bind(&t.created_by).bind(t.created_at).bind(t.expires_at).execute(&mut *tx).await?.rows_affected());
    seq.ok_or(sqlx::Error::RowNotFound)
}

/// Revoked and expired ones too: the caller decides what to say.
pub async fn by_hash(db: &Db, hash: &str) -> StoreResult<Option<StoredToken>> {
    on!(db, p => sqlx::query_as(select("WHERE hash = $1")).bind(hash).fetch_optional(p).await)
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredToken>> {
    on!(db, p => sqlx::query_as(select("WHERE id = $1")).bind(id).fetch_optional(p).await)
}

/// Newest first, before `before`.
pub async fn list(db: &Db, before: Option<&str>, limit: i64) -> StoreResult<Vec<StoredToken>> {
    // Ids grow with time, and '~' is above all of them.
    on!(db, p => sqlx::query_as(select("WHERE id < $1 ORDER BY id DESC LIMIT $2")).bind(before.unwrap_or("~")).bind(limit).fetch_all(p).await)
}

pub async fn used(db: &Db, id: &str, at: i64) -> StoreResult<()> {
    on!(db, p => sqlx::query("UPDATE tokens SET last_used_at = $2 WHERE id = $1").bind(id).bind(at).execute(p).await?.rows_affected());
    Ok(())
}

/// `None`: it was revoked before.
pub async fn revoke(db: &Db, id: &str, at: i64, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let sql = "UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    Ok(audited!(db, event, tx => sqlx::query(sql).bind(id).bind(at).execute(&mut *tx).await?.rows_affected()))
}
