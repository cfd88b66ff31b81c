//! Answers that were given to a key, so that a repeated request gets the same one.

use super::{Db, StoreResult, on};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredAnswer {
    pub path: String,
    pub body_hash: String,
    /// `None`: the first request has not ended.
    pub status: Option<i64>,
    pub answer: Option<String>,
    pub created_at: i64,
}

/// `true`: the key is new and now taken.
pub async fn claim(db: &Db, key: &str, actor: &str, path: &str, body_hash: &str, now: i64) -> StoreResult<bool> {
    let sql =
        "INSERT INTO idempotency(key, actor, path, body_hash, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key, actor) DO NOTHING";
    Ok(on!(db, p => sqlx::query(sql).bind(key).bind(actor).bind(path).bind(body_hash).bind(now).execute(p).await?.rows_affected()) == 1)
}

pub async fn get(db: &Db, key: &str, actor: &str) -> StoreResult<Option<StoredAnswer>> {
    let sql = "SELECT path, body_hash, status, answer, created_at FROM idempotency WHERE key = $1 AND actor = $2";
    on!(db, p => sqlx::query_as(sql).bind(key).bind(actor).fetch_optional(p).await)
}

pub async fn answer(db: &Db, key: &str, actor: &str, status: i64, answer: &str) -> StoreResult<()> {
    let sql = "UPDATE idempotency SET status = $3, answer = $4 WHERE key = $1 AND actor = $2";
    on!(db, p => sqlx::query(sql).bind(key).bind(actor).bind(status).bind(answer).execute(p).await?.rows_affected());
    Ok(())
}

/// Nothing was done: the key may be used again.
pub async fn release(db: &Db, key: &str, actor: &str) -> StoreResult<()> {
    on!(db, p => sqlx::query("DELETE FROM idempotency WHERE key = $1 AND actor = $2").bind(key).bind(actor).execute(p).await?.rows_affected());
    Ok(())
}

/// Answers from before `before`, and keys from before `unanswered` whose request never ended.
pub async fn sweep(db: &Db, before: i64, unanswered: i64) -> StoreResult<u64> {
    let sql = "DELETE FROM idempotency WHERE created_at < $1 OR (status IS NULL AND created_at < $2)";
    Ok(on!(db, p => sqlx::query(sql).bind(before).bind(unanswered).execute(p).await?.rows_affected()))
}
