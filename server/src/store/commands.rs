//! What people want of a run, written by whichever node they asked. The driver of the run reads it.

use super::{
    Db, StoreResult,
    audit::{self, StoredAudit},
    on,
    steps::say,
};
use model::{Millis, Severity};

#[derive(Debug, PartialEq, Eq)]
pub enum Commanded {
    /// With the number of its audit event.
    Yes(i64),
    /// The run is over, or does not exist.
    Over,
    /// A cutover has begun: there is no way back by cancelling.
    TooLate { step: String },
}

/// Sets what is wanted of the run. The row of the run is locked first: a cancel and the begin of a cutover cannot both win.
pub async fn desire(db: &Db, run_id: &str, desired: &str, event: &str, at: Millis, trail: &StoredAudit) -> StoreResult<Commanded> {
    let seq;
    on!(db, p => {
        let mut tx = p.begin().await?;
        let open = sqlx::query("UPDATE runs SET desired = $1 WHERE id = $2 AND desired <> 'cancel' \
            AND state NOT IN ('succeeded','succeeded_with_errors','failed','cancelled')")
            .bind(desired).bind(run_id).execute(&mut *tx).await?.rows_affected() == 1;
        if !open {
            return Ok(Commanded::Over);
        }
        if desired == "cancel" {
            // A failed cutover that did not come to its transaction left the source as it was.
            let begun: Option<(String,)> = sqlx::query_as("SELECT key FROM steps WHERE run_id = $1 AND cutover = 1 \
                AND (state IN ('running','succeeded') OR EXISTS (SELECT 1 FROM copies c WHERE c.run_id = $1 AND c.role = 'active')) LIMIT 1")
                .bind(run_id).fetch_optional(&mut *tx).await?;
            if let Some((step,)) = begun {
                return Ok(Commanded::TooLate { step });
            }
        }
        say!(tx, run_id, None::<String>, at, Severity::Info, event);
        seq = audit::say!(tx, trail);
        tx.commit().await?;
    });
    Ok(Commanded::Yes(seq))
}

#[derive(Debug, PartialEq, Eq)]
pub enum Reopened {
    /// The number of the audit event.
    Yes(i64),
    /// It did not end with errors, or the step did not fail.
    No,
    /// Another run has one of its machines now.
    Taken,
}

/// An ended run is driven again, to do a failed step once more: it takes its machines back, in one.
pub async fn reopen(db: &Db, run_id: &str, locks: &[String], d: &Decided<'_>, trail: &StoredAudit) -> StoreResult<Reopened> {
    match try_reopen(db, run_id, locks, d, trail).await {
        Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Ok(Reopened::Taken),
        other => other,
    }
}

async fn try_reopen(db: &Db, run_id: &str, locks: &[String], d: &Decided<'_>, trail: &StoredAudit) -> StoreResult<Reopened> {
    let seq;
    on!(db, p => {
        let mut tx = p.begin().await?;
        let open = sqlx::query("UPDATE runs SET state = 'running', desired = 'run', message = NULL, finished_at = NULL, lease_until = 0 \
            WHERE id = $1 AND state IN ('succeeded_with_errors','failed')").bind(run_id).execute(&mut *tx).await?;
        let done = sqlx::query("UPDATE steps SET decision = $1 WHERE run_id = $2 AND key = $3 AND state = 'failed'")
            .bind(d.decision).bind(run_id).bind(d.key).execute(&mut *tx).await?;
        if open.rows_affected() != 1 || done.rows_affected() != 1 {
            return Ok(Reopened::No);
        }
        for lock in locks {
            sqlx::query("INSERT INTO run_locks (subject, run_id) VALUES ($1, $2)").bind(lock).bind(run_id).execute(&mut *tx).await?;
        }
        say!(tx, run_id, Some(d.key), d.at, Severity::Info, d.event);
        seq = audit::say!(tx, trail);
        tx.commit().await?;
    });
    Ok(Reopened::Yes(seq))
}

/// A decision about a step that is in one of `states` now.
pub struct Decided<'a> {
    pub key: &'a str,
    pub states: &'a [&'a str],
    pub decision: &'a str,
    pub event: &'a str,
    pub at: Millis,
}

/// `None`: the step no longer is in such a state. Else the number of the audit event.
pub async fn decide(db: &Db, run_id: &str, d: &Decided<'_>, trail: &StoredAudit) -> StoreResult<Option<i64>> {
    let states = serde_json::json!(d.states).to_string();
    let seq;
    on!(db, p => {
        let mut tx = p.begin().await?;
        let open = sqlx::query("UPDATE runs SET epoch = epoch WHERE id = $1 \
            AND state NOT IN ('succeeded','succeeded_with_errors','failed','cancelled')").bind(run_id).execute(&mut *tx).await?;
        // The states are our own words without quotes in them, so that looking for '"failed"' in the list is exact.
        let done = sqlx::query("UPDATE steps SET decision = $1 WHERE run_id = $2 AND key = $3 AND $4 LIKE '%\"' || state || '\"%'")
            .bind(d.decision).bind(run_id).bind(d.key).bind(&states).execute(&mut *tx).await?;
        if open.rows_affected() != 1 || done.rows_affected() != 1 {
            return Ok(None);
        }
        say!(tx, run_id, Some(d.key), d.at, Severity::Info, d.event);
        seq = audit::say!(tx, trail);
        tx.commit().await?;
    });
    Ok(Some(seq))
}
