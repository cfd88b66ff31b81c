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
    let mut row = StoredAudit {
        seq: 0,
        at: now(),
        actor: caller.name.clone(),
        action: action.into(),
        subject: subject.into(),
        ok: i64::from(ok),
        detail: detail.into(),
        address: caller.address.clone(),
    };
    match audit::insert(&node.db, &row).await {
        Ok(seq) => row.seq = seq,
        Err(error) => {
            tracing::error!(%error, actor = row.actor, action, subject, ok, detail = row.detail, "the audit trail could not be written");
            return;
        }
    }
    tell(node, row);
}

/// Shows an event that was written down.
pub fn tell(node: &Node, row: StoredAudit) {
    tracing::info!(actor = row.actor, action = row.action, subject = row.subject, ok = row.ok != 0, "audit");
    node.live.publish(Topic::Audit, row.seq.to_string(), &shown(row));
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
