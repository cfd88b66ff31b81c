//! The audit trail: rows are added, never changed.

use super::{Db, StoreResult, on};
use model::{Id, access::AuditEvent};

#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredAudit {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub action: String,
    /// As it was called then.
    pub subject: String,
    /// Its identifier, where it has one.
    pub object: Option<Id>,
    pub ok: i64,
    pub detail: String,
    pub address: Option<String>,
    /// What else it touches; only written.
    #[sqlx(skip)]
    pub also: Vec<Id>,
}

impl From<StoredAudit> for AuditEvent {
    fn from(r: StoredAudit) -> Self {
        Self {
            seq: r.seq,
            at: r.at,
            actor: r.actor,
            action: r.action,
            subject: r.subject,
            object: r.object,
            ok: r.ok != 0,
            detail: r.detail,
            address: r.address,
        }
    }
}

/// An event into an open transaction, found by all that it touches; its number.
macro_rules! say {
    ($tx:expr, $event:expr) => {{
        let event: &$crate::store::audit::StoredAudit = $event;
        let seq: i64 = sqlx::query_scalar(
            "INSERT INTO audit(at, actor, action, subject, object, ok, detail, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING seq",
        )
        .bind(event.at)
        .bind(&event.actor)
        .bind(&event.action)
        .bind(&event.subject)
        .bind(&event.object)
        .bind(event.ok)
        .bind(&event.detail)
        .bind(&event.address)
        .fetch_one(&mut *$tx)
        .await?;
        for object in event.object.iter().chain(&event.also) {
            sqlx::query("INSERT INTO audit_objects(object, seq) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(object)
                .bind(seq)
                .execute(&mut *$tx)
                .await?;
        }
        seq
    }};
}
pub(super) use say;

/// A change and its event in one transaction, so that a full disk or a kill in between leaves both or neither. The body
/// answers how many rows it changed; none: nothing is written. Answers the event's number.
macro_rules! audited {
    ($db:expr, $event:expr, $tx:ident => $changed:expr) => {
        $crate::store::on!($db, pool => {
            let mut $tx = pool.begin().await?;
            let changed: u64 = $changed;
            if changed == 0 {
                None
            } else {
                let seq = $crate::store::audit::say!($tx, $event);
                $tx.commit().await?;
                Some(seq)
            }
        })
    };
}
pub(super) use audited;

/// `seq` of the argument is not looked at; answers the one that it got.
pub async fn insert(db: &Db, e: &StoredAudit) -> StoreResult<i64> {
    on!(db, p => {
        let mut tx = p.begin().await?;
        let seq = say!(tx, e);
        tx.commit().await?;
        Ok(seq)
    })
}

/// What is left out does not narrow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    /// The name or the identifier of what it was done to.
    pub subject: Option<&'a str>,
    pub actor: Option<&'a str>,
}

/// Newest first, before `before`.
pub async fn list(db: &Db, filter: Filter<'_>, before: i64, limit: i64) -> StoreResult<Vec<StoredAudit>> {
    let mut sql = "SELECT * FROM audit WHERE seq < $1".to_owned();
    let mut words = vec![];
    if let Some(subject) = filter.subject {
        words.extend([subject, subject]);
        sql += " AND (subject = $3 OR seq IN (SELECT seq FROM audit_objects WHERE object = $4))";
    }
    if let Some(actor) = filter.actor {
        words.push(actor);
        sql += &format!(" AND actor = ${}", words.len() + 2);
    }
    sql += " ORDER BY seq DESC LIMIT $2";
    rows(db, sql, before, limit, &words).await
}

/// Of one machine, with the runs of all its copies. Events from before identifiers were kept are found by its name.
pub async fn of_machine(db: &Db, id: &str, lineage: &str, name: &str, before: i64, limit: i64) -> StoreResult<Vec<StoredAudit>> {
    let sql = "SELECT * FROM audit WHERE seq < $1 AND (seq IN (SELECT seq FROM audit_objects WHERE object = $3) \
               OR (action LIKE 'run.%' AND seq IN (SELECT seq FROM audit_objects \
                  WHERE object = $4 OR object IN (SELECT machine_id FROM copies WHERE lineage = $4))) \
               OR (object IS NULL AND subject = $5)) ORDER BY seq DESC LIMIT $2";
    rows(db, sql.into(), before, limit, &[id, lineage, name]).await
}

async fn rows(db: &Db, sql: String, before: i64, limit: i64, words: &[&str]) -> StoreResult<Vec<StoredAudit>> {
    on!(db, p => {
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(before).bind(limit);
        words.iter().fold(query, |q, w| q.bind((*w).to_owned())).fetch_all(p).await
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn write(db: &Db, action: &str, subject: &str, object: Option<&str>, objects: &[&str]) {
        let row = StoredAudit {
            seq: 0,
            at: 1,
            actor: "ann".into(),
            action: action.into(),
            subject: subject.into(),
            object: object.map(Into::into),
            ok: 1,
            detail: String::new(),
            address: None,
            also: objects.iter().map(|o| (*o).to_owned()).collect(),
        };
        insert(db, &row).await.unwrap();
    }

    #[tokio::test]
    async fn a_machine_is_found_by_what_it_is_and_not_by_its_name() {
        let db = Db::open("sqlite::memory:").await.unwrap();
        write(&db, "run.start", "Move db1 to dublin", Some("run"), &["run", "m1", "line"]).await;
        write(&db, "machine.start", "db1", Some("m2"), &["m2"]).await;
        write(&db, "machine.protect", "db1", None, &[]).await;
        let seen = |rows: Vec<StoredAudit>| rows.into_iter().map(|r| r.action).collect::<Vec<_>>();
        let of = async |id: &str, lineage: &str| seen(of_machine(&db, id, lineage, "db1", i64::MAX, 10).await.unwrap());
        assert_eq!(of("m1", "m1").await, ["machine.protect", "run.start"]);
        assert_eq!(of("m2", "m2").await, ["machine.protect", "machine.start"], "another machine of the same name");
        assert_eq!(of("copy", "line").await, ["machine.protect", "run.start"], "the run that made this copy");
        let by = |subject| Filter { subject: Some(subject), actor: Some("ann") };
        assert_eq!(seen(list(&db, by("run"), i64::MAX, 10).await.unwrap()), ["run.start"]);
        assert_eq!(seen(list(&db, by("db1"), i64::MAX, 10).await.unwrap()), ["machine.protect", "machine.start"]);
        assert!(list(&db, Filter { subject: None, actor: Some("bob") }, i64::MAX, 10).await.unwrap().is_empty());
    }
}
