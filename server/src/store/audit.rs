//! The audit trail: rows are added, never changed.

use super::{Db, StoreResult, on};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredAudit {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub ok: i64,
    pub detail: String,
    pub address: Option<String>,
}

pub(super) const INSERT: &str =
    "INSERT INTO audit(at, actor, action, subject, ok, detail, address) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq";

/// The event's own fields, in the order of [`INSERT`].
macro_rules! bound {
    ($query:expr, $e:expr) => {
        $query.bind($e.at).bind(&$e.actor).bind(&$e.action).bind(&$e.subject).bind($e.ok).bind(&$e.detail).bind(&$e.address)
    };
}
pub(super) use bound;

/// `seq` of the argument is not looked at; answers the one that it got.
pub async fn insert(db: &Db, e: &StoredAudit) -> StoreResult<i64> {
    on!(db, p => bound!(sqlx::query_scalar(INSERT), e).fetch_one(p).await)
}

/// Newest first, before `before`; only of one subject when given.
pub async fn list(db: &Db, subject: Option<&str>, before: i64, limit: i64) -> StoreResult<Vec<StoredAudit>> {
    match subject {
        None => {
            let sql = "SELECT * FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT $2";
            on!(db, p => sqlx::query_as(sql).bind(before).bind(limit).fetch_all(p).await)
        }
        Some(subject) => {
            let sql = "SELECT * FROM audit WHERE subject = $3 AND seq < $1 ORDER BY seq DESC LIMIT $2";
            on!(db, p => sqlx::query_as(sql).bind(before).bind(limit).bind(subject).fetch_all(p).await)
        }
    }
}
