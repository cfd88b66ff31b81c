//! What the replication of each member works on: its machine, the clouds at both ends and the policy, in one look.

use super::{Db, StoreResult, on};
use model::{Id, Mapping, Millis, cloud::CloudStatus, protection::Policy};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    pub member_id: Id,
    pub native_id: String,
    pub source_cloud_id: Id,
    pub target_cloud_id: Id,
    /// Do the clouds answer, as far as the last look went?
    pub source_answers: bool,
    pub target_answers: bool,
    /// When the machine was last seen different from before.
    pub changed_at: Millis,
    /// Last seen starting with its host.
    pub autostart: bool,
    pub policy: Policy,
    pub storage: Vec<Mapping>,
    /// Name of its group; empty for a move.
    pub group: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    member_id: String,
    native_id: String,
    source_cloud_id: String,
    target_cloud_id: String,
    source_status: String,
    target_status: Option<String>,
    changed_at: i64,
    autostart: i64,
    policy: Option<String>,
    storage: String,
    group_name: Option<String>,
}

impl TryFrom<Row> for Work {
    type Error = sqlx::Error;
    fn try_from(r: Row) -> StoreResult<Self> {
        let bad = |e: serde_json::Error| sqlx::Error::Decode(Box::new(e));
        Ok(Self {
            member_id: r.member_id,
            native_id: r.native_id,
            source_cloud_id: r.source_cloud_id,
            target_cloud_id: r.target_cloud_id,
            source_answers: answers(Some(&r.source_status)),
            target_answers: answers(r.target_status.as_deref()),
            changed_at: r.changed_at,
            autostart: r.autostart != 0,
            policy: r.policy.map(|p| serde_json::from_str(&p)).transpose().map_err(bad)?.unwrap_or_default(),
            storage: serde_json::from_str(&r.storage).map_err(bad)?,
            group: r.group_name.unwrap_or_default(),
        })
    }
}

/// A cloud that went stale may still answer; one that was removed cannot.
fn answers(status: Option<&str>) -> bool {
    let silent = [CloudStatus::Unreachable, CloudStatus::Refused].map(|s| serde_json::to_value(s).unwrap_or_default());
    status.is_some_and(|s| !silent.iter().any(|v| v == s))
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT b.id AS member_id, m.native_id, m.cloud_id AS source_cloud_id, b.target_cloud_id, s.status AS source_status, \
             t.status AS target_status, m.changed_at, CAST(CASE WHEN m.detail LIKE '%\"autostart\":true%' THEN 1 ELSE 0 END AS BIGINT) AS autostart, \
             g.policy, COALESCE(g.storage, b.storage) AS storage, g.name AS group_name \
             FROM members b JOIN machines m ON m.id = b.machine_id JOIN clouds s ON s.id = m.cloud_id \
             LEFT JOIN clouds t ON t.id = b.target_cloud_id LEFT JOIN groups g ON g.id = b.group_id ",
            $rest
        )
    };
}

/// None: its machine or the machine's cloud is not known any more.
pub async fn get(db: &Db, member_id: &str) -> StoreResult<Option<Work>> {
    let row: Option<Row> = on!(db, p => sqlx::query_as(select!("WHERE b.id = $1")).bind(member_id).fetch_optional(p).await?);
    row.map(Work::try_from).transpose()
}

pub async fn all(db: &Db) -> StoreResult<Vec<Work>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as(select!("ORDER BY b.id")).fetch_all(p).await?);
    rows.into_iter().map(Work::try_from).collect()
}
