//! Protection groups: machines that are protected and failed over together, and the policy that they share.

mod check;
mod members;
mod reprotect;
mod targets;
#[cfg(test)]
mod tests;

pub use members::{add, points_of_machine, points_of_member, remove};
pub use reprotect::{reprotect, reprotection};
pub use targets::{add as add_target, remove as remove_target, update as update_target};

use super::{acting, audit, caller::Caller};
use crate::{
    error::{Code, Error, Result},
    state::{Node, new_id, now},
    store::{
        groups::{self, StoredGroup},
        members as rows,
    },
};
use model::{
    Page,
    access::Role,
    live::Topic,
    protection::{Group, NewGroup},
};

pub async fn list(node: &Node, cursor: Option<&str>, limit: u32) -> Result<Page<Group>> {
    let after = cursor.map(|c| c.split_once('/').map(|(id, name)| (name.to_owned(), id.to_owned())));
    let wrong = || Error::invalid("cursor", "This is not a cursor of this list.");
    let after = after.map(|a| a.ok_or_else(wrong)).transpose()?;
    let mut shown = vec![];
    for group in groups::page(&node.db, after, limit + 1).await? {
        shown.push(show(node, group).await?);
    }
    Ok(super::page(shown, limit, |g| format!("{}/{}", g.id, g.name)))
}

pub async fn get(node: &Node, id: &str) -> Result<Group> {
    show(node, stored(node, id).await?).await
}

pub async fn create(node: &Node, caller: &Caller, new: NewGroup) -> Result<Group> {
    let name = audit::name(&new.name);
    audit::refused(node, caller, "group.add", &name, try_create(node, caller, new).await).await
}

async fn try_create(node: &Node, caller: &Caller, new: NewGroup) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let new = check::tidy(new);
    let mut wrong = check::group(&new, &groups::clouds(&node.db).await?);
    wrong.extend(check::machines(node, &new, None).await?);
    refuse(wrong)?;
    let id = new_id();
    let detail = format!("{} → {}, objective {} s", new.protected_site, new.recovery_site, new.policy.rpo_seconds);
    let event = audit::event(caller, "group.add", &new.name, detail);
    let seq = groups::insert(&node.db, &id, &new, now(), &event).await?;
    audit::show(node, event, seq.ok_or_else(|| name_taken(&new.name))?);
    acting::begin();
    members::protect(node, caller, &stored(node, &id).await?, &new.machine_ids).await?;
    publish(node, &id).await
}

/// Changes everything but the members: machines that it names and that are not members yet are added; to take one out
/// is a request of its own, so that a body that leaves them out ends nobody's protection. `seen`: the version that the
/// change was made from.
pub async fn update(node: &Node, caller: &Caller, id: &str, new: NewGroup, seen: Option<i64>) -> Result<Group> {
    let name = audit::name(&new.name);
    audit::refused(node, caller, "group.change", &name, try_update(node, caller, id, new, seen).await).await
}

async fn try_update(node: &Node, caller: &Caller, id: &str, new: NewGroup, seen: Option<i64>) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let old = stored(node, id).await?;
    if seen.is_some_and(|v| v != old.version) {
        return Err(audit::changed_meanwhile(node, "The group", &old.name).await);
    }
    let new = check::tidy(new);
    let members = rows::in_group(&node.db, id).await?;
    let mut wrong = check::group(&new, &groups::clouds(&node.db).await?);
    wrong.extend(check::unmoved(&old, &new, members.len()));
    wrong.extend(check::machines(node, &new, Some(id)).await?);
    refuse(wrong)?;
    if groups::id_of(&node.db, &new.name).await?.is_some_and(|other| other != id) {
        return Err(name_taken(&new.name));
    }
    let event = audit::event(caller, "group.change", &new.name, format!("objective {} s", new.policy.rpo_seconds));
    let Some(seq) = groups::update(&node.db, id, &new, seen, &event).await? else {
        return Err(audit::changed_meanwhile(node, "The group", &old.name).await);
    };
    audit::show(node, event, seq);
    let fresh: Vec<_> = new.machine_ids.into_iter().filter(|m| members.iter().all(|x| x.machine_id != *m)).collect();
    members::protect(node, caller, &stored(node, id).await?, &fresh).await?;
    publish(node, id).await
}

pub async fn delete(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    let name = name_of(node, id).await?;
    audit::refused(node, caller, "group.remove", &name, try_delete(node, caller, id).await).await
}

async fn try_delete(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    caller.must_be(Role::Administrator)?;
    let group = stored(node, id).await?;
    let plans = groups::plans_with(&node.db, id).await?;
    if !plans.is_empty() {
        return Err(Error::conflict(format!("The group is in the plan {}: take it out there first.", plans.join(", "))));
    }
    let members = rows::in_group(&node.db, id).await?;
    members.iter().try_for_each(members::is_free)?;
    for member in &members {
        members::unprotect(node, caller, member).await?;
    }
    let event = audit::event(caller, "group.remove", &group.name, format!("{} machines were in it", members.len()));
    if let Some(seq) = groups::delete(&node.db, id, &event).await? {
        audit::show(node, event, seq);
    }
    node.live.publish(Topic::Group, id, &serde_json::Value::Null);
    Ok(())
}

/// Stops or lets go on the cycles of all its members. What was copied stays; the lag grows while it is paused.
pub async fn set_paused(node: &Node, caller: &Caller, id: &str, paused: bool) -> Result<Group> {
    let (name, action) = (name_of(node, id).await?, if paused { "group.pause" } else { "group.resume" });
    audit::refused(node, caller, action, &name, try_set_paused(node, caller, id, paused, action).await).await
}

async fn try_set_paused(node: &Node, caller: &Caller, id: &str, paused: bool, action: &str) -> Result<Group> {
    caller.must_be(Role::Operator)?;
    let group = stored(node, id).await?;
    let event = audit::event(caller, action, &group.name, "");
    if let Some(seq) = groups::set_paused(&node.db, id, paused, &event).await? {
        audit::show(node, event, seq);
    }
    let targets = groups::targets(&node.db, id).await?;
    let mut all = rows::in_group(&node.db, id).await?;
    for target in &targets {
        all.extend(rows::in_group(&node.db, &target.id).await?);
    }
    for member in all {
        if paused && member.held_by.is_none() {
            node.replication.slot(&member.id).cancel();
        }
        crate::replication::view::publish(node, &member.id).await?;
    }
    node.replication.wake();
    publish(node, id).await
}

/// For the audit trail, also of somebody who may not do it.
async fn name_of(node: &Node, id: &str) -> Result<String> {
    Ok(groups::get(&node.db, id).await?.map_or_else(|| audit::name(id), |g| g.name))
}

async fn stored(node: &Node, id: &str) -> Result<StoredGroup> {
    let group = groups::get(&node.db, id).await?.filter(|g| g.main_id.is_none());
    group.ok_or_else(|| Error::not_found("such protection group"))
}

async fn show(node: &Node, g: StoredGroup) -> Result<Group> {
    let members = rows::in_group(&node.db, &g.id).await?;
    Ok(Group {
        further: targets::shown(node, &g.id).await?,
        members: members.iter().map(|m| m.shown(node.replication.transfer(&m.id))).collect(),
        id: g.id,
        name: g.name,
        protected_site: g.protected_site,
        recovery_site: g.recovery_site,
        target_cloud_id: g.target_cloud_id,
        target_cloud: g.target_cloud,
        policy: g.policy,
        networks: g.networks,
        storage: g.storage,
        paused: g.paused,
        version: g.version,
        created_at: g.created_at,
    })
}

/// Shows it to everybody, and answers what is shown.
async fn publish(node: &Node, id: &str) -> Result<Group> {
    let group = get(node, id).await?;
    node.live.publish(Topic::Group, id, &group);
    Ok(group)
}

fn refuse(wrong: Vec<model::error::FieldError>) -> Result<()> {
    if wrong.is_empty() { Ok(()) } else { Err(Error::invalid_fields(wrong)) }
}

fn name_taken(name: &str) -> Error {
    Error { code: Code::Conflict, ..Error::invalid("name", format!("There is a protection group {name} already: choose another name.")) }
}
