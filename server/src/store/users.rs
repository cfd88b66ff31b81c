//! Users.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    on,
};

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

/// `None`: the name is taken. Else the number of the event.
pub async fn insert(db: &Db, u: &StoredUser, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let sql = "INSERT INTO users(id, name, role, password, must_change, disabled, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (name) DO NOTHING";
    Ok(audited!(db, event, tx => sqlx::query(sql).bind(&u.id).bind(&u.name).bind(&u.role).bind(&u.password).bind(u.must_change)
        .bind(u.disabled).bind(u.created_at).execute(&mut *tx).await?.rows_affected()))
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

/// A disabled user's sessions end. `None`: nobody would be left who can manage anything.
pub async fn set_role(db: &Db, id: &str, role: &str, disabled: bool, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let sql = "UPDATE users SET role = $2, disabled = $3 WHERE id = $1 AND (($2 = 'administrator' AND $3 = 0)
        OR EXISTS (SELECT 1 FROM users o WHERE o.role = 'administrator' AND o.disabled = 0 AND o.id <> $1))";
    Ok(audited!(db, event, tx => {
        let changed = sqlx::query(sql).bind(id).bind(role).bind(i64::from(disabled)).execute(&mut *tx).await?.rows_affected();
        if changed == 1 && disabled {
            sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(id).execute(&mut *tx).await?;
        }
        changed
    }))
}

/// Every session of the user ends, but for `keep`.
pub async fn set_password(
    db: &Db,
    id: &str,
    password: &str,
    must_change: bool,
    keep: &str,
    event: &StoredAudit,
) -> StoreResult<Option<i64>> {
    let sql = "UPDATE users SET password = $2, must_change = $3 WHERE id = $1";
    Ok(audited!(db, event, tx => {
        let changed = sqlx::query(sql).bind(id).bind(password).bind(i64::from(must_change)).execute(&mut *tx).await?.rows_affected();
        sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id <> $2").bind(id).bind(keep).execute(&mut *tx).await?;
        changed
    }))
}

pub async fn signed_in(db: &Db, id: &str, at: i64) -> StoreResult<()> {
    on!(db, p => sqlx::query("UPDATE users SET last_sign_in_at = $2 WHERE id = $1").bind(id).bind(at).execute(p).await?.rows_affected());
    Ok(())
}
