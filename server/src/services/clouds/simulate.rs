//! The clouds of `serve --simulate`: sites and machines to look at where there is nothing real, each labelled as such.

use crate::{
    error::Result,
    services::{audit, caller::Caller},
    state::{Node, new_id, now},
    store::clouds::{self as store, StoredCloud},
};
use model::{
    access::Role,
    cloud::{Cloud, CloudStatus},
};

const SITES: [&str; 8] = ["berlin", "dublin", "frankfurt", "london", "madrid", "oslo", "paris", "vienna"];
/// Machines of one cloud, at most: what a large host or a small cluster carries.
const OF_ONE: u32 = 500;
/// Changes per second over all clouds: enough to see that the screen lives.
const CHANGES: f64 = 4.0;

/// Adds what is not there yet; a second start finds the same.
pub async fn ensure(node: &Node, machines: u32) -> Result<()> {
    let clouds = machines.div_ceil(OF_ONE).max(4);
    let sites = if clouds > 8 { SITES.len() } else { 2 };
    for i in 0..clouds {
        let site = SITES[i as usize % sites];
        let name = format!("{site}-{}", i as usize / sites + 1);
        if store::id_by_name(&node.db, &name).await?.is_none() {
            let share = machines / clouds + u32::from(i < machines % clouds);
            let changes = CHANGES / f64::from(clouds);
            let itself = Caller { name: format!("node:{}", node.name), role: Role::Administrator, address: None };
            let event = audit::event(&itself, "cloud.add", &name, "simulated");
            let stored = cloud(name, site, i + 1, share, changes);
            if let Some(seq) = store::insert(&node.db, &stored, now(), &event).await? {
                audit::show(node, event, seq);
            }
        }
    }
    Ok(())
}

fn cloud(name: String, site: &str, seed: u32, machines: u32, changes: f64) -> StoredCloud {
    let fields = [
        ("world", format!("simulate/{name}")),
        ("machines", machines.to_string()),
        ("seed", seed.to_string()),
        ("site", site.to_owned()),
        ("latency_ms", "20".to_owned()),
        ("changes", format!("{changes:.3}")),
    ];
    let cloud = Cloud {
        id: new_id(),
        name,
        kind: "simulator".into(),
        site: site.into(),
        simulated: true,
        status: CloudStatus::Connecting,
        status_since: now(),
        message: None,
        observed_at: None,
        retry_at: None,
        version: None,
        fingerprint: None,
        capabilities: vec![],
        capacity: None,
        machines: 0,
        running: 0,
        fields: fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
    };
    StoredCloud { cloud, secrets: None, host_id: None }
}
