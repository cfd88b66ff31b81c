//! The audit trail: who did what, from where, and whether it went well.

use super::caller::Caller;
use crate::{
    error::{Error, Result},
    state::{Node, now},
    store::audit::{self, StoredAudit},
};
use model::{Page, access::AuditEvent, live::Topic};

/// Writes one event down and shows it. A store that refuses it is logged: the change itself has happened.
pub async fn record(node: &Node, caller: &Caller, action: &str, subject: &str, ok: bool, detail: impl Into<String>) {
    let row = StoredAudit { ok: i64::from(ok), ..event(caller, action, subject, detail) };
    match audit::insert(&node.db, &row).await {
        Ok(seq) => show(node, row, seq),
        Err(error) => {
            tracing::error!(%error, actor = row.actor, action, subject, ok, detail = row.detail, "the audit trail could not be written");
        }
    }
}

/// A name that somebody gave, fit for the trail whatever is in it.
pub fn name(given: &str) -> String {
    given.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// What is written with a change, in its own transaction; [`show`] it afterwards.
pub fn event(caller: &Caller, action: &str, subject: &str, detail: impl Into<String>) -> StoredAudit {
    StoredAudit {
        seq: 0,
        at: now(),
        actor: caller.name.clone(),
        action: action.into(),
        subject: subject.into(),
        ok: 1,
        detail: detail.into(),
        address: caller.address.clone(),
    }
}

/// It is written, under this number.
pub fn show(node: &Node, event: StoredAudit, seq: i64) {
    let row = StoredAudit { seq, ..event };
    tracing::info!(actor = row.actor, action = row.action, subject = row.subject, ok = row.ok != 0, "audit");
    node.live.publish(Topic::Audit, seq.to_string(), &shown(row));
}

/// What was refused or failed leaves an event too; a success has left its own.
pub async fn refused<T>(node: &Node, caller: &Caller, action: &str, subject: &str, outcome: Result<T>) -> Result<T> {
    if let Err(error) = &outcome {
        record(node, caller, action, subject, false, error.message.clone()).await;
    }
    outcome
}

/// Somebody read it, somebody else changed it, and now the first would change it back without knowing.
pub async fn changed_meanwhile(node: &Node, what: &str, subject: &str) -> Error {
    let changes = |e: &StoredAudit| e.ok != 0 && matches!(e.action.as_str(), "group.change" | "plan.update");
    let last = audit::list(&node.db, Some(subject), i64::MAX, 20).await.unwrap_or_default().into_iter().find(changes);
    let by = last.map(|e| format!(" by {}", e.actor)).unwrap_or_default();
    Error::conflict(format!("{what} was changed{by} since you read it. Read it again, then make your change."))
}

/// Newest first. Everybody who is signed in may read it.
pub async fn list(node: &Node, subject: Option<&str>, cursor: Option<&str>, limit: u32) -> Result<Page<AuditEvent>> {
    let before = cursor.map_or(Ok(i64::MAX), str::parse).map_err(|_| Error::invalid("cursor", "This is not a cursor of this list."))?;
    let rows = audit::list(&node.db, subject, before, i64::from(limit) + 1).await?;
    Ok(super::page(rows.into_iter().map(shown).collect(), limit, |e| e.seq.to_string()))
}

fn shown(r: StoredAudit) -> AuditEvent {
    AuditEvent {
        seq: r.seq,
        at: r.at,
        actor: r.actor,
        action: r.action,
        subject: r.subject,
        ok: r.ok != 0,
        detail: r.detail,
        address: r.address,
    }
}
