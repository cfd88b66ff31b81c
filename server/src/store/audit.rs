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

/// An event into an open transaction; its number.
macro_rules! say {
    ($tx:expr, $event:expr) => {{
        let event: &$crate::store::audit::StoredAudit = $event;
        let seq: i64 = sqlx::query_scalar(
            "INSERT INTO audit(at, actor, action, subject, ok, detail, address) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq",
        )
        .bind(event.at)
        .bind(&event.actor)
        .bind(&event.action)
        .bind(&event.subject)
        .bind(event.ok)
        .bind(&event.detail)
        .bind(&event.address)
        .fetch_one(&mut *$tx)
        .await?;
        seq
    }};
}
pub(super) use say;

/// A change and its event in one transaction, so that a full disk or a kill in between leaves both or neither. The body
/// answers how many rows it changed; none: nothing is written. Answers the event's number.
macro_rules! audited {
    ($db:expr, $event:expr, $tx:ident => $changed:expr) => {
        $crate::store::on!($db, pool => {
            let mut $tx = pool.begin().await?;
            let changed: u64 = $changed;
            if changed == 0 {
                None
            } else {
                let seq = $crate::store::audit::say!($tx, $event);
                $tx.commit().await?;
                Some(seq)
            }
        })
    };
}
pub(super) use audited;

/// `seq` of the argument is not looked at; answers the one that it got.
pub async fn insert(db: &Db, e: &StoredAudit) -> StoreResult<i64> {
    let sql = "INSERT INTO audit(at, actor, action, subject, ok, detail, address) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING seq";
    on!(db, p => sqlx::query_scalar(sql).bind(e.at).bind(&e.actor).bind(&e.action).bind(&e.subject).bind(e.ok).bind(&e.detail)
        .bind(&e.address).fetch_one(p).await)
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
