//! Inventory: what every cloud shows, kept current, searchable and with its age.
//!
//! For each cloud one task looks at everything ([`collector`]): at the start, then in a pace that follows the size of
//! the cloud, and between two looks it hears the changes that the cloud tells by itself. The differ writes only what
//! changed into the store; a table in memory ([`table`]) answers the searches. A cloud that does not answer keeps its
//! last known machines, and every row says how old it is. Nothing here changes anything at a cloud.

pub mod alarms;
mod apply;
mod collector;
mod count;
mod differ;
mod facts;
mod health;
pub mod list;
mod rows;
mod runtime;
pub mod search;
mod table;
mod words;

pub use count::{Count, count_by_cloud};
pub use facts::reload;
pub use rows::{row, row_of};
pub use runtime::Runtime;

use crate::{
    clouds::{error::Error, guard::SHORT},
    state::{Node, now},
};
use model::Id;

/// The same machine of the same cloud has the same identity for ever, at every node.
pub fn machine_id(cloud_id: &str, native_id: &str) -> Id {
    let name = format!("{cloud_id}/{native_id}");
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).simple().to_string()
}

/// Reads what the store knows, then keeps one task for each open cloud, one for the facts of other tables and one for
/// the alarms. Clouds that are opened later come in by [`adopt`].
///
/// # Errors
/// The store's.
pub async fn start(node: &Node) -> crate::error::Result<()> {
    for stored in crate::store::clouds::list(&node.db).await? {
        let id = stored.cloud.id.clone();
        node.inventory.set_cloud(stored.cloud);
        apply::load(node, &id).await?;
    }
    facts::reload(node).await?;
    for guard in node.clouds.all() {
        adopt(node, &guard.id);
    }
    alarms::restore(node).await;
    node.tasks.spawn(facts::keep(node.clone()));
    node.tasks.spawn(alarms::keep(node.clone()));
    Ok(())
}

/// Begins to look at an open cloud, in place of a task that looked at an earlier opening of it.
pub fn adopt(node: &Node, cloud_id: &str) {
    if let Some(guard) = node.clouds.get(cloud_id) {
        let control = node.inventory.take_over(cloud_id);
        node.tasks.spawn(collector::run(node.clone(), guard, control));
    }
}

/// Ends the looking and forgets its machines (the store's rows go with the cloud's).
pub fn abandon(node: &Node, cloud_id: &str) {
    node.inventory.forget(cloud_id);
    node.live.publish(model::live::Topic::Cloud, cloud_id, &serde_json::Value::Null);
    node.live.publish(model::live::Topic::Machines, cloud_id, &serde_json::Value::Null);
}

/// Looks at one machine now, stores it and shows it.
///
/// # Errors
/// The cloud is not open, does not answer, or the store's.
pub async fn refresh(node: &Node, cloud_id: &str, native_id: &str) -> crate::error::Result<()> {
    let guard = node.clouds.get(cloud_id).ok_or_else(|| Error::transient("The cloud is not connected."))?;
    let seen_at = now();
    let seen = guard.run("one", SHORT, guard.cloud().inventory().one(native_id)).await?;
    apply::one(node, cloud_id, native_id, seen, seen_at).await?;
    Ok(())
}

/// The whole cloud again, now rather than at its next turn.
pub fn look_again(node: &Node, cloud_id: &str) {
    node.inventory.wake(cloud_id);
}
