//! Price lists: one for each cloud that somebody priced.

use super::{
    Db, StoreResult,
    audit::{StoredAudit, audited},
    json, on, to_json,
};
use model::{
    Id, Millis,
    prices::{Amount, PriceList},
};
use std::collections::HashMap;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPrices {
    pub cloud_id: Id,
    pub list: PriceList,
    pub changed_at: Millis,
    pub changed_by: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    cloud_id: String,
    currency: String,
    vcpu_month: i64,
    memory_gib_month: i64,
    storage_gib_month: i64,
    egress_gib: i64,
    flavours: String,
    changed_at: i64,
    changed_by: String,
}

impl TryFrom<Row> for StoredPrices {
    type Error = sqlx::Error;
    fn try_from(r: Row) -> StoreResult<Self> {
        let list = PriceList {
            currency: r.currency,
            vcpu_month: Amount(r.vcpu_month),
            memory_gib_month: Amount(r.memory_gib_month),
            storage_gib_month: Amount(r.storage_gib_month),
            egress_gib: Amount(r.egress_gib),
            flavours: json(&r.flavours)?,
        };
        Ok(Self { cloud_id: r.cloud_id, list, changed_at: r.changed_at, changed_by: r.changed_by })
    }
}

pub async fn get(db: &Db, cloud_id: &str) -> StoreResult<Option<StoredPrices>> {
    let row: Option<Row> = on!(db, p => sqlx::query_as("SELECT * FROM prices WHERE cloud_id = $1").bind(cloud_id).fetch_optional(p).await?);
    row.map(StoredPrices::try_from).transpose()
}

/// By cloud.
pub async fn all(db: &Db) -> StoreResult<HashMap<Id, PriceList>> {
    let rows: Vec<Row> = on!(db, p => sqlx::query_as("SELECT * FROM prices").fetch_all(p).await?);
    rows.into_iter().map(|r| StoredPrices::try_from(r).map(|s| (s.cloud_id, s.list))).collect()
}

/// `None`: there is no such cloud.
pub async fn put(db: &Db, new: &StoredPrices, event: &StoredAudit) -> StoreResult<Option<i64>> {
    let (l, flavours) = (&new.list, to_json(&new.list.flavours)?);
    Ok(audited!(db, event, tx => sqlx::query(
        "INSERT INTO prices (cloud_id, currency, vcpu_month, memory_gib_month, storage_gib_month, egress_gib, flavours, changed_at, changed_by) \
         SELECT id, $2, $3, $4, $5, $6, $7, $8, $9 FROM clouds WHERE id = $1 \
         ON CONFLICT (cloud_id) DO UPDATE SET currency = $2, vcpu_month = $3, memory_gib_month = $4, storage_gib_month = $5, egress_gib = $6, \
         flavours = $7, changed_at = $8, changed_by = $9")
        .bind(&new.cloud_id).bind(&l.currency).bind(l.vcpu_month.0).bind(l.memory_gib_month.0).bind(l.storage_gib_month.0)
        .bind(l.egress_gib.0).bind(&flavours).bind(new.changed_at).bind(&new.changed_by).execute(&mut *tx).await?.rows_affected()))
}

/// `None`: there was none.
pub async fn remove(db: &Db, cloud_id: &str, event: &StoredAudit) -> StoreResult<Option<i64>> {
    Ok(
        audited!(db, event, tx => sqlx::query("DELETE FROM prices WHERE cloud_id = $1").bind(cloud_id).execute(&mut *tx).await?.rows_affected()),
    )
}
