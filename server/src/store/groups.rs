//! Protection groups, and the facts about clouds and machines that they are checked against.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    on,
    targets::rename,
};
use model::{
    Id, Mapping, Millis,
    cloud::Capability,
    protection::{NewGroup, Policy},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGroup {
    pub id: Id,
    pub name: String,
    pub protected_site: String,
    pub recovery_site: String,
    pub target_cloud_id: Id,
    /// Name of the target cloud; its identifier where it was removed.
    pub target_cloud: String,
    pub policy: Policy,
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
    pub paused: bool,
    pub version: i64,
    /// It is a further target of this group.
    pub main_id: Option<Id>,
    pub created_at: Millis,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    protected_site: String,
    recovery_site: String,
    target_cloud_id: String,
    target_cloud: String,
    policy: String,
    networks: String,
    storage: String,
    paused: i64,
    version: i64,
    main_id: Option<String>,
    created_at: i64,
}

impl TryFrom<Row> for StoredGroup {
    type Error = sqlx::Error;
    fn try_from(r: Row) -> StoreResult<Self> {
        Ok(Self {
            id: r.id,
            name: r.name,
            protected_site: r.protected_site,
            recovery_site: r.recovery_site,
            target_cloud_id: r.target_cloud_id,
            target_cloud: r.target_cloud,
            policy: json(&r.policy)?,
            networks: json(&r.networks)?,
            storage: json(&r.storage)?,
            paused: r.paused != 0,
            version: r.version,
            main_id: r.main_id,
            created_at: r.created_at,
        })
    }
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT g.*, COALESCE(c.name, g.target_cloud_id) AS target_cloud \
             FROM groups g LEFT JOIN clouds c ON c.id = g.target_cloud_id ",
            $rest
        )
    };
}

pub async fn get(db: &Db, id: &str) -> StoreResult<Option<StoredGroup>> {
    let row: Option<Row> = on!(db, p => sqlx::query_as(select!("WHERE g.id = $1")).bind(id).fetch_optional(p).await?);
    row.map(StoredGroup::try_from).transpose()
}

/// Further targets of a group, by the name of their cloud.
pub async fn targets(db: &Db, main_id: &str) -> StoreResult<Vec<StoredGroup>> {
    let rows: Vec<Row> =
        on!(db, p => sqlx::query_as(select!("WHERE g.main_id = $1 ORDER BY target_cloud, g.id")).bind(main_id).fetch_all(p).await?);
    rows.into_iter().map(StoredGroup::try_from).collect()
}

/// By name, after a name and its identifier; without further targets.
pub async fn page(db: &Db, after: Option<(String, Id)>, limit: u32) -> StoreResult<Vec<StoredGroup>> {
    let (name, id) = after.unwrap_or_default();
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(select!(
        "WHERE g.main_id IS NULL AND (g.name > $1 OR (g.name = $1 AND g.id > $2)) ORDER BY g.name, g.id LIMIT $3"
    )).bind(&name).bind(&id).bind(i64::from(limit)).fetch_all(p).await?);
    rows.into_iter().map(StoredGroup::try_from).collect()
}

/// `None`: the name is taken. Else the number of the event, as everywhere below.
pub async fn insert(db: &Db, id: &str, new: &NewGroup, now: Millis, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => sqlx::query(
        "INSERT INTO groups (id, name, protected_site, recovery_site, target_cloud_id, policy, networks, storage, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO NOTHING")
        .bind(id).bind(&new.name).bind(&new.protected_site).bind(&new.recovery_site).bind(&new.target_cloud_id)
        .bind(text(&new.policy)).bind(text(&new.networks)).bind(text(&new.storage)).bind(now).execute(&mut *tx).await?.rows_affected()))
}

/// `None`: it is gone, or no longer what it was when `seen`.
pub async fn update(db: &Db, id: &str, new: &NewGroup, seen: Option<i64>, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => {
        let rows = sqlx::query(
        "UPDATE groups SET name = $2, protected_site = $3, recovery_site = $4, target_cloud_id = $5, policy = $6, networks = $7, \
         storage = $8, version = version + 1 WHERE id = $1 AND version = COALESCE(CAST($9 AS BIGINT), version)")
        .bind(id).bind(&new.name).bind(&new.protected_site).bind(&new.recovery_site).bind(&new.target_cloud_id)
        .bind(text(&new.policy)).bind(text(&new.networks)).bind(text(&new.storage)).bind(seen).execute(&mut *tx).await?.rows_affected();
        sqlx::query("UPDATE groups SET protected_site = $2 WHERE main_id = $1").bind(id).bind(&new.protected_site).execute(&mut *tx).await?;
        rename!(tx, id);
        rows
    }))
}

/// Its recovered machines are replicated to the target that the group has now, with these mappings. `None`: none is
/// recovered any more, so nothing was changed.
pub async fn reprotect(db: &Db, id: &str, networks: &[Mapping], storage: &[Mapping], event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => {
        let begun = sqlx::query("UPDATE members SET state = 'waiting', final_point_id = NULL, last_cycle_ms = NULL, last_cycle_bytes = NULL, \
            last_error = NULL, error_since = NULL, next_try_at = NULL, target_cloud_id = (SELECT target_cloud_id FROM groups WHERE id = $1) \
            WHERE group_id = $1 AND state = 'recovered' AND held_by IS NULL").bind(id).execute(&mut *tx).await?.rows_affected();
        sqlx::query("UPDATE groups SET networks = $2, storage = $3 WHERE id = $1")
            .bind(id).bind(text(&networks)).bind(text(&storage)).execute(&mut *tx).await?;
        begun
    }))
}

pub async fn set_paused(db: &Db, id: &str, paused: bool, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => sqlx::query("UPDATE groups SET paused = $2 WHERE id = $1 OR main_id = $1")
        .bind(id).bind(i64::from(paused)).execute(&mut *tx).await?.rows_affected()))
}

pub async fn delete(db: &Db, id: &str, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(audited!(db, event, tx => sqlx::query("DELETE FROM groups WHERE id = $1").bind(id).execute(&mut *tx).await?.rows_affected()))
}

/// Whose name this is, if anybody's.
pub async fn id_of(db: &Db, name: &str) -> StoreResult<Option<Id>> {
    let row: Option<(String,)> = on!(db, p => sqlx::query_as("SELECT id FROM groups WHERE name = $1").bind(name).fetch_optional(p).await?);
    Ok(row.map(|r| r.0))
}

/// Names of the plans that bring this group up.
pub async fn plans_with(db: &Db, group_id: &str) -> StoreResult<Vec<String>> {
    let like = format!("%\"{group_id}\"%");
    let rows: Vec<(String,)> =
        on!(db, p => sqlx::query_as("SELECT name FROM plans WHERE spec LIKE $1 ORDER BY name").bind(&like).fetch_all(p).await?);
    Ok(rows.into_iter().map(|r| r.0).collect())
}

/// What a group must know of a cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudFacts {
    pub id: Id,
    pub name: String,
    pub site: String,
    pub capabilities: Vec<Capability>,
}

pub async fn clouds(db: &Db) -> StoreResult<Vec<CloudFacts>> {
    let rows: Vec<(String, String, String, String)> =
        on!(db, p => sqlx::query_as("SELECT id, name, site, capabilities FROM clouds ORDER BY name").fetch_all(p).await?);
    rows.into_iter().map(|(id, name, site, caps)| Ok(CloudFacts { id, name, site, capabilities: json(&caps)? })).collect()
}

/// What a group must know of a machine.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MachineFacts {
    pub id: Id,
    pub name: String,
    pub cloud_id: Id,
    pub cloud: String,
    pub site: String,
    pub gone_at: Option<Millis>,
    /// Its role among its copies.
    pub role: Option<String>,
    pub member_id: Option<Id>,
    pub group_id: Option<Id>,
    pub group_name: Option<String>,
}

pub async fn machine(db: &Db, id: &str) -> StoreResult<Option<MachineFacts>> {
    on!(db, p => sqlx::query_as(
        "SELECT m.id, m.name, m.cloud_id, c.name AS cloud, c.site, m.gone_at, o.role, b.id AS member_id, b.group_id, g.name AS group_name \
         FROM machines m JOIN clouds c ON c.id = m.cloud_id LEFT JOIN copies o ON o.machine_id = m.id \
         LEFT JOIN members b ON b.machine_id = m.id AND b.further = 0 LEFT JOIN groups g ON g.id = b.group_id WHERE m.id = $1")
        .bind(id).fetch_optional(p).await)
}
