//! Who runs the cycle of a member: one conditional update decides, by the database's clock.

use super::{Db, StoreResult, on, runs::clock};
use model::Id;
use sqlx::AssertSqlSafe;

/// The right to write to a member, as long as its lease lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberClaim {
    pub member_id: Id,
    pub owner: String,
    pub epoch: i64,
}

/// `held_by`: the run that has the member, or nobody. `None`: another node is at it, or at another member of its machine, or
/// a run has come in between.
pub async fn claim(db: &Db, id: &str, owner: &str, held_by: Option<&str>, lease_ms: i64) -> StoreResult<Option<MemberClaim>> {
    let now = clock(db);
    let sql = format!(
        "UPDATE members SET owner = $2, epoch = epoch + 1, lease_until = {now} + $3 \
         WHERE id = $1 AND (lease_until < {now} OR owner = $2) AND COALESCE(held_by, '') = $4 \
         AND NOT EXISTS (SELECT 1 FROM members o WHERE o.lineage = members.lineage AND o.id <> $1 AND o.lease_until >= {now}) RETURNING epoch"
    );
    // A machine takes one backup at a time: claims of its members to different targets follow each other.
    let one_at_a_time = "UPDATE copies SET generation = generation WHERE machine_id = (SELECT machine_id FROM members WHERE id = $1)";
    let row: Option<(i64,)> = on!(db, p => {
        let mut tx = p.begin().await?;
        sqlx::query(one_at_a_time).bind(id).execute(&mut *tx).await?;
        let row = sqlx::query_as(AssertSqlSafe(sql)).bind(id).bind(owner).bind(lease_ms).bind(held_by.unwrap_or_default())
            .fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        row
    });
    Ok(row.map(|(epoch,)| MemberClaim { member_id: id.into(), owner: owner.into(), epoch }))
}

/// `false`: lost, or a run wants the member: stop at once.
pub async fn renew(db: &Db, claim: &MemberClaim, held_by: Option<&str>, lease_ms: i64) -> StoreResult<bool> {
    let now = clock(db);
    let sql = format!(
        "UPDATE members SET lease_until = {now} + $4 \
         WHERE id = $1 AND owner = $2 AND epoch = $3 AND lease_until > {now} AND COALESCE(held_by, '') = $5"
    );
    Ok(on!(db, p => sqlx::query(AssertSqlSafe(sql)).bind(&claim.member_id).bind(&claim.owner).bind(claim.epoch).bind(lease_ms)
        .bind(held_by.unwrap_or_default()).execute(p).await?.rows_affected())
        == 1)
}

/// The cycle is over.
pub async fn release(db: &Db, claim: &MemberClaim) -> StoreResult<()> {
    on!(db, p => {
        sqlx::query("UPDATE members SET lease_until = 0 WHERE id = $1 AND owner = $2 AND epoch = $3")
            .bind(&claim.member_id).bind(&claim.owner).bind(claim.epoch).execute(p).await?;
    });
    Ok(())
}

/// This node stops: others need not wait for it.
pub async fn leave(db: &Db, owner: &str) -> StoreResult<()> {
    on!(db, p => { sqlx::query("UPDATE members SET owner = NULL, lease_until = 0 WHERE owner = $1").bind(owner).execute(p).await?; });
    Ok(())
}

/// A condition on the row of the member: the claim holds. `$n` and `$n+1` are owner and epoch.
pub(super) fn holds(db: &Db, n: u32) -> String {
    format!("owner = ${n} AND epoch = ${} AND lease_until > {}", n + 1, clock(db))
}
