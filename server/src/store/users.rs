//! Users.

use super::{Db, StoreResult, on};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredUser {
    pub id: String,
    pub name: String,
    pub role: String,
    /// argon2id, as a PHC string.
    pub password: String,
    pub must_change: i64,
    pub disabled: i64,
    pub created_at: i64,
    pub last_sign_in_at: Option<i64>,
}

/// `false`: the name is taken.
pub async fn insert(db: &Db, u: &StoredUser) -> StoreResult<bool> {
    let sql = "INSERT INTO users(id, name, role, password, must_change, disabled, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (name) DO NOTHING";
    Ok(on!(db, p => sqlx::query(sql).bind(&u.id).bind(&u.name).bind(&u.role).bind(&u.password).bind(u.must_change)
        .bind(u.disabled).bind(u.created_at).execute(p).await?.rows_affected())
        == 1)
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredUser>> {
    on!(db, p => sqlx::query_as("SELECT * FROM users WHERE id = $1").bind(id).fetch_optional(p).await)
}

pub async fn by_name(db: &Db, name: &str) -> StoreResult<Option<StoredUser>> {
    on!(db, p => sqlx::query_as("SELECT * FROM users WHERE name = $1").bind(name).fetch_optional(p).await)
}

/// By name, after `after`.
pub async fn list(db: &Db, after: &str, limit: i64) -> StoreResult<Vec<StoredUser>> {
    on!(db, p => sqlx::query_as("SELECT * FROM users WHERE name > $1 ORDER BY name LIMIT $2").bind(after).bind(limit).fetch_all(p).await)
}

pub async fn any(db: &Db) -> StoreResult<bool> {
    let n: i64 = on!(db, p => sqlx::query_scalar("SELECT COUNT(*) FROM users").fetch_one(p).await?);
    Ok(n > 0)
}

/// Administrators that can sign in, without this one.
pub async fn other_administrators(db: &Db, id: &str) -> StoreResult<i64> {
    let sql = "SELECT COUNT(*) FROM users WHERE role = 'administrator' AND disabled = 0 AND id <> $1";
    on!(db, p => sqlx::query_scalar(sql).bind(id).fetch_one(p).await)
}

pub async fn set_role(db: &Db, id: &str, role: &str, disabled: bool) -> StoreResult<()> {
    let sql = "UPDATE users SET role = $2, disabled = $3 WHERE id = $1";
    on!(db, p => sqlx::query(sql).bind(id).bind(role).bind(i64::from(disabled)).execute(p).await?.rows_affected());
    Ok(())
}

pub async fn set_password(db: &Db, id: &str, password: &str, must_change: bool) -> StoreResult<()> {
    let sql = "UPDATE users SET password = $2, must_change = $3 WHERE id = $1";
    on!(db, p => sqlx::query(sql).bind(id).bind(password).bind(i64::from(must_change)).execute(p).await?.rows_affected());
    Ok(())
}

pub async fn signed_in(db: &Db, id: &str, at: i64) -> StoreResult<()> {
    on!(db, p => sqlx::query("UPDATE users SET last_sign_in_at = $2 WHERE id = $1").bind(id).bind(at).execute(p).await?.rows_affected());
    Ok(())
}
