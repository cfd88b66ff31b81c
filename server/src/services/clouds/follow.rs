//! What other nodes on the same store add, change and remove: each node looks at every cloud for itself, so all that it
//! has to learn from the store is which clouds there are and how they are opened.

use super::{begin, close};
use crate::{
    inventory,
    state::Node,
    store::{
        StoreResult,
        clouds::{self as store, StoredCloud},
    },
};
use model::{Id, cloud::CloudStatus};
use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

const EVERY: Duration = Duration::from_secs(2);

/// Differs when the cloud has to be opened anew.
pub fn version(stored: &StoredCloud) -> u64 {
    let c = &stored.cloud;
    let mut hasher = DefaultHasher::new();
    (&c.name, &c.site, &c.kind, &c.fields, &c.fingerprint, &stored.secrets).hash(&mut hasher);
    hasher.finish()
}

pub fn start(node: &Node) {
    let node = node.clone();
    node.tasks.clone().spawn(async move {
        loop {
            tokio::select! {
                () = node.stopping.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = look(&node).await {
                tracing::debug!(%error, "the clouds of other nodes could not be looked for");
            }
        }
    });
}

/// One pass.
///
/// # Errors
/// Of the store.
pub async fn look(node: &Node) -> StoreResult<()> {
    let known: HashSet<Id> = node.inventory.clouds().into_keys().collect();
    let all = store::list(&node.db).await?;
    for stored in &all {
        if node.clouds.version(&stored.cloud.id) == Some(version(stored)) {
            continue;
        }
        tracing::info!(cloud = %stored.cloud.name, "another node added or changed it");
        // What was seen here is newer than what another node wrote down.
        let seen = node.inventory.cloud(&stored.cloud.id).map(|c| (c.machines, c.running, c.observed_at));
        let mut opening = stored.clone();
        opening.cloud.status = CloudStatus::Connecting;
        if let Some((machines, running, observed_at)) = seen {
            (opening.cloud.machines, opening.cloud.running, opening.cloud.observed_at) = (machines, running, observed_at);
        }
        if let Err(error) = begin(node, &opening) {
            tracing::error!(cloud = %stored.cloud.name, %error, "cannot be opened");
        }
    }
    for gone in known.iter().filter(|id| !all.iter().any(|s| &s.cloud.id == *id)) {
        // One that this node is adding at this moment has its row before it is known here.
        tracing::info!(cloud = %gone, "another node removed it");
        inventory::abandon(node, gone);
        close(node, gone);
    }
    Ok(())
}
