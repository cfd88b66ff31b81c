//! Machines: the list, one machine with all that is known of it, and its power.

mod actions;
mod power;
mod remove;

use super::{audit, caller::Caller};
use crate::{
    error::{Error, Result},
    inventory::{self, list::Request},
    state::Node,
    store::machines::{self as store, CopyFact, StoredMachine},
};
use model::{
    Page,
    access::AuditEvent,
    machine::{Copy, Machine, MachineRow, PowerState},
};

pub use crate::inventory::list as listing;
pub use power::power;
pub use remove::remove_copy;

pub fn list(node: &Node, request: &Request) -> Result<Page<MachineRow>> {
    inventory::list::page(node, request)
}

pub async fn get(node: &Node, caller: &Caller, id: &str) -> Result<Machine> {
    let stored = stored(node, id).await?;
    let row = inventory::row_of(node, &stored);
    let copies = store::copies_of(&node.db, id).await?;
    let own = copies.iter().find(|c| c.machine_id == id);
    let mut others = vec![];
    for copy in copies.iter().filter(|c| c.machine_id != id) {
        others.push(other(node, copy).await?);
    }
    let o = &stored.observed;
    let situation = actions::Situation {
        role: own.map(|c| c.role),
        row: &row,
        stored: &stored,
        copies: &others,
        capabilities: node.inventory.cloud(&stored.cloud_id).map(|c| c.capabilities.clone()).unwrap_or_default(),
        targets: node.inventory.clouds().values().filter(|c| c.id != stored.cloud_id).map(|c| c.capabilities.clone()).collect(),
    };
    let actions = actions::actions(&situation, caller.role);
    Ok(Machine {
        native_id: stored.native_id.clone(),
        title: o.title.clone(),
        firmware: o.firmware,
        arch: o.arch.clone(),
        guest_os: o.guest_os.clone(),
        autostart: o.autostart,
        disks: o.disks.clone(),
        nics: o.nics.clone(),
        gone_at: stored.gone_at,
        lineage: own.map(|c| c.lineage.clone()),
        locked: o.locked.clone(),
        native: o.native.clone(),
        row: MachineRow { role: own.map(|c| c.role), ..row },
        copies: others,
        actions,
    })
}

async fn stored(node: &Node, id: &str) -> Result<StoredMachine> {
    store::get(&node.db, id).await?.ok_or_else(|| Error::not_found("such machine"))
}

/// A copy that was never observed has an unknown state.
async fn other(node: &Node, copy: &CopyFact) -> Result<Copy> {
    let seen = store::get(&node.db, &copy.machine_id).await?;
    let cloud = seen.as_ref().and_then(|s| node.inventory.cloud(&s.cloud_id));
    let there = seen.as_ref().filter(|s| s.gone_at.is_none());
    Ok(Copy {
        machine_id: copy.machine_id.clone(),
        site: cloud.as_ref().map(|c| c.site.clone()).unwrap_or_default(),
        cloud: cloud.as_ref().map(|c| c.name.clone()).unwrap_or_default(),
        role: copy.role,
        state: there.map_or(PowerState::Unknown, |s| s.observed.state),
        since: copy.since,
        run_id: copy.run_id.clone(),
    })
}

/// What was done to it, newest first.
pub async fn activity(node: &Node, id: &str, cursor: Option<&str>, limit: u32) -> Result<Page<AuditEvent>> {
    let name = stored(node, id).await?.observed.name;
    let copies = store::copies_of(&node.db, id).await?;
    let lineage = copies.iter().find(|c| c.machine_id == id).map_or(id, |c| c.lineage.as_str());
    audit::of_machine(node, id, lineage, &name, cursor, limit).await
}
