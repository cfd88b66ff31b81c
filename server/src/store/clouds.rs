//! Clouds: settings as entered, sealed secrets, and how each answered last.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    json, on, to_json,
};
use model::{
    Id, Millis,
    cloud::{Cloud, CloudStatus},
};
use std::collections::BTreeMap;

/// A cloud with what the console never sends out.
#[derive(Clone)]
pub struct StoredCloud {
    pub cloud: Cloud,
    /// Sealed JSON: field → value.
    pub secrets: Option<Vec<u8>>,
    /// What its control plane called itself when it was last probed.
    pub host_id: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Raw {
    id: String,
    name: String,
    kind: String,
    site: String,
    simulated: i64,
    fields: String,
    secrets: Option<Vec<u8>>,
    fingerprint: Option<String>,
    status: String,
    status_since: Millis,
    message: Option<String>,
    observed_at: Option<Millis>,
    retry_at: Option<Millis>,
    version: Option<String>,
    capabilities: String,
    capacity: Option<String>,
    host_id: Option<String>,
}

const COLUMNS: &str = "id, name, kind, site, simulated, fields, secrets, fingerprint, status, status_since, message, \
                       observed_at, retry_at, version, capabilities, capacity, host_id";

impl Raw {
    fn into_cloud(self) -> StoreResult<StoredCloud> {
        let capacity = self.capacity.as_deref().map(json).transpose()?;
        let cloud = Cloud {
            id: self.id,
            name: self.name,
            kind: self.kind,
            site: self.site,
            simulated: self.simulated != 0,
            status: json(&format!("\"{}\"", self.status))?,
            status_since: self.status_since,
            message: self.message,
            observed_at: self.observed_at,
            retry_at: self.retry_at,
            version: self.version,
            fingerprint: self.fingerprint,
            capabilities: json(&self.capabilities)?,
            capacity,
            machines: 0,
            running: 0,
            fields: json::<BTreeMap<String, String>>(&self.fields)?,
        };
        Ok(StoredCloud { cloud, secrets: self.secrets, host_id: self.host_id })
    }
}

fn status(status: CloudStatus) -> &'static str {
    match status {
        CloudStatus::Connecting => "connecting",
        CloudStatus::Ok => "ok",
        CloudStatus::Stale => "stale",
        CloudStatus::Unreachable => "unreachable",
        CloudStatus::Refused => "refused",
    }
}

/// Is there anything that only the key file opens?
pub async fn any_sealed(db: &Db) -> StoreResult<bool> {
    let found: Option<(i64,)> =
        on!(db, p => sqlx::query_as("SELECT CAST(1 AS BIGINT) FROM clouds WHERE secrets IS NOT NULL LIMIT 1").fetch_optional(p).await?);
    Ok(found.is_some())
}

/// By name. The counts of machines are the inventory's to fill in.
pub async fn list(db: &Db) -> StoreResult<Vec<StoredCloud>> {
    let sql = format!("SELECT {COLUMNS} FROM clouds ORDER BY name");
    let raw: Vec<Raw> = on!(db, p => sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(p).await?);
    raw.into_iter().map(Raw::into_cloud).collect()
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredCloud>> {
    let sql = format!("SELECT {COLUMNS} FROM clouds WHERE id = $1");
    let raw: Option<Raw> = on!(db, p => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(p).await?);
    raw.map(Raw::into_cloud).transpose()
}

/// Answers the number of the event.
pub async fn insert(db: &Db, stored: &StoredCloud, created_at: Millis, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let c = &stored.cloud;
    let (fields, capabilities) = (to_json(&c.fields)?, to_json(&c.capabilities)?);
    Ok(audited!(db, event, tx => sqlx::query(
        "INSERT INTO clouds (id, name, kind, site, simulated, fields, secrets, fingerprint, created_at, status, status_since, \
         capabilities, host_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(&c.id).bind(&c.name).bind(&c.kind).bind(&c.site).bind(i64::from(c.simulated)).bind(&fields).bind(stored.secrets.as_deref())
        .bind(c.fingerprint.as_deref()).bind(created_at).bind(status(c.status)).bind(c.status_since).bind(&capabilities)
        .bind(stored.host_id.as_deref()).execute(&mut *tx).await?.rows_affected()))
}

/// What an administrator can change. `None`: there is no such cloud.
pub async fn update(db: &Db, stored: &StoredCloud, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let c = &stored.cloud;
    let fields = to_json(&c.fields)?;
    Ok(audited!(db, event, tx => sqlx::query(
        "UPDATE clouds SET name = $2, site = $3, fields = $4, secrets = $5, fingerprint = $6, host_id = COALESCE($7, host_id) WHERE id = $1")
        .bind(&c.id).bind(&c.name).bind(&c.site).bind(&fields).bind(stored.secrets.as_deref()).bind(c.fingerprint.as_deref())
        .bind(stored.host_id.as_deref()).execute(&mut *tx).await?.rows_affected()))
}

pub async fn remove(db: &Db, id: &str, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => sqlx::query("DELETE FROM clouds WHERE id = $1").bind(id).execute(&mut *tx).await?.rows_affected()))
}

/// How it answered.
pub async fn save_status(db: &Db, c: &Cloud) -> StoreResult<()> {
    let capabilities = to_json(&c.capabilities)?;
    let capacity = c.capacity.as_ref().map(to_json).transpose()?;
    on!(db, p => sqlx::query(
        "UPDATE clouds SET status = $2, status_since = $3, message = $4, observed_at = $5, retry_at = $6, version = $7, \
         capabilities = $8, capacity = $9 WHERE id = $1")
        .bind(&c.id).bind(status(c.status)).bind(c.status_since).bind(c.message.as_deref()).bind(c.observed_at).bind(c.retry_at)
        .bind(c.version.as_deref()).bind(capabilities).bind(capacity)
        .execute(p).await?.rows_affected());
    Ok(())
}

/// Why it cannot be removed: what refers to it, in words.
pub async fn uses(db: &Db, id: &str) -> StoreResult<Vec<String>> {
    let groups: Vec<(String,)> =
        on!(db, p => sqlx::query_as("SELECT name FROM groups WHERE target_cloud_id = $1 ORDER BY name").bind(id).fetch_all(p).await?);
    let members: Vec<(String,)> = on!(db, p => sqlx::query_as(
        "SELECT DISTINCT m.name FROM members m LEFT JOIN machines x ON x.id = m.machine_id \
         WHERE m.target_cloud_id = $1 OR x.cloud_id = $1 ORDER BY m.name LIMIT 5").bind(id).fetch_all(p).await?);
    let (points,): (i64,) = on!(db, p => sqlx::query_as("SELECT COUNT(*) FROM points WHERE cloud_id = $1").bind(id).fetch_one(p).await?);
    let mut uses: Vec<String> = groups.into_iter().map(|(name,)| format!("protection group {name}")).collect();
    uses.extend(members.into_iter().map(|(name,)| format!("replication of {name}")));
    if points > 0 {
        uses.push(format!("{points} recovery points"));
    }
    Ok(uses)
}

/// A name that is taken, by another than `except`.
pub async fn id_by_name(db: &Db, name: &str) -> StoreResult<Option<Id>> {
    let found: Option<(String,)> =
        on!(db, p => sqlx::query_as("SELECT id FROM clouds WHERE lower(name) = lower($1)").bind(name).fetch_optional(p).await?);
    Ok(found.map(|(id,)| id))
}
