//! The audit trail: who did what, from where, and whether it went well.

use super::caller::Caller;
use crate::{
    error::{Error, Result},
    state::{Node, now},
    store::audit::{self, StoredAudit},
};
use model::{Id, Page, access::AuditEvent, live::Topic};

pub use audit::Filter;

/// What an event is about: a name that says something to people, and what it is found by.
#[derive(Clone, Copy, Default)]
pub struct About<'a> {
    pub name: &'a str,
    pub id: Option<&'a str>,
    /// Others that it touches: the machines of a run.
    pub also: &'a [Id],
}

/// Writes one event down and shows it. A store that refuses it is logged: the change itself has happened.
pub async fn record(node: &Node, caller: &Caller, action: &str, subject: &str, ok: bool, detail: impl Into<String>) {
    record_about(node, caller, action, About { name: subject, ..About::default() }, ok, detail).await;
}

pub async fn record_about(node: &Node, caller: &Caller, action: &str, about: About<'_>, ok: bool, detail: impl Into<String>) {
    let mut row = StoredAudit {
        seq: 0,
        at: now(),
        actor: caller.name.clone(),
        action: action.into(),
        subject: about.name.into(),
        object: about.id.map(Into::into),
        ok: i64::from(ok),
        detail: detail.into(),
        address: caller.address.clone(),
    };
    let objects: Vec<Id> = row.object.iter().chain(about.also).cloned().collect();
    match audit::insert(&node.db, &row, &objects).await {
        Ok(seq) => row.seq = seq,
        Err(error) => {
            let (actor, subject, detail) = (row.actor, row.subject, row.detail);
            tracing::error!(%error, actor, action, subject, ok, detail, "the audit trail could not be written");
            return;
        }
    }
    tracing::info!(actor = row.actor, action, subject = row.subject, ok, "audit");
    node.live.publish(Topic::Audit, row.seq.to_string(), &shown(row));
}

/// Newest first. Everybody who is signed in may read it.
pub async fn list(node: &Node, filter: Filter<'_>, cursor: Option<&str>, limit: u32) -> Result<Page<AuditEvent>> {
    let rows = audit::list(&node.db, filter, before(cursor)?, i64::from(limit) + 1).await?;
    Ok(page(rows, limit))
}

/// Of one machine: also the runs that worked on it, whichever copy of it they began with.
pub async fn of_machine(node: &Node, id: &str, lineage: &str, name: &str, cursor: Option<&str>, limit: u32) -> Result<Page<AuditEvent>> {
    let rows = audit::of_machine(&node.db, id, lineage, name, before(cursor)?, i64::from(limit) + 1).await?;
    Ok(page(rows, limit))
}

fn before(cursor: Option<&str>) -> Result<i64> {
    cursor.map_or(Ok(i64::MAX), str::parse).map_err(|_| Error::invalid("cursor", "This is not a cursor of this list."))
}

fn page(rows: Vec<StoredAudit>, limit: u32) -> Page<AuditEvent> {
    super::page(rows.into_iter().map(shown).collect(), limit, |e| e.seq.to_string())
}

fn shown(r: StoredAudit) -> AuditEvent {
    AuditEvent {
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
