//! Machines come under protection and leave it.

use super::check;
use crate::{
    error::{Error, Result},
    replication::{self, Job, autostart},
    services::{
        audit::{self, About},
        caller::Caller,
    },
    state::{Node, new_id, now},
    store::{
        copies,
        groups::{self, StoredGroup},
        members::{self, NewMember, StoredMember},
        points, work,
    },
};
use model::{
    Id, Page,
    access::Role,
    machine::CopyRole,
    protection::{Group, NewGroup, RecoveryPoint},
};
use std::time::Duration;

/// A cloud that does not answer within it is shown as a warning at the member; the first cycle tries again.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn add(node: &Node, caller: &Caller, group_id: &str, machine_ids: Vec<Id>) -> Result<Group> {
    let name = super::name_of(node, group_id).await?;
    audit::refused(node, caller, "machine.protect", &name, try_add(node, caller, group_id, machine_ids).await).await
}

async fn try_add(node: &Node, caller: &Caller, group_id: &str, machine_ids: Vec<Id>) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let group = super::stored(node, group_id).await?;
    if machine_ids.is_empty() {
        return Err(Error::invalid("machine_ids", "Name at least one machine."));
    }
    let asked = NewGroup {
        protected_site: group.protected_site.clone(),
        target_cloud_id: group.target_cloud_id.clone(),
        machine_ids,
        ..NewGroup::default()
    };
    let asked = check::tidy(asked);
    super::refuse(check::machines(node, &asked, Some(group_id)).await?)?;
    protect(node, caller, &group, &asked.machine_ids).await?;
    super::publish(node, group_id).await
}

/// The machines were checked. Their autostart is taken away before this answers, where their cloud answers.
pub async fn protect(node: &Node, caller: &Caller, group: &StoredGroup, machine_ids: &[Id]) -> Result<()> {
    for machine_id in machine_ids {
        let Some(facts) = groups::machine(&node.db, machine_id).await? else { continue };
        let new = NewMember {
            id: new_id(),
            group_id: Some(group.id.clone()),
            machine_id: machine_id.clone(),
            name: facts.name.clone(),
            target_cloud_id: group.target_cloud_id.clone(),
            storage: vec![],
            held_by: None,
            further: false,
        };
        if members::insert(&node.db, &new, &new_id(), now()).await?.is_none() {
            // It is one already; a node may have been killed before its further targets had it.
            replicate_to_all(node, group, machine_id).await?;
            continue;
        }
        let about = About { name: &facts.name, id: Some(machine_id), ..About::default() };
        audit::record(node, caller, "machine.protect", about, true, format!("group {}", group.name)).await;
        take_autostart_away(node, caller, &new.id).await?;
        replication::view::publish(node, &new.id).await?;
        replicate_to_all(node, group, machine_id).await?;
    }
    node.replication.wake();
    Ok(())
}

async fn replicate_to_all(node: &Node, group: &StoredGroup, machine_id: &str) -> Result<()> {
    let member = members::of_machine(&node.db, machine_id).await?.filter(|m| m.group_id.as_ref() == Some(&group.id));
    let Some(member) = member else { return Ok(()) };
    for target in groups::targets(&node.db, &group.id).await? {
        replicate_further(node, &target, &member).await?;
    }
    Ok(())
}

/// The machine of a main member goes to this target as well.
pub async fn replicate_further(node: &Node, target: &StoredGroup, main: &StoredMember) -> Result<()> {
    let new = NewMember {
        id: new_id(),
        group_id: Some(target.id.clone()),
        machine_id: main.machine_id.clone(),
        name: main.name.clone(),
        target_cloud_id: target.target_cloud_id.clone(),
        storage: vec![],
        held_by: None,
        further: true,
    };
    if members::insert(&node.db, &new, &main.lineage, now()).await?.is_some() {
        replication::view::publish(node, &new.id).await?;
    }
    Ok(())
}

async fn take_autostart_away(node: &Node, caller: &Caller, member_id: &str) -> Result<()> {
    // A cloud that is not connected now: the first cycle does it.
    let Ok(job) = Job::load(node, member_id, node.replication.slot(member_id)).await else { return Ok(()) };
    let _ = tokio::time::timeout(PATIENCE, autostart::ensure_off(&job)).await;
    let Some(member) = members::get(&node.db, member_id).await? else { return Ok(()) };
    let (ok, detail) = match (&member.warning, member.autostart_was) {
        (Some(warning), _) => (false, warning.clone()),
        (None, Some(true)) => (true, "taken away, and read back as off".into()),
        (None, Some(false)) => (true, "was off, and read back as off".into()),
        (None, None) => (false, "the cloud did not answer in time; tried again with the first cycle".into()),
    };
    audit::record(node, caller, "machine.autostart", about(&member), ok, detail).await;
    Ok(())
}

pub async fn remove(node: &Node, caller: &Caller, group_id: &str, member_id: &str) -> Result<Group> {
    let name = members::get(&node.db, member_id).await?.map_or_else(|| audit::name(member_id), |m| m.name);
    audit::refused(node, caller, "machine.unprotect", &name, try_remove(node, caller, group_id, member_id).await).await
}

async fn try_remove(node: &Node, caller: &Caller, group_id: &str, member_id: &str) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let member = members::get(&node.db, member_id).await?.filter(|m| m.group_id.as_deref() == Some(group_id));
    let member = member.ok_or_else(|| Error::not_found("such member of this group"))?;
    is_free(&member)?;
    unprotect(node, caller, &member).await?;
    super::publish(node, group_id).await
}

/// # Errors
/// A run works on it.
pub fn is_free(member: &StoredMember) -> Result<()> {
    match &member.held_by {
        None => Ok(()),
        Some(_) => Err(Error::conflict(format!("A run works on {}: wait for its end, or cancel it.", member.name))),
    }
}

/// Ends the protection: its recovery points go, and autostart is put back where it was taken from the active copy.
pub async fn unprotect(node: &Node, caller: &Caller, member: &StoredMember) -> Result<()> {
    if member.autostart_was == Some(true) && is_active(node, &member.machine_id).await? {
        let outcome = put_autostart_back(node, &member.id).await;
        let detail = outcome.as_ref().map_or_else(ToString::to_string, |()| "put back, and read back as on".into());
        audit::record(node, caller, "machine.autostart", about(member), outcome.is_ok(), detail).await;
    }
    // With what lies at further targets.
    for id in members::together(&node.db, &member.id).await? {
        replication::retire(node, &id).await?;
    }
    audit::record(node, caller, "machine.unprotect", about(member), true, format!("{} recovery points go", member.points)).await;
    Ok(())
}

fn about(member: &StoredMember) -> About<'_> {
    About { name: &member.name, id: Some(&member.machine_id), ..About::default() }
}

async fn is_active(node: &Node, machine_id: &str) -> Result<bool> {
    Ok(copies::get(&node.db, machine_id).await?.is_none_or(|c| CopyRole::parse(&c.role) == Some(CopyRole::Active)))
}

async fn put_autostart_back(node: &Node, member_id: &str) -> Result<()> {
    let work = work::get(&node.db, member_id).await?.ok_or_else(|| Error::not_found("machine of this member"))?;
    let source = node.clouds.get(&work.source_cloud_id).ok_or_else(|| Error::not_found("connection to its cloud"))?;
    Ok(autostart::put_back(&source, &work.native_id).await?)
}

pub async fn points_of_member(node: &Node, member_id: &str, cursor: Option<&str>, limit: u32) -> Result<Page<RecoveryPoint>> {
    let before = cursor.map(str::parse).transpose().map_err(|_| Error::invalid("cursor", "This is not a cursor of this list."))?;
    let rows = points::page(&node.db, member_id, before, limit + 1).await?;
    Ok(crate::services::page(rows.iter().map(points::StoredPoint::shown).collect(), limit, |p| p.seq.to_string()))
}

/// Of all copies of the machine, wherever they lie.
pub async fn points_of_machine(node: &Node, machine_id: &str, cursor: Option<&str>, limit: u32) -> Result<Page<RecoveryPoint>> {
    let wrong = || Error::invalid("cursor", "This is not a cursor of this list.");
    let parse = |c: &str| c.split_once('/').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
    let before = cursor.map(|c| parse(c).ok_or_else(wrong)).transpose()?;
    let Some(copy) = copies::get(&node.db, machine_id).await? else {
        return Ok(Page { items: vec![], next: None, total: None });
    };
    let rows = points::page_of_lineage(&node.db, &copy.lineage, before, limit + 1).await?;
    Ok(crate::services::page(rows.iter().map(points::StoredPoint::shown).collect(), limit, |p| format!("{}/{}", p.taken_at, p.id)))
}
