//! Machines as they were observed, and what other tables say of them.

use super::{Db, StoreResult, json, on, to_json};
use crate::clouds::Observed;
use model::{
    Id, Millis,
    machine::CopyRole,
    protection::{Policy, ReplicationState},
    run::{Run, RunKind, RunState},
};
use sqlx::QueryBuilder;

#[derive(Clone, Debug)]
pub struct StoredMachine {
    pub id: Id,
    pub cloud_id: Id,
    pub native_id: String,
    pub observed: Observed,
    pub changed_at: Millis,
    pub gone_at: Option<Millis>,
}

/// Rows of one statement: 12 columns each. More are no quicker, and make statements that nobody can read in a log.
const BATCH: usize = 50;

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredMachine>> {
    let row: Option<(String, String, String, Millis, Option<Millis>)> = on!(db, p => sqlx::query_as(
        "SELECT cloud_id, native_id, detail, changed_at, gone_at FROM machines WHERE id = $1").bind(id).fetch_optional(p).await?);
    let Some((cloud_id, native_id, detail, changed_at, gone_at)) = row else { return Ok(None) };
    Ok(Some(StoredMachine { id: id.into(), cloud_id, native_id, observed: json(&detail)?, changed_at, gone_at }))
}

/// Every machine of a cloud that is not gone: id and the observation as it was written.
pub async fn details(db: &Db, cloud_id: &str) -> StoreResult<Vec<(Id, String)>> {
    Ok(on!(db, p => sqlx::query_as("SELECT id, detail FROM machines WHERE cloud_id = $1 AND gone_at IS NULL")
        .bind(cloud_id).fetch_all(p).await?))
}

pub struct Write<'a> {
    pub id: &'a str,
    pub observed: &'a Observed,
    /// The observation as JSON.
    pub detail: String,
}

/// What changed at one cloud, in one transaction: all of it or nothing.
pub async fn save(db: &Db, cloud_id: &str, writes: &[Write<'_>], gone: &[Id], now: Millis) -> StoreResult<()> {
    on!(db, p => {
        let mut tx = p.begin().await?;
        for batch in writes.chunks(BATCH) {
            let mut q = QueryBuilder::new(
                "INSERT INTO machines (id, cloud_id, native_id, name, state, vcpus, memory_mib, disk_bytes, addresses, tags, detail, changed_at) ");
            q.push_values(batch, |mut row, w| {
                let o = w.observed;
                row.push_bind(w.id).push_bind(cloud_id).push_bind(&o.native_id).push_bind(&o.name).push_bind(o.state.as_str())
                    .push_bind(i64::from(o.vcpus)).push_bind(o.memory_mib.cast_signed()).push_bind(disk_bytes(o).cast_signed())
                    .push_bind(list(addresses(o))).push_bind(list(o.tags.clone())).push_bind(&w.detail).push_bind(now);
            });
            q.push(" ON CONFLICT (id) DO UPDATE SET name = excluded.name, state = excluded.state, vcpus = excluded.vcpus, \
                    memory_mib = excluded.memory_mib, disk_bytes = excluded.disk_bytes, addresses = excluded.addresses, \
                    tags = excluded.tags, detail = excluded.detail, changed_at = excluded.changed_at, gone_at = NULL");
            q.build().execute(&mut *tx).await?;
        }
        for batch in gone.chunks(BATCH) {
            let mut q = QueryBuilder::new("UPDATE machines SET gone_at = ");
            q.push_bind(now).push(" WHERE id IN (");
            let mut ids = q.separated(", ");
            for id in batch {
                ids.push_bind(id);
            }
            q.push(")");
            q.build().execute(&mut *tx).await?;
        }
        tx.commit().await?;
    });
    Ok(())
}

pub fn addresses(o: &Observed) -> Vec<String> {
    o.nics.iter().flat_map(|n| n.addresses.iter().cloned()).collect()
}

/// What its data disks hold at most.
pub fn disk_bytes(o: &Observed) -> u64 {
    o.disks.iter().filter(|d| d.device == "disk" || d.device == "lun").map(|d| d.size_bytes).sum()
}

fn list(items: Vec<String>) -> String {
    // A list of strings can always be written.
    to_json(&items).unwrap_or_default()
}

/// A machine as a copy among others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyFact {
    pub machine_id: Id,
    pub lineage: Id,
    pub role: CopyRole,
    pub since: Millis,
    pub run_id: Option<Id>,
}

pub async fn copies(db: &Db) -> StoreResult<Vec<CopyFact>> {
    let rows: Vec<(String, String, String, Millis, Option<String>)> = on!(db, p => sqlx::query_as(
        "SELECT machine_id, lineage, role, since, run_id FROM copies").fetch_all(p).await?);
    Ok(rows.into_iter().filter_map(copy).collect())
}

/// All copies of the machine's lineage, itself among them.
pub async fn copies_of(db: &Db, machine_id: &str) -> StoreResult<Vec<CopyFact>> {
    let rows: Vec<(String, String, String, Millis, Option<String>)> = on!(db, p => sqlx::query_as(
        "SELECT machine_id, lineage, role, since, run_id FROM copies \
         WHERE lineage IN (SELECT lineage FROM copies WHERE machine_id = $1) ORDER BY since DESC").bind(machine_id).fetch_all(p).await?);
    Ok(rows.into_iter().filter_map(copy).collect())
}

fn copy((machine_id, lineage, role, since, run_id): (String, String, String, Millis, Option<String>)) -> Option<CopyFact> {
    Some(CopyFact { machine_id, lineage, role: CopyRole::parse(&role)?, since, run_id })
}

/// A machine under replication in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberFact {
    pub member_id: Id,
    pub machine_id: Id,
    pub name: String,
    pub group_id: Id,
    pub group: String,
    pub site: String,
    pub state: ReplicationState,
    pub paused: bool,
    pub rpo_seconds: u32,
    pub newest_point_at: Option<Millis>,
    /// Points that their cloud does not show.
    pub missing: u64,
    pub created_at: Millis,
    pub last_error: Option<String>,
    pub error_since: Option<Millis>,
    /// Of a further target: the group that it is one of.
    pub main_id: Option<Id>,
}

#[derive(sqlx::FromRow)]
struct RawMember {
    id: String,
    machine_id: String,
    name: String,
    group_id: String,
    group_name: String,
    site: String,
    state: String,
    paused: i64,
    policy: String,
    newest: Option<Millis>,
    missing: i64,
    created_at: Millis,
    last_error: Option<String>,
    error_since: Option<Millis>,
    main_id: Option<String>,
}

pub async fn members(db: &Db) -> StoreResult<Vec<MemberFact>> {
    let rows: Vec<RawMember> = on!(db, p => sqlx::query_as(
        "SELECT m.id, m.machine_id, m.name, g.id AS group_id, g.name AS group_name, g.protected_site AS site, m.state, g.paused, g.policy, \
         (SELECT t.taken_at FROM points t WHERE t.member_id = m.id AND t.deleting = 0 AND t.missing_since IS NULL ORDER BY t.seq DESC LIMIT 1) AS newest, \
         (SELECT COUNT(*) FROM points t WHERE t.member_id = m.id AND t.deleting = 0 AND t.missing_since IS NOT NULL) AS missing, \
         m.created_at, m.last_error, m.error_since, g.main_id FROM members m JOIN groups g ON g.id = m.group_id").fetch_all(p).await?);
    rows.into_iter().map(member).collect()
}

fn member(r: RawMember) -> StoreResult<MemberFact> {
    Ok(MemberFact {
        rpo_seconds: json::<Policy>(&r.policy)?.rpo_seconds,
        state: ReplicationState::parse(&r.state).unwrap_or(ReplicationState::Waiting),
        member_id: r.id,
        machine_id: r.machine_id,
        name: r.name,
        group_id: r.group_id,
        group: r.group_name,
        site: r.site,
        paused: r.paused != 0,
        newest_point_at: r.newest,
        missing: r.missing.unsigned_abs(),
        created_at: r.created_at,
        last_error: r.last_error,
        error_since: r.error_since,
        main_id: r.main_id,
    })
}

/// Machine → the run that has it in its hands.
pub async fn runs(db: &Db) -> StoreResult<Vec<(Id, Id)>> {
    Ok(on!(db, p => sqlx::query_as("SELECT subject, run_id FROM run_locks").fetch_all(p).await?))
}

/// Protected site → how many plans bring its machines up elsewhere.
pub async fn plans_by_site(db: &Db) -> StoreResult<Vec<(String, u32)>> {
    let plans: Vec<(String,)> = on!(db, p => sqlx::query_as("SELECT spec FROM plans").fetch_all(p).await?);
    let groups: Vec<(String, String)> =
        on!(db, p => sqlx::query_as("SELECT id, protected_site FROM groups WHERE main_id IS NULL").fetch_all(p).await?);
    let mut counts = std::collections::BTreeMap::<String, u32>::new();
    for (spec,) in plans {
        let spec: model::plan::PlanSpec = json(&spec)?;
        let sites = groups.iter().filter(|(id, _)| spec.group_ids.contains(id)).map(|(_, site)| site.clone());
        for site in sites.collect::<std::collections::BTreeSet<_>>() {
            *counts.entry(site).or_default() += 1;
        }
    }
    Ok(counts.into_iter().collect())
}

#[derive(sqlx::FromRow)]
struct RawRun {
    id: String,
    kind: String,
    title: String,
    subject: String,
    state: String,
    created_by: String,
    created_at: Millis,
    started_at: Option<Millis>,
    finished_at: Option<Millis>,
    owner: Option<String>,
    epoch: i64,
    message: Option<String>,
    outcome: Option<String>,
    steps_total: i64,
    steps_done: i64,
}

/// Runs that are not over, and those that ended since then, newest first.
pub async fn recent_runs(db: &Db, ended_since: Millis) -> StoreResult<Vec<Run>> {
    let rows: Vec<RawRun> = on!(db, p => sqlx::query_as(
        "SELECT id, kind, title, subject, state, created_by, created_at, started_at, finished_at, owner, epoch, message, outcome, \
         (SELECT COUNT(*) FROM steps s WHERE s.run_id = r.id) AS steps_total, \
         (SELECT COUNT(*) FROM steps s WHERE s.run_id = r.id AND s.state IN ('succeeded', 'failed', 'skipped', 'cancelled')) AS steps_done \
         FROM runs r WHERE finished_at IS NULL OR finished_at > $1 ORDER BY created_at DESC LIMIT 100")
        .bind(ended_since).fetch_all(p).await?);
    rows.into_iter().map(run).collect()
}

fn run(r: RawRun) -> StoreResult<Run> {
    let unknown = |what: &str| sqlx::Error::Decode(format!("unknown {what} of a run").into());
    Ok(Run {
        kind: RunKind::parse(&r.kind).ok_or_else(|| unknown("kind"))?,
        state: RunState::parse(&r.state).ok_or_else(|| unknown("state"))?,
        outcome: r.outcome.as_deref().map(json).transpose()?,
        steps_total: u32::try_from(r.steps_total).unwrap_or(u32::MAX),
        steps_done: u32::try_from(r.steps_done).unwrap_or(u32::MAX),
        id: r.id,
        title: r.title,
        subject: r.subject,
        created_by: r.created_by,
        created_at: r.created_at,
        started_at: r.started_at,
        finished_at: r.finished_at,
        owner: r.owner,
        epoch: r.epoch,
        message: r.message,
    })
}
