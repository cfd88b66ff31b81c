//! Sessions: the cookie itself is nowhere, only its hash.

use super::{Db, StoreResult, on};

/// A session together with what its user is now.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredSession {
    pub id: String,
    pub csrf: String,
    pub used_at: i64,
    pub user_id: String,
    pub name: String,
    pub role: String,
    pub must_change: i64,
}

pub async fn insert(db: &Db, id: &str, user_id: &str, csrf: &str, now: i64, expires_at: i64) -> StoreResult<()> {
    let sql = "INSERT INTO sessions(id, user_id, csrf, created_at, used_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)";
    on!(db, p => sqlx::query(sql).bind(id).bind(user_id).bind(csrf).bind(now).bind(expires_at).execute(p).await?.rows_affected());
    Ok(())
}

/// Only one that is neither over nor of a disabled user.
pub async fn get(db: &Db, id: &str, now: i64, idle_since: i64) -> StoreResult<Option<StoredSession>> {
    let sql = "SELECT s.id, s.csrf, s.used_at, s.user_id, u.name, u.role, u.must_change
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.id = $1 AND s.expires_at > $2 AND s.used_at > $3 AND u.disabled = 0";
    on!(db, p => sqlx::query_as(sql).bind(id).bind(now).bind(idle_since).fetch_optional(p).await)
}

pub async fn touch(db: &Db, id: &str, now: i64) -> StoreResult<()> {
    on!(db, p => sqlx::query("UPDATE sessions SET used_at = $2 WHERE id = $1").bind(id).bind(now).execute(p).await?.rows_affected());
    Ok(())
}

pub async fn delete(db: &Db, id: &str) -> StoreResult<()> {
    on!(db, p => sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(p).await?.rows_affected());
    Ok(())
}

pub async fn sweep(db: &Db, now: i64, idle_since: i64) -> StoreResult<u64> {
    let sql = "DELETE FROM sessions WHERE expires_at <= $1 OR used_at <= $2";
    Ok(on!(db, p => sqlx::query(sql).bind(now).bind(idle_since).execute(p).await?.rows_affected()))
}
