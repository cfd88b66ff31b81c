//! The audit trail: who did what, from where, and whether it went well.

use super::caller::Caller;
use crate::{
    error::{Error, Result},
    state::{Node, now},
    store::audit::{self, StoredAudit},
};
use model::{Id, Page, access::AuditEvent};

pub use audit::Filter;

/// What an event is about: a name that says something to people, and what it is found by.
#[derive(Clone, Copy, Default)]
pub struct About<'a> {
    pub name: &'a str,
    pub id: Option<&'a str>,
    /// Others that it touches: the machines of a run.
    pub also: &'a [Id],
}

impl<'a> About<'a> {
    pub fn new(name: &'a str, id: &'a str) -> Self {
        Self { name, id: Some(id), also: &[] }
    }
}

/// Something that has only a name.
impl<'a, S: AsRef<str> + ?Sized> From<&'a S> for About<'a> {
    fn from(name: &'a S) -> Self {
        Self { name: name.as_ref(), ..Self::default() }
    }
}

/// Writes one event down and shows it. A store that refuses it is logged: the change itself has happened.
pub async fn record<'a>(node: &Node, caller: &Caller, action: &str, about: impl Into<About<'a>>, ok: bool, detail: impl Into<String>) {
    let row = StoredAudit { ok: i64::from(ok), ..event(caller, action, about, detail) };
    match audit::insert(&node.db, &row).await {
        Ok(seq) => show(node, row, seq),
        Err(error) => {
            let (actor, subject, detail) = (row.actor, row.subject, row.detail);
            tracing::error!(%error, actor, action, subject, ok, detail, "the audit trail could not be written");
        }
    }
}

/// A name that somebody gave, fit for the trail whatever is in it.
pub fn name(given: &str) -> String {
    given.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// What is written with a change, in its own transaction; [`show`] it afterwards.
pub fn event<'a>(caller: &Caller, action: &str, about: impl Into<About<'a>>, detail: impl Into<String>) -> StoredAudit {
    let about = about.into();
    StoredAudit {
        seq: 0,
        at: now(),
        actor: caller.name.clone(),
        action: action.into(),
        subject: about.name.into(),
        object: about.id.map(Into::into),
        ok: 1,
        detail: detail.into(),
        address: caller.address.clone(),
        also: about.also.to_vec(),
    }
}

pub use crate::recovery::publish::audited as show;

/// What was refused or failed leaves an event too; a success has left its own.
pub async fn refused<'a, T>(node: &Node, caller: &Caller, action: &str, about: impl Into<About<'a>>, outcome: Result<T>) -> Result<T> {
    if let Err(error) = &outcome {
        record(node, caller, action, about, false, error.message.clone()).await;
    }
    outcome
}

/// Somebody read it, somebody else changed it, and now the first would change it back without knowing.
pub async fn changed_meanwhile(node: &Node, what: &str, subject: &str) -> Error {
    let changes = |e: &StoredAudit| e.ok != 0 && matches!(e.action.as_str(), "group.change" | "plan.update");
    let filter = Filter { subject: Some(subject), actor: None };
    let last = audit::list(&node.db, filter, i64::MAX, 20).await.unwrap_or_default().into_iter().find(changes);
    let by = last.map(|e| format!(" by {}", e.actor)).unwrap_or_default();
    Error::conflict(format!("{what} was changed{by} since you read it. Read it again, then make your change."))
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
    super::page(rows.into_iter().map(AuditEvent::from).collect(), limit, |e| e.seq.to_string())
}
