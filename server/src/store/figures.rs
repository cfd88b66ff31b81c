//! Counts for the metrics, asked for at each scrape.

use super::{Db, StoreResult, on};
use model::Millis;

/// Sessions that are not over.
pub async fn sessions(db: &Db, now: Millis, idle_since: Millis) -> StoreResult<i64> {
    let sql =
        "SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.expires_at > $1 AND s.used_at > $2 AND u.disabled = 0";
    on!(db, p => sqlx::query_scalar(sql).bind(now).bind(idle_since).fetch_one(p).await)
}

/// Runs by state, those that are over too.
pub async fn runs(db: &Db) -> StoreResult<Vec<(String, i64)>> {
    on!(db, p => sqlx::query_as("SELECT state, COUNT(*) FROM runs GROUP BY state").fetch_all(p).await)
}

/// Every member: machine, group (empty for a move), and its newest recovery point.
pub async fn members(db: &Db) -> StoreResult<Vec<(String, String, Option<Millis>)>> {
    let sql = "SELECT m.name, COALESCE(g.name, ''), (SELECT MAX(p.taken_at) FROM points p WHERE p.member_id = m.id AND p.deleting = 0) \
        FROM members m LEFT JOIN groups g ON g.id = m.group_id ORDER BY m.name, m.id";
    on!(db, p => sqlx::query_as(sql).fetch_all(p).await)
}
