//! Further targets of protection groups: rows of `groups` that name their main one.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    groups::StoredGroup,
    on, to_json,
};
use model::{Id, Mapping, Millis, protection::NewTarget};

/// Targets are called after their group and their cloud.
macro_rules! rename {
    ($tx:ident, $main:expr) => {
        sqlx::query(
            "UPDATE groups SET name = (SELECT m.name FROM groups m WHERE m.id = $1) || ' at ' || \
            COALESCE((SELECT c.name FROM clouds c WHERE c.id = groups.target_cloud_id), groups.target_cloud_id) WHERE main_id = $1",
        )
        .bind($main)
        .execute(&mut *$tx)
        .await?;
    };
}
pub(super) use rename;

/// The name that a target has in alarms and figures.
pub fn name(main: &str, cloud: &str) -> String {
    format!("{main} at {cloud}")
}

/// What a target is made of.
pub struct Place<'a> {
    pub id: &'a str,
    pub main: &'a StoredGroup,
    pub name: &'a str,
    pub site: &'a str,
}

/// `None`: the name is taken. Else the number of the event, as everywhere below.
pub async fn insert(db: &Db, at: &Place<'_>, new: &NewTarget, now: Millis, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let (policy, networks, storage) = (to_json(&new.policy)?, to_json(&new.networks)?, to_json(&new.storage)?);
    Ok(audited!(db, event, tx => sqlx::query(
        "INSERT INTO groups (id, name, protected_site, recovery_site, target_cloud_id, policy, networks, storage, created_at, paused, main_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (name) DO NOTHING")
        .bind(at.id).bind(at.name).bind(&at.main.protected_site).bind(at.site).bind(&new.cloud_id).bind(&policy).bind(&networks)
        .bind(&storage).bind(now).bind(i64::from(at.main.paused)).bind(&at.main.id).execute(&mut *tx).await?.rows_affected()))
}

/// `None`: it is gone.
pub async fn update(db: &Db, id: &str, new: &NewTarget, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let (policy, networks, storage) = (to_json(&new.policy)?, to_json(&new.networks)?, to_json(&new.storage)?);
    Ok(audited!(db, event, tx => sqlx::query(
        "UPDATE groups SET policy = $2, networks = $3, storage = $4, version = version + 1 WHERE id = $1 AND main_id IS NOT NULL")
        .bind(id).bind(&policy).bind(&networks).bind(&storage).execute(&mut *tx).await?.rows_affected()))
}

/// The machines of this target, which were recovered, are replicated to it from where they run now. Done again it changes
/// nothing.
pub async fn begin_again(db: &Db, id: &str, networks: &[Mapping], storage: &[Mapping]) -> StoreResult<()> {
    let (networks, storage) = (to_json(&networks)?, to_json(&storage)?);
    on!(db, p => {
        let mut tx = p.begin().await?;
        sqlx::query("UPDATE groups SET networks = $2, storage = $3, version = version + 1 WHERE id = $1 \
            AND EXISTS (SELECT 1 FROM members b WHERE b.group_id = $1 AND b.state = 'recovered' AND b.held_by IS NULL)")
            .bind(id).bind(&networks).bind(&storage).execute(&mut *tx).await?;
        sqlx::query("UPDATE members SET state = 'waiting', final_point_id = NULL, last_cycle_ms = NULL, last_cycle_bytes = NULL, \
            last_error = NULL, error_since = NULL, next_try_at = NULL WHERE group_id = $1 AND state = 'recovered' AND held_by IS NULL")
            .bind(id).execute(&mut *tx).await?;
        tx.commit().await?;
    });
    Ok(())
}

/// All machines of the group were recovered at a further target: that is the main one from now on, and what was the main
/// one is a further target. Only for one whose members are the further ones still: done again it would turn it back.
/// Answers the main group.
pub async fn exchange(db: &Db, further: &str) -> StoreResult<Option<Id>> {
    let main: Option<(String,)> = on!(db, p => sqlx::query_as("SELECT main_id FROM groups WHERE id = $1 AND main_id IS NOT NULL").bind(further).fetch_optional(p).await?);
    let Some((main,)) = main else { return Ok(None) };
    on!(db, p => {
        let mut tx = p.begin().await?;
        // Locks both rows, and holds only while nothing of the group is still where it was.
        let all = sqlx::query("UPDATE groups SET version = version + 1 WHERE id IN ($1, $2) \
            AND NOT EXISTS (SELECT 1 FROM members b WHERE b.group_id = $1 AND b.state <> 'recovered') \
            AND NOT EXISTS (SELECT 1 FROM members b WHERE b.group_id = $1 AND NOT EXISTS \
                (SELECT 1 FROM members o WHERE o.group_id = $2 AND o.lineage = b.lineage)) \
            AND EXISTS (SELECT 1 FROM members b WHERE b.group_id = $1)")
            .bind(&main).bind(further).execute(&mut *tx).await?.rows_affected() == 2;
        if !all {
            return Ok(None);
        }
        for (what, group) in [("further = 2", &*main), ("further = 0", further)] {
            let sql = format!("UPDATE members SET {what}, group_id = $2 WHERE group_id = $1");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(group).bind(&main).execute(&mut *tx).await?;
        }
        sqlx::query("UPDATE members SET further = 1, group_id = $2 WHERE group_id = $1 AND further = 2")
            .bind(&main).bind(further).execute(&mut *tx).await?;
        type Own = (String, String, String, String, String);
        let of = "SELECT target_cloud_id, recovery_site, policy, networks, storage FROM groups WHERE id = $1";
        let (one, other): (Own, Own) =
            (sqlx::query_as(of).bind(&main).fetch_one(&mut *tx).await?, sqlx::query_as(of).bind(further).fetch_one(&mut *tx).await?);
        for (id, own) in [(&*main, &other), (further, &one)] {
            sqlx::query("UPDATE groups SET target_cloud_id = $2, recovery_site = $3, policy = $4, networks = $5, storage = $6 WHERE id = $1")
                .bind(id).bind(&own.0).bind(&own.1).bind(&own.2).bind(&own.3).bind(&own.4).execute(&mut *tx).await?;
        }
        rename!(tx, &main);
        tx.commit().await?;
    });
    Ok(Some(main))
}
