//! The steps of a run, what was decided about them, and the run's events.

use super::{
    Db, StoreResult, on,
    runs::{Claim, guarded},
};
use model::{Id, Millis, Severity};
use sqlx::FromRow;

#[derive(Clone, Debug, FromRow)]
pub struct StepRow {
    pub run_id: Id,
    pub key: String,
    pub kind: String,
    pub title: String,
    pub machine: Option<String>,
    pub priority: i64,
    pub params: String,
    pub handle: Option<String>,
    pub state: String,
    pub attempt: i64,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    pub message: Option<String>,
    pub result: Option<String>,
    pub transfer: Option<String>,
    pub on_error: String,
    pub needs: String,
    pub after: String,
    pub cutover: i64,
    pub decision: Option<String>,
}

pub struct NewStep {
    pub key: String,
    pub kind: String,
    pub title: String,
    pub machine: Option<String>,
    pub priority: u8,
    pub params: String,
    pub on_error: &'static str,
    pub needs: Vec<String>,
    pub after: Vec<String>,
    pub cutover: bool,
}

#[derive(Clone, Debug, FromRow)]
pub struct EventRow {
    pub seq: i64,
    pub run_id: Id,
    pub step: Option<String>,
    pub at: Millis,
    pub severity: String,
    pub text: String,
}

/// Steps into an open transaction, numbered from `$first`.
macro_rules! insert {
    ($tx:expr, $run:expr, $steps:expr, $first:expr) => {
        for (at, step) in $steps.iter().enumerate() {
            sqlx::query(
                "INSERT INTO steps (run_id, key, ordinal, kind, title, machine, priority, params, state, on_error, needs, after, cutover) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $9, $10, $11, $12) ON CONFLICT (run_id, key) DO NOTHING",
            )
            .bind(&$run)
            .bind(&step.key)
            .bind(at as i64 + $first)
            .bind(&step.kind)
            .bind(&step.title)
            .bind(&step.machine)
            .bind(i64::from(step.priority))
            .bind(&step.params)
            .bind(step.on_error)
            .bind(serde_json::json!(step.needs).to_string())
            .bind(serde_json::json!(step.after).to_string())
            .bind(i64::from(step.cutover))
            .execute(&mut *$tx)
            .await?;
        }
    };
}
pub(super) use insert;

/// An event into an open transaction.
macro_rules! say {
    ($tx:expr, $run:expr, $step:expr, $at:expr, $severity:expr, $text:expr) => {
        sqlx::query("INSERT INTO run_events (run_id, step, at, severity, text) VALUES ($1, $2, $3, $4, $5)")
            .bind(&$run)
            .bind($step)
            .bind($at)
            .bind($crate::store::steps::severity($severity))
            .bind(&$text)
            .execute(&mut *$tx)
            .await?
    };
}
pub(super) use say;

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

const STEP: &str = "SELECT run_id, key, kind, title, machine, priority, params, handle, state, attempt, started_at, finished_at, \
    message, result, transfer, on_error, needs, after, cutover, decision FROM steps WHERE run_id = $1 ";

pub async fn of_run(db: &Db, run_id: &str) -> StoreResult<Vec<StepRow>> {
    let sql = format!("{STEP} ORDER BY ordinal");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(run_id).fetch_all(p).await?))
}

pub async fn get(db: &Db, run_id: &str, key: &str) -> StoreResult<Option<StepRow>> {
    let sql = format!("{STEP} AND key = $2");
    on!(db, p => Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(run_id).bind(key).fetch_optional(p).await?))
}

/// Events after `seq`, oldest first.
pub async fn events(db: &Db, run_id: &str, after: i64, limit: i64) -> StoreResult<Vec<EventRow>> {
    let sql = "SELECT seq, run_id, step, at, severity, text FROM run_events WHERE run_id = $1 AND seq > $2 ORDER BY seq LIMIT $3";
    on!(db, p => Ok(sqlx::query_as(sql).bind(run_id).bind(after).bind(limit).fetch_all(p).await?))
}

/// The last `limit` events before `seq`, oldest first, and how many came before those.
pub async fn events_before(db: &Db, run_id: &str, before: i64, limit: i64) -> StoreResult<(Vec<EventRow>, u64)> {
    let sql = "SELECT seq, run_id, step, at, severity, text FROM run_events WHERE run_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
    let mut rows: Vec<EventRow> = on!(db, p => sqlx::query_as(sql).bind(run_id).bind(before).bind(limit).fetch_all(p).await?);
    rows.reverse();
    let first = rows.first().map_or(0, |e| e.seq);
    let sql = "SELECT COUNT(*) FROM run_events WHERE run_id = $1 AND seq < $2";
    let earlier: i64 = on!(db, p => sqlx::query_scalar(sql).bind(run_id).bind(first).fetch_one(p).await?);
    Ok((rows, earlier.unsigned_abs()))
}

/// The newest event of a run; 0 before the first.
pub async fn last_event(db: &Db, run_id: &str) -> StoreResult<i64> {
    let row: (Option<i64>,) =
        on!(db, p => sqlx::query_as("SELECT MAX(seq) FROM run_events WHERE run_id = $1").bind(run_id).fetch_one(p).await?);
    Ok(row.0.unwrap_or_default())
}

/// The intent: written before anything is done. A cutover begins only while nobody wants the run cancelled, in the
/// same transaction that a cancel would have to win.
pub async fn begin(db: &Db, claim: &Claim, key: &str, at: Millis, event: &str) -> StoreResult<bool> {
    let cutover: Option<(i64,)> = on!(db, p => {
        sqlx::query_as("SELECT cutover FROM steps WHERE run_id = $1 AND key = $2").bind(&claim.run_id).bind(key).fetch_optional(p).await?
    });
    if cutover.is_some_and(|c| c.0 != 0) {
        return Ok(guarded!(db, claim, "AND desired <> 'cancel'", tx => { begin_in!(tx, claim, key, at, event); }));
    }
    Ok(guarded!(db, claim, "", tx => { begin_in!(tx, claim, key, at, event); }))
}

macro_rules! begin_in {
    ($tx:expr, $claim:expr, $key:expr, $at:expr, $event:expr) => {
        sqlx::query(
            "UPDATE steps SET state = 'running', attempt = attempt + 1, started_at = COALESCE(started_at, $1), message = NULL \
             WHERE run_id = $2 AND key = $3 AND state IN ('pending', 'running')",
        )
        .bind($at)
        .bind(&$claim.run_id)
        .bind($key)
        .execute(&mut *$tx)
        .await?;
        say!($tx, $claim.run_id, Some($key), $at, Severity::Info, $event);
    };
}
use begin_in;

/// What a later attempt must know, before it is waited for.
pub async fn set_handle(db: &Db, claim: &Claim, key: &str, handle: &str) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE steps SET handle = $1 WHERE run_id = $2 AND key = $3")
            .bind(handle).bind(&claim.run_id).bind(key).execute(&mut *tx).await?;
    }))
}

pub async fn set_transfer(db: &Db, claim: &Claim, key: &str, transfer: &str) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE steps SET transfer = $1 WHERE run_id = $2 AND key = $3")
            .bind(transfer).bind(&claim.run_id).bind(key).execute(&mut *tx).await?;
    }))
}

/// What became of a step, with its event.
pub struct Settled<'a> {
    pub key: &'a str,
    pub state: &'a str,
    pub message: &'a str,
    pub result: Option<&'a str>,
    pub severity: Severity,
    pub at: Millis,
}

pub async fn settle(db: &Db, claim: &Claim, s: &Settled<'_>) -> StoreResult<bool> {
    let finished = (s.state != "waiting").then_some(s.at);
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE steps SET state = $1, message = $2, result = COALESCE($3, result), finished_at = $4, \
            started_at = COALESCE(started_at, $5) WHERE run_id = $6 AND key = $7")
            .bind(s.state).bind(s.message).bind(s.result).bind(finished).bind(s.at).bind(&claim.run_id).bind(s.key)
            .execute(&mut *tx).await?;
        say!(tx, claim.run_id, Some(s.key), s.at, s.severity, s.message);
    }))
}

/// A failed step and what was skipped because of it are pending again; their handles stay: the next attempt looks first.
pub async fn reopen(db: &Db, claim: &Claim, key: &str, skipped: &[String], at: Millis, event: &str) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        for key in skipped.iter().map(String::as_str).chain([key]) {
            sqlx::query("UPDATE steps SET state = 'pending', decision = NULL, finished_at = NULL, started_at = NULL, message = NULL \
                WHERE run_id = $1 AND key = $2").bind(&claim.run_id).bind(key).execute(&mut *tx).await?;
        }
        say!(tx, claim.run_id, Some(key), at, Severity::Info, event);
    }))
}

/// Begins to undo: what is not over is cancelled, the steps that undo are added, in one.
pub async fn unwind(db: &Db, claim: &Claim, undo: &[NewStep], at: Millis) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "AND desired = 'cancel'", tx => {
        sqlx::query("UPDATE steps SET state = 'cancelled', finished_at = $1 WHERE run_id = $2 \
            AND state NOT IN ('succeeded', 'skipped', 'cancelled')").bind(at).bind(&claim.run_id).execute(&mut *tx).await?;
        insert!(tx, claim.run_id, undo, 10_000);
        sqlx::query("UPDATE runs SET state = 'cancelling', message = NULL WHERE id = $1").bind(&claim.run_id).execute(&mut *tx).await?;
        say!(tx, claim.run_id, None::<String>, at, Severity::Info, "Cancelling: everything is put back as it was.");
    }))
}

pub async fn event(db: &Db, claim: &Claim, step: Option<&str>, severity: Severity, text: &str, at: Millis) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => { say!(tx, claim.run_id, step, at, severity, text); }))
}
