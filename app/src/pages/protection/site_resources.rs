//! The names of the networks and of the places for disks that some clouds have: what mappings are made of.

use crate::api;
use model::cloud::Resources;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub networks: Vec<String>,
    pub pools: Vec<String>,
}

/// A cloud that does not answer adds nothing: its objects are then left to the node.
pub async fn names_at(clouds: Vec<String>) -> Names {
    let mut names = Names::default();
    for cloud in clouds {
        if let Ok(found) = api::get::<Resources>(&format!("/clouds/{cloud}/resources")).await {
            names.networks.extend(found.networks.into_iter().map(|n| n.name));
            names.pools.extend(found.pools.into_iter().map(|p| p.name));
        }
    }
    for list in [&mut names.networks, &mut names.pools] {
        list.sort();
        list.dedup();
    }
    names
}
