//! Alarms: one row for each condition, while it lasts and after it.

use super::{Db, StoreResult, json, on};
use model::{Millis, Severity, alarm::Alarm};

type Raw = (String, String, String, String, Option<String>, String, Millis, Option<String>);

fn severity(s: Severity) -> &'static str {
    match s {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Those that last, worst and then newest first.
pub async fn active(db: &Db) -> StoreResult<Vec<Alarm>> {
    let rows: Vec<Raw> = on!(db, p => sqlx::query_as(
        "SELECT id, kind, severity, subject, site, message, since, link FROM alarms WHERE cleared_at IS NULL").fetch_all(p).await?);
    let mut alarms = rows.into_iter().map(alarm).collect::<StoreResult<Vec<_>>>()?;
    sort(&mut alarms);
    Ok(alarms)
}

pub fn sort(alarms: &mut [Alarm]) {
    alarms.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.since.cmp(&a.since)).then(a.id.cmp(&b.id)));
}

fn alarm((id, kind, level, subject, site, message, since, link): Raw) -> StoreResult<Alarm> {
    Ok(Alarm { id, kind, severity: json(&format!("\"{level}\""))?, subject, site, message, since, link })
}

/// Raised, or raised again, or with other words.
pub async fn raise(db: &Db, a: &Alarm) -> StoreResult<()> {
    on!(db, p => sqlx::query(
        "INSERT INTO alarms (id, kind, severity, subject, site, message, since, link) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (id) DO UPDATE SET severity = excluded.severity, subject = excluded.subject, site = excluded.site, \
         message = excluded.message, since = excluded.since, link = excluded.link, cleared_at = NULL")
        .bind(&a.id).bind(&a.kind).bind(severity(a.severity)).bind(&a.subject).bind(a.site.as_deref()).bind(&a.message).bind(a.since)
        .bind(a.link.as_deref()).execute(p).await?.rows_affected());
    Ok(())
}

/// `false`: it was not there.
pub async fn clear(db: &Db, id: &str, at: Millis) -> StoreResult<bool> {
    let n = on!(db, p => sqlx::query("UPDATE alarms SET cleared_at = $2 WHERE id = $1 AND cleared_at IS NULL")
        .bind(id).bind(at).execute(p).await?.rows_affected());
    Ok(n > 0)
}
