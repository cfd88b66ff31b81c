//! Recovery plans, and what a plan needs to know of groups, members and clouds.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    on,
};
use model::{Id, Millis};
use sqlx::{AssertSqlSafe, FromRow};

#[derive(Clone, Debug, FromRow)]
pub struct PlanRow {
    pub id: Id,
    pub name: String,
    pub spec: String,
    pub problems: String,
    pub checked_at: Option<Millis>,
    pub updated_at: Millis,
    pub version: i64,
}

const PLAN: &str = "SELECT id, name, spec, problems, checked_at, updated_at, version FROM plans";

pub async fn all(db: &Db) -> StoreResult<Vec<PlanRow>> {
    let sql = format!("{PLAN} ORDER BY name, id");
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).fetch_all(p).await?))
}

/// One page by name, after the cursor (the name of the last one seen: names are unique).
pub async fn page(db: &Db, after: Option<&str>, limit: i64) -> StoreResult<Vec<PlanRow>> {
    let sql = format!("{PLAN} WHERE (CAST($1 AS TEXT) IS NULL OR name > $1) ORDER BY name LIMIT $2");
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(after).bind(limit).fetch_all(p).await?))
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<PlanRow>> {
    let sql = format!("{PLAN} WHERE id = $1");
    on!(db, p => Ok(sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_optional(p).await?))
}

/// A plan as it is to be.
pub struct NewPlan<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub spec: &'a str,
    pub at: Millis,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Saved {
    /// With the number of its audit event.
    Yes(i64),
    /// Another plan has the name.
    Taken,
    /// It is gone, or no longer what it was when it was read.
    Changed,
}

pub async fn insert(db: &Db, new: &NewPlan<'_>, event: &StoredAudit) -> StoreResult<Saved> {
    saved(try_insert(db, new, event).await)
}

async fn try_insert(db: &Db, new: &NewPlan<'_>, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let sql = "INSERT INTO plans (id, name, spec, updated_at) VALUES ($1, $2, $3, $4)";
    Ok(audited!(db, event, tx => sqlx::query(sql).bind(new.id).bind(new.name).bind(new.spec).bind(new.at)
        .execute(&mut *tx).await?.rows_affected()))
}

/// `seen`: the version that the change was made from.
pub async fn update(db: &Db, new: &NewPlan<'_>, seen: Option<i64>, event: &StoredAudit) -> StoreResult<Saved> {
    saved(try_update(db, new, seen, event).await)
}

async fn try_update(db: &Db, new: &NewPlan<'_>, seen: Option<i64>, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let sql = "UPDATE plans SET name = $2, spec = $3, updated_at = $4, problems = '[]', checked_at = NULL, version = version + 1 \
        WHERE id = $1 AND version = COALESCE(CAST($5 AS BIGINT), version)";
    Ok(audited!(db, event, tx => sqlx::query(sql).bind(new.id).bind(new.name).bind(new.spec).bind(new.at).bind(seen)
        .execute(&mut *tx).await?.rows_affected()))
}

fn saved(done: StoreResult<Option<i64>>) -> StoreResult<Saved> {
    match done {
        Ok(seq) => Ok(seq.map_or(Saved::Changed, Saved::Yes)),
        Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Ok(Saved::Taken),
        Err(e) => Err(e),
    }
}

pub async fn set_problems(db: &Db, id: &str, problems: &str, at: Millis) -> StoreResult<()> {
    on!(db, p => {
        sqlx::query("UPDATE plans SET problems = $1, checked_at = $2 WHERE id = $3").bind(problems).bind(at).bind(id).execute(p).await?;
    });
    Ok(())
}

pub async fn delete(db: &Db, id: &str, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => sqlx::query("DELETE FROM plans WHERE id = $1").bind(id).execute(&mut *tx).await?.rows_affected()))
}

/// A member with all that a plan or a run has to know of it.
#[derive(Clone, Debug, FromRow)]
pub struct Protected {
    pub member_id: Id,
    pub group_id: Id,
    /// It is replicated to a further target, which is one of this group.
    pub main_id: Option<Id>,
    pub group_name: String,
    pub protected_site: String,
    pub recovery_site: String,
    pub policy: String,
    pub networks: String,
    pub storage: String,
    pub name: String,
    pub lineage: Id,
    pub member_state: String,
    pub machine_id: Id,
    pub native_id: String,
    pub power: String,
    pub vcpus: i64,
    pub memory_mib: i64,
    pub addresses: String,
    pub detail: String,
    pub cloud_id: Id,
    pub cloud: String,
    pub cloud_status: String,
    /// The last moment at which it may have lived, so that a loss is never told too small: of a cloud that was lost, when
    /// that was noticed; of one whose loss was not noticed yet, now (ms).
    pub seen_at: Option<Millis>,
    pub site: String,
    pub target_cloud_id: Id,
    pub target_cloud: String,
    pub newest_point_at: Option<Millis>,
}

impl Protected {
    /// The same machine as it is replicated to a further target, in the place that its plan gives it.
    pub fn at(&self, further: &Self) -> Self {
        Self { group_id: self.group_id.clone(), group_name: self.group_name.clone(), ..further.clone() }
    }
}

/// Members of all groups whose machine is known, to their main targets; or of one group, which may be a further target.
pub async fn protected(db: &Db, group_id: Option<&str>) -> StoreResult<Vec<Protected>> {
    select(db, group_id, false).await
}

/// The same machines, as they are replicated to further targets.
pub async fn protected_further(db: &Db) -> StoreResult<Vec<Protected>> {
    select(db, None, true).await
}

async fn select(db: &Db, group_id: Option<&str>, further: bool) -> StoreResult<Vec<Protected>> {
    let sql = "SELECT b.id AS member_id, g.id AS group_id, g.main_id, g.name AS group_name, g.protected_site, g.recovery_site, g.policy, g.networks, \
        g.storage, b.name, b.lineage, b.state AS member_state, m.id AS machine_id, m.native_id, m.state AS power, m.vcpus, m.memory_mib, \
        m.addresses, m.detail, c.id AS cloud_id, c.name AS cloud, c.status AS cloud_status, CASE WHEN c.status = 'ok' THEN CAST($2 AS BIGINT) ELSE c.status_since END AS seen_at, c.site, \
        b.target_cloud_id, COALESCE(t.name, '') AS target_cloud, \
        (SELECT p.taken_at FROM points p WHERE p.member_id = b.id AND p.deleting = 0 AND p.missing_since IS NULL AND p.cloud_id = b.target_cloud_id ORDER BY p.seq DESC LIMIT 1) AS newest_point_at \
        FROM members b JOIN groups g ON g.id = b.group_id JOIN machines m ON m.id = b.machine_id JOIN clouds c ON c.id = m.cloud_id \
        LEFT JOIN clouds t ON t.id = b.target_cloud_id \
        WHERE (CAST($1 AS TEXT) IS NULL AND b.further = CAST($3 AS BIGINT)) OR g.id = $1 ORDER BY b.name, b.id";
    on!(db, p => Ok(sqlx::query_as(sql).bind(group_id).bind(crate::state::now()).bind(i64::from(further)).fetch_all(p).await?))
}

/// Name and sites of a group.
#[derive(Clone, Debug, FromRow)]
pub struct GroupSites {
    pub id: Id,
    pub name: String,
    pub protected_site: String,
    pub recovery_site: String,
    pub target_cloud_id: Id,
}

pub async fn groups(db: &Db) -> StoreResult<Vec<GroupSites>> {
    on!(db, p => Ok(sqlx::query_as("SELECT id, name, protected_site, recovery_site, target_cloud_id FROM groups WHERE main_id IS NULL").fetch_all(p).await?))
}

/// Members of a group, by id.
pub async fn member_ids(db: &Db, group_id: &str) -> StoreResult<Vec<(Id, String)>> {
    on!(db, p => Ok(sqlx::query_as("SELECT id, name FROM members WHERE group_id = $1 ORDER BY name, id").bind(group_id).fetch_all(p).await?))
}

/// A member, of now or of earlier.
#[derive(Clone, Debug, FromRow)]
pub struct Known {
    pub id: Id,
    pub lineage: Id,
    pub name: String,
    pub group_id: Option<Id>,
}

pub async fn current_members(db: &Db) -> StoreResult<Vec<Known>> {
    let sql = "SELECT id, lineage, name, group_id FROM members WHERE group_id IS NOT NULL AND further = 0";
    on!(db, p => Ok(sqlx::query_as(sql).fetch_all(p).await?))
}

/// Every member that ever was.
pub async fn known_members(db: &Db) -> StoreResult<Vec<Known>> {
    let sql = "SELECT id, lineage, name, CAST(NULL AS TEXT) AS group_id FROM known_members";
    on!(db, p => Ok(sqlx::query_as(sql).fetch_all(p).await?))
}

/// When every member of the group has been recovered, its sites swap: the protected site is where it runs now. Done
/// again it changes nothing, since the protected site is no longer `from`.
pub async fn swap_sites(db: &Db, group_id: &str, from: &str) -> StoreResult<bool> {
    let sql = "UPDATE groups SET version = version + 1, protected_site = recovery_site, recovery_site = protected_site, \
        target_cloud_id = COALESCE((SELECT o.cloud_id FROM members b JOIN copies c ON c.lineage = b.lineage AND c.role = 'superseded' \
            JOIN machines o ON o.id = c.machine_id JOIN clouds k ON k.id = o.cloud_id AND k.site = $2 WHERE b.group_id = $1 LIMIT 1), target_cloud_id) \
        WHERE id = $1 AND main_id IS NULL AND protected_site = $2 AND NOT EXISTS (SELECT 1 FROM members b WHERE b.group_id = $1 AND b.state <> 'recovered')";
    on!(db, p => {
        let mut tx = p.begin().await?;
        let swapped = sqlx::query(sql).bind(group_id).bind(from).execute(&mut *tx).await?.rows_affected() == 1;
        sqlx::query("UPDATE groups SET protected_site = (SELECT m.protected_site FROM groups m WHERE m.id = $1) WHERE main_id = $1")
            .bind(group_id).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(swapped)
    })
}

/// The clouds of a site: id, name, status.
pub async fn clouds_at(db: &Db, site: &str) -> StoreResult<Vec<(Id, String, String)>> {
    on!(db, p => Ok(sqlx::query_as("SELECT id, name, status FROM clouds WHERE site = $1 ORDER BY name").bind(site).fetch_all(p).await?))
}

/// Names of the machines at a site that are the only or the active copy and that no group covers.
pub async fn unprotected_at(db: &Db, site: &str) -> StoreResult<Vec<(String, String)>> {
    let sql = "SELECT m.name, m.id FROM machines m JOIN clouds c ON c.id = m.cloud_id WHERE c.site = $1 AND m.gone_at IS NULL \
        AND NOT EXISTS (SELECT 1 FROM copies x WHERE x.machine_id = m.id AND x.role <> 'active') \
        AND NOT EXISTS (SELECT 1 FROM members b WHERE b.machine_id = m.id AND b.group_id IS NOT NULL) ORDER BY m.name";
    on!(db, p => Ok(sqlx::query_as(sql).bind(site).fetch_all(p).await?))
}

/// What a check has to know of a cloud.
#[derive(Clone, Debug, FromRow)]
pub struct CloudFact {
    pub id: Id,
    pub name: String,
    pub site: String,
    pub status: String,
    pub seen_at: Option<Millis>,
}

pub async fn cloud(db: &Db, id: &str) -> StoreResult<Option<CloudFact>> {
    on!(db, p => Ok(sqlx::query_as("SELECT id, name, site, status, observed_at AS seen_at FROM clouds WHERE id = $1")
        .bind(id).fetch_optional(p).await?))
}
