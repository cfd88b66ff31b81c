//! Telling the screens about members.

use super::error::Result;
use crate::{state::Node, store::members};
use model::{live::Topic, protection::Member};

pub(super) fn publish_as(node: &Node, member: &Member) {
    node.live.publish(Topic::Member, member.id.clone(), member);
}

/// As it is now; one that is gone is told as gone.
pub async fn publish(node: &Node, member_id: &str) -> Result<()> {
    match members::get(&node.db, member_id).await? {
        Some(member) => publish_as(node, &member.shown(node.replication.transfer(member_id))),
        None => node.live.publish(Topic::Member, member_id, &serde_json::Value::Null),
    }
    Ok(())
}
