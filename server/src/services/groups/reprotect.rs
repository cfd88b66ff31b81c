//! The way back: machines that were recovered at the other site are protected from there, in the other direction.
//!
//! The sites of a group swap with the failover, once all its machines were recovered; this begins replication. The members
//! stay the same, so whatever plans say of them goes on to hold.

use crate::{
    clouds::guard::Guard,
    error::{Error, Result},
    recovery::look,
    services::{audit, caller::Caller},
    state::Node,
    store::{
        copies,
        groups::{self, StoredGroup},
        machines,
        members::{self, StoredMember},
        points, runs,
    },
};
use model::{
    Mapping, Problem, Severity,
    access::Role,
    cloud::Capability,
    machine::CopyRole,
    protection::{Group, ReplicationState, ReprotectMachine, Reprotection},
};
use std::{collections::HashSet, time::Duration};

const PATIENCE: Duration = Duration::from_secs(4);
/// In the audit trail.
const ACTION: &str = "group.reprotect";

/// Changes nothing.
pub async fn reprotection(node: &Node, id: &str) -> Result<Reprotection> {
    let group = super::stored(node, id).await?;
    let members = members::in_group(&node.db, id).await?;
    let recovered: Vec<&StoredMember> = members.iter().filter(|m| m.state == ReplicationState::Recovered).collect();
    let mut machines = vec![];
    for m in &recovered {
        machines.push(ReprotectMachine { member_id: m.id.clone(), name: m.name.clone(), bytes: bytes(node, m).await? });
    }
    let mut problems = vec![];
    let (networks, storage) = (turned("network", &group.networks, &mut problems), turned("pool", &group.storage, &mut problems));
    let refused = match refusal(&group, &members, &recovered) {
        Some(why) => Some(why),
        None => not_now(node, &group, &recovered).await?,
    };
    let bytes = machines.iter().map(|m| m.bytes).sum();
    let (from, to, target_cloud) = (group.protected_site, group.recovery_site, group.target_cloud);
    Ok(Reprotection { from, to, target_cloud, machines, bytes, networks, storage, problems, refused })
}

pub async fn reprotect(node: &Node, caller: &Caller, id: &str) -> Result<Group> {
    let name = super::name_of(node, id).await?;
    audit::refused(node, caller, ACTION, &name, try_reprotect(node, caller, id).await).await
}

async fn try_reprotect(node: &Node, caller: &Caller, id: &str) -> Result<Group> {
    caller.must_be(Role::Operator)?;
    let group = super::stored(node, id).await?;
    let name = group.name.clone();
    let found = reprotection(node, id).await?;
    if let Some(why) = found.refused {
        return Err(Error::conflict(why));
    }
    let detail = format!("{} → {} ({}), {} machines", found.from, found.to, found.target_cloud, found.machines.len());
    let event = audit::event(caller, ACTION, &name, detail);
    // First: killed in between, the same press does the rest, since the group itself still waits for it.
    super::targets::begin_again(node, caller, &group, (&group.networks, &group.storage)).await?;
    let Some(seq) = groups::reprotect(&node.db, id, &found.networks, &found.storage, &event).await? else {
        return Err(Error::conflict(format!("Somebody was quicker: none of the machines of {name} waits for it any more.")));
    };
    audit::show(node, event, seq);
    for machine in &found.machines {
        crate::replication::view::publish(node, &machine.member_id).await?;
    }
    node.replication.wake();
    super::publish(node, id).await
}

/// What can be said without asking anybody.
fn refusal(group: &StoredGroup, members: &[StoredMember], recovered: &[&StoredMember]) -> Option<String> {
    if recovered.is_empty() {
        return Some(format!("None of its machines was recovered at another site: it is protected from {}.", group.protected_site));
    }
    if let Some(m) = members.iter().find(|m| m.held_by.is_some()) {
        return Some(format!("A run works on {}: wait for its end, or cancel it.", m.name));
    }
    // The sites, and with them the target, swap when the last one was recovered.
    let swapped = recovered.iter().all(|m| m.target_cloud_id != group.target_cloud_id);
    let behind = members.iter().find(|m| m.state != ReplicationState::Recovered).map_or("One of its machines", |m| m.name.as_str());
    (!swapped).then(|| {
        format!(
            "{behind} was not recovered yet, so the group still goes to {}: fail over again, or take it out of the group.",
            group.recovery_site
        )
    })
}

/// What the clouds and the other parts say now.
async fn not_now(node: &Node, group: &StoredGroup, recovered: &[&StoredMember]) -> Result<Option<String>> {
    let Some(guard) = node.clouds.get(&group.target_cloud_id) else {
        return Ok(Some(format!("This node is not connected to {}: look at it under Clouds.", group.target_cloud)));
    };
    if let Err(e) = guard.glance("capacity", PATIENCE, guard.cloud().inventory().capacity()).await {
        return Ok(Some(format!("{} does not answer, so nothing can be sent there: {}", guard.name, e.message)));
    }
    let able = guard.cloud().capabilities();
    if !able.contains(&Capability::DiskSink) || !able.contains(&Capability::Create) {
        return Ok(Some(format!("{} cannot keep recovery points and make machines from them: choose another target.", guard.name)));
    }
    for m in recovered {
        if let Some(why) = of_machine(node, &guard, group, m).await? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

async fn of_machine(node: &Node, target: &Guard, group: &StoredGroup, m: &StoredMember) -> Result<Option<String>> {
    if runs::taken(&node.db, &[m.machine_id.clone(), m.lineage.clone()]).await?.is_some() {
        return Ok(Some(format!("A run works on {}: wait for its end.", m.name)));
    }
    let facts = groups::machine(&node.db, &m.machine_id).await?;
    let Some(facts) = facts.filter(|f| f.gone_at.is_none()) else {
        return Ok(Some(format!("{} is gone from its cloud: take it out of the group.", m.name)));
    };
    if facts.site != group.protected_site {
        return Ok(Some(format!("{} is at {}, not at {}: take it out of the group.", m.name, facts.site, group.protected_site)));
    }
    if copies::get(&node.db, &m.machine_id).await?.is_some_and(|c| CopyRole::parse(&c.role) != Some(CopyRole::Active)) {
        return Ok(Some(format!("This copy of {} is not the active one.", m.name)));
    }
    if node.clouds.get(&facts.cloud_id).is_some_and(|source| source.cloud().disk_source().is_none()) {
        return Ok(Some(format!("{} cannot give recovery points of its machines, so {} cannot be protected.", facts.cloud, m.name)));
    }
    for old in copies::at_cloud(&node.db, &m.lineage, &target.id).await? {
        let state = look::state(target, &old.native_id, PATIENCE).await?;
        if old.machine_id != m.machine_id && state.is_some_and(|s| !s.is_off()) {
            return Ok(Some(format!("The old copy of {} at {} runs: it is superseded, stop it first.", m.name, target.name)));
        }
    }
    Ok(None)
}

/// What its disks hold, about: what was copied when it was protected, and what its own files hold since.
async fn bytes(node: &Node, m: &StoredMember) -> Result<u64> {
    let full = points::largest_full(&node.db, &m.lineage).await?;
    let Some(machine) = machines::get(&node.db, &m.machine_id).await? else { return Ok(full) };
    let disks = || machine.observed.disks.iter().filter(|d| d.device == "disk");
    let own: u64 = disks().map(|d| d.allocated_bytes.unwrap_or(d.size_bytes)).sum();
    Ok((full + own).min(disks().map(|d| d.size_bytes).sum()))
}

/// A mapping in the other direction.
fn turned(what: &str, all: &[Mapping], problems: &mut Vec<Problem>) -> Vec<Mapping> {
    let mut seen = HashSet::new();
    let mut turned = vec![];
    for m in all {
        if seen.insert(&m.to) {
            turned.push(Mapping { from: m.to.clone(), to: m.from.clone() });
        } else {
            let text = format!("Several are mapped to it, so the way back from this {what} is not clear: the first is taken ({}).", m.to);
            problems.push(Problem::new(Severity::Warning, &m.to, text, "Look at the mappings of the group afterwards."));
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_turned_and_what_is_not_clear_is_said() {
        let map = |from: &str, to: &str| Mapping { from: from.into(), to: to.into() };
        let mut problems = vec![];
        let back = turned("network", &[map("a", "x"), map("b", "y"), map("c", "x")], &mut problems);
        assert_eq!(back, [map("x", "a"), map("y", "b")]);
        assert_eq!(problems.len(), 1);
    }
}
