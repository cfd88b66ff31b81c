//! Tells the screens of objects that a run changed and that belong to other parts.

use crate::{
    inventory,
    state::Node,
    store::{audit::StoredAudit, machines},
};
use model::{Id, access::AuditEvent, live::Topic};

/// An event of the audit trail that was written down under this number.
pub fn audited(node: &Node, event: StoredAudit, seq: i64) {
    let row = StoredAudit { seq, ..event };
    tracing::info!(actor = row.actor, action = row.action, subject = row.subject, ok = row.ok != 0, "audit");
    node.live.publish(Topic::Audit, seq.to_string(), &AuditEvent::from(row));
}

/// Looks at a machine again in the background, so that the screens show it as it is. A cloud that does not answer shows
/// it as it was: no step waits for that.
pub fn look(node: &Node, cloud_id: &str, native_id: &str) {
    let (node, cloud_id, native_id) = (node.clone(), cloud_id.to_owned(), native_id.to_owned());
    node.tasks.clone().spawn(async move {
        if let Err(error) = inventory::refresh(&node, &cloud_id, &native_id).await {
            tracing::debug!(machine = %native_id, %error, "not looked at again");
        }
    });
}

/// The roles of these machines changed.
pub async fn machines(node: &Node, ids: &[&Id]) {
    if let Err(error) = inventory::reload(node).await {
        tracing::debug!(%error, "the screens show the new roles a little later");
    }
    for id in ids {
        if let Ok(Some(machine)) = machines::get(&node.db, id).await {
            look(node, &machine.cloud_id, &machine.native_id);
        }
    }
}

/// The group has other sites now: read it again.
pub fn group(node: &Node, id: &str) {
    node.live.publish(Topic::Group, id, &serde_json::json!({ "id": id }));
}
