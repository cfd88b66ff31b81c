//! Runs: who drives which, and what they came to. See `docs/architecture.md` for the lease.
//!
//! Everything that the driver of a run writes goes through [`guarded!`]: in one transaction the row of the run is
//! locked and owner, epoch and lease are checked by the database's clock. A driver that lost its lease changes nothing.

use super::{Db, StoreResult, audit::StoredAudit, on, steps::NewStep};
use model::{Id, Millis, Severity};
use sqlx::{AssertSqlSafe, FromRow};

#[derive(Clone, Debug, FromRow)]
pub struct RunRow {
    pub id: Id,
    pub kind: String,
    pub title: String,
    pub subject: String,
    pub spec: String,
    pub state: String,
    pub desired: String,
    pub created_by: String,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    pub owner: Option<String>,
    pub epoch: i64,
    pub message: Option<String>,
    pub outcome: Option<String>,
    pub statement: Option<String>,
    pub steps_total: i64,
    pub steps_done: i64,
}

const RUN: &str = "SELECT id, kind, title, subject, spec, state, desired, created_by, created_at, started_at, finished_at, owner, epoch, \
    message, outcome, statement, (SELECT COUNT(*) FROM steps s WHERE s.run_id = runs.id) AS steps_total, \
    (SELECT COUNT(*) FROM steps s WHERE s.run_id = runs.id AND s.state IN ('succeeded','failed','skipped','cancelled')) AS steps_done \
    FROM runs";

const OVER: &str = "('succeeded','succeeded_with_errors','failed','cancelled')";

/// The database's clock in milliseconds: leases are measured by nothing else.
pub(super) fn clock(db: &Db) -> &'static str {
    match db {
        Db::Lite(_) => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
        Db::Pg(_) => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
    }
}

/// Who may write to a run now.
#[derive(Clone, Debug)]
pub struct Claim {
    pub run_id: Id,
    pub owner: String,
    pub epoch: i64,
}

/// `guarded!(db, claim, "and …", tx => { … })`: runs the body in a transaction under the claim, commits, and answers
/// whether the claim held. The extra condition is about the run's own row.
macro_rules! guarded {
    ($db:expr, $claim:expr, $more:literal, $tx:ident => $body:block) => {{
        let sql = format!(
            concat!("UPDATE runs SET epoch = epoch WHERE id = $1 AND owner = $2 AND epoch = $3 AND lease_until > {} ", $more),
            $crate::store::runs::clock($db)
        );
        $crate::store::on!($db, pool => {
            let mut $tx = pool.begin().await?;
            let held = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(&$claim.run_id).bind(&$claim.owner).bind($claim.epoch);
            let held = held.execute(&mut *$tx).await?.rows_affected() == 1;
            if held {
                $body
                $tx.commit().await?;
            }
            held
        })
    }};
}
pub(super) use guarded;

/// A run as it is written at its start: with all its steps, the locks on its machines and its first event.
pub struct NewRun {
    pub id: Id,
    pub kind: &'static str,
    pub title: String,
    pub subject: String,
    pub spec: String,
    pub created_by: String,
    pub created_at: Millis,
    pub statement: Option<String>,
    pub steps: Vec<NewStep>,
    /// Machine ids and lineages.
    pub locks: Vec<String>,
    pub event: String,
    /// What the audit trail says of it.
    pub audit: Vec<StoredAudit>,
}

#[derive(Debug)]
pub enum Created {
    /// With the numbers of its audit events.
    Yes(Vec<i64>),
    /// Another run that is not over has one of the machines.
    Taken { subject: String, run_id: Id },
}

/// Writes the run down in one transaction. The primary key of the locks decides between two at once.
pub async fn create(db: &Db, run: &NewRun) -> StoreResult<Created> {
    match insert(db, run).await {
        Ok(seqs) => Ok(Created::Yes(seqs)),
        Err(sqlx::Error::Database(e)) if e.is_unique_violation() => match taken(db, &run.locks).await? {
            Some((subject, run_id)) => Ok(Created::Taken { subject, run_id }),
            None => Err(sqlx::Error::Database(e)),
        },
        Err(e) => Err(e),
    }
}

async fn insert(db: &Db, run: &NewRun) -> StoreResult<Vec<i64>> {
    let mut seqs = vec![];
    on!(db, p => {
        let mut tx = p.begin().await?;
        sqlx::query("INSERT INTO runs (id, kind, title, subject, spec, state, desired, created_by, created_at, statement) \
            VALUES ($1, $2, $3, $4, $5, 'queued', 'run', $6, $7, $8)")
            .bind(&run.id).bind(run.kind).bind(&run.title).bind(&run.subject).bind(&run.spec)
            .bind(&run.created_by).bind(run.created_at).bind(&run.statement)
            .execute(&mut *tx).await?;
        for lock in &run.locks {
            sqlx::query("INSERT INTO run_locks (subject, run_id) VALUES ($1, $2)").bind(lock).bind(&run.id).execute(&mut *tx).await?;
        }
        super::steps::insert!(tx, run.id, &run.steps, 0);
        super::steps::say!(tx, run.id, None::<String>, run.created_at, Severity::Info, run.event);
        for event in &run.audit {
            seqs.push(super::audit::say!(tx, event));
        }
        tx.commit().await?;
    });
    Ok(seqs)
}

/// The first of these subjects that a run holds, and which run.
pub async fn taken(db: &Db, subjects: &[String]) -> StoreResult<Option<(String, Id)>> {
    for subject in subjects {
        let found: Option<(String, Id)> = on!(db, p => {
            sqlx::query_as("SELECT subject, run_id FROM run_locks WHERE subject = $1").bind(subject).fetch_optional(p).await?
        });
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<RunRow>> {
    let sql = format!("{RUN} WHERE id = $1");
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(p).await?))
}

/// Newest first, before the cursor (the id of the last one seen: ids grow with time).
pub async fn list(db: &Db, active: Option<bool>, limit: i64, before: Option<&str>) -> StoreResult<Vec<RunRow>> {
    let state = match active {
        Some(true) => format!("AND state NOT IN {OVER}"),
        Some(false) => format!("AND state IN {OVER}"),
        None => String::new(),
    };
    let sql = format!("{RUN} WHERE (CAST($1 AS TEXT) IS NULL OR id < $1) {state} ORDER BY id DESC LIMIT $2");
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(before).bind(limit).fetch_all(p).await?))
}

/// Runs that nobody drives: new ones, and those whose driver's lease ran out.
pub async fn claimable(db: &Db) -> StoreResult<Vec<Id>> {
    let sql = format!("SELECT id FROM runs WHERE state NOT IN {OVER} AND lease_until < {} ORDER BY id", clock(db));
    let rows: Vec<(Id,)> = on!(db, p => sqlx::query_as(AssertSqlSafe(sql)).fetch_all(p).await?);
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// Runs whose lease ends later than any lease can, with that end: the clock was set back since it was written. Its
/// driver, if it lives, writes a right one with its next heartbeat; one that stays the same has no driver.
pub async fn of_another_clock(db: &Db, lease_ms: i64) -> StoreResult<Vec<(Id, Millis)>> {
    let sql = format!("SELECT id, lease_until FROM runs WHERE state NOT IN {OVER} AND lease_until > {} + $1 ORDER BY id", clock(db));
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(lease_ms * 2).fetch_all(p).await?))
}

/// Takes a run over by one conditional update; `None`: another was faster. `void`: the end of a lease of which is known
/// that nobody renews it.
pub async fn claim(db: &Db, id: &str, me: &str, lease_ms: i64, at: Millis, void: Option<Millis>) -> StoreResult<Option<i64>> {
    let now = clock(db);
    let sql = format!(
        "UPDATE runs SET owner = $1, epoch = epoch + 1, lease_until = {now} + $2, started_at = COALESCE(started_at, $3) \
         WHERE id = $4 AND (lease_until < {now} OR lease_until = $5) AND state NOT IN {OVER} RETURNING epoch"
    );
    let row: Option<(i64,)> =
        on!(db, p => sqlx::query_as(AssertSqlSafe(sql)).bind(me).bind(lease_ms).bind(at).bind(id).bind(void).fetch_optional(p).await?);
    Ok(row.map(|r| r.0))
}

/// The heartbeat. `false`: lost, stop at once.
pub async fn renew(db: &Db, claim: &Claim, lease_ms: i64) -> StoreResult<bool> {
    let now = clock(db);
    let sql = format!("UPDATE runs SET lease_until = {now} + $1 WHERE id = $2 AND owner = $3 AND epoch = $4 AND lease_until > {now}");
    on!(db, p => {
        let done = sqlx::query(AssertSqlSafe(sql)).bind(lease_ms).bind(&claim.run_id).bind(&claim.owner).bind(claim.epoch).execute(p).await?;
        Ok(done.rows_affected() == 1)
    })
}

/// Gives the run back at once, for a node that stops.
pub async fn release(db: &Db, claim: &Claim) -> StoreResult<()> {
    on!(db, p => {
        sqlx::query("UPDATE runs SET lease_until = 0 WHERE id = $1 AND owner = $2 AND epoch = $3")
            .bind(&claim.run_id).bind(&claim.owner).bind(claim.epoch).execute(p).await?;
    });
    Ok(())
}

pub async fn set_state(db: &Db, claim: &Claim, state: &str, message: Option<&str>) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE runs SET state = $1, message = $2 WHERE id = $3")
            .bind(state).bind(message).bind(&claim.run_id).execute(&mut *tx).await?;
    }))
}

/// The end: state and event in one, and the machines are free for other runs.
pub async fn finish(
    db: &Db,
    claim: &Claim,
    state: &str,
    message: Option<&str>,
    outcome: Option<&str>,
    event: (Severity, &str),
    at: Millis,
) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("UPDATE runs SET state = $1, message = $2, outcome = $3, finished_at = $4, lease_until = 0 WHERE id = $5")
            .bind(state).bind(message).bind(outcome).bind(at).bind(&claim.run_id).execute(&mut *tx).await?;
        sqlx::query("DELETE FROM run_locks WHERE run_id = $1").bind(&claim.run_id).execute(&mut *tx).await?;
        super::steps::say!(tx, claim.run_id, None::<String>, at, event.0, event.1);
    }))
}

/// Adds a machine or lineage to what this run holds, unless another run has it.
pub async fn lock(db: &Db, claim: &Claim, subject: &str) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {
        sqlx::query("INSERT INTO run_locks (subject, run_id) VALUES ($1, $2) ON CONFLICT (subject) DO NOTHING")
            .bind(subject).bind(&claim.run_id).execute(&mut *tx).await?;
    }) && taken(db, &[subject.to_owned()]).await?.is_some_and(|(_, run)| run == claim.run_id))
}

/// Does the claim still hold?
pub async fn holds(db: &Db, claim: &Claim) -> StoreResult<bool> {
    Ok(guarded!(db, claim, "", tx => {}))
}
