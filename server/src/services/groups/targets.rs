//! Further targets of a group: its machines are replicated there besides, each target with its own objective, retention and
//! mappings.

use super::{check, members};
use crate::{
    error::{Error, Result},
    replication,
    services::{acting, audit, caller::Caller},
    state::{Node, new_id, now},
    store::{
        groups::{self, CloudFacts, StoredGroup},
        members as rows,
        targets::{self, Place},
    },
};
use model::{
    Mapping,
    access::Role,
    error::FieldError,
    protection::{Group, NewTarget, Target},
};

pub async fn add(node: &Node, caller: &Caller, group_id: &str, new: NewTarget) -> Result<Group> {
    let name = super::name_of(node, group_id).await?;
    audit::refused(node, caller, "target.add", &name, try_add(node, caller, group_id, new).await).await
}

async fn try_add(node: &Node, caller: &Caller, group_id: &str, mut new: NewTarget) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let group = super::stored(node, group_id).await?;
    new.cloud_id = new.cloud_id.trim().to_owned();
    if let Some(target) = unfinished(node, &group, &new.cloud_id).await? {
        return fill(node, &group, &target).await;
    }
    let clouds = groups::clouds(&node.db).await?;
    let mut wrong = check::target(&new, &clouds);
    wrong.extend(taken(node, &group, &new, &clouds).await?);
    super::refuse(wrong)?;
    let Some(cloud) = clouds.iter().find(|c| c.id == new.cloud_id) else { return Err(Error::not_found("such cloud")) };
    let name = targets::name(&group.name, &cloud.name);
    let event = audit::event(caller, "target.add", &group.name, format!("{}, objective {} s", cloud.name, new.policy.rpo_seconds));
    let place = Place { id: &new_id(), main: &group, name: &name, site: &cloud.site };
    let seq = targets::insert(&node.db, &place, &new, now(), &event).await?;
    audit::show(node, event, seq.ok_or_else(|| super::name_taken(&name))?);
    acting::begin();
    let Some(target) = groups::get(&node.db, place.id).await? else { return Err(Error::not_found("such target")) };
    fill(node, &group, &target).await
}

/// One that a node was killed over: not all machines of the group are its members yet.
async fn unfinished(node: &Node, group: &StoredGroup, cloud_id: &str) -> Result<Option<StoredGroup>> {
    let Some(target) = groups::targets(&node.db, &group.id).await?.into_iter().find(|t| t.target_cloud_id == cloud_id) else {
        return Ok(None);
    };
    let lacks = rows::in_group(&node.db, &target.id).await?.len() < rows::in_group(&node.db, &group.id).await?.len();
    Ok(lacks.then_some(target))
}

async fn fill(node: &Node, group: &StoredGroup, target: &StoredGroup) -> Result<Group> {
    for member in rows::in_group(&node.db, &group.id).await? {
        members::replicate_further(node, target, &member).await?;
    }
    node.replication.wake();
    super::publish(node, &group.id).await
}

/// Why a cloud that could be a target of some group cannot be one of this.
async fn taken(node: &Node, group: &StoredGroup, new: &NewTarget, clouds: &[CloudFacts]) -> Result<Option<FieldError>> {
    let field = |message: String| Some(FieldError { field: "cloud_id".into(), message, span: None });
    if group.target_cloud_id == new.cloud_id {
        return Ok(field(format!("{} is the main target of {}: choose another cloud.", group.target_cloud, group.name)));
    }
    if let Some(target) = groups::targets(&node.db, &group.id).await?.into_iter().find(|t| t.target_cloud_id == new.cloud_id) {
        return Ok(field(format!("{} is a target of {} already: change that one.", target.target_cloud, group.name)));
    }
    if let Some(cloud) = clouds.iter().find(|c| c.id == new.cloud_id && c.site == group.protected_site) {
        return Ok(field(format!("{} is at {} too: it would be lost together with the machines.", cloud.name, cloud.site)));
    }
    for member in rows::in_group(&node.db, &group.id).await? {
        if member.held_by.is_some() {
            return Ok(field(format!("A run works on {}: wait for its end.", member.name)));
        }
    }
    Ok(None)
}

pub async fn update(node: &Node, caller: &Caller, group_id: &str, id: &str, new: NewTarget) -> Result<Group> {
    let name = super::name_of(node, id).await?;
    audit::refused(node, caller, "target.change", &name, try_update(node, caller, group_id, id, new).await).await
}

async fn try_update(node: &Node, caller: &Caller, group_id: &str, id: &str, new: NewTarget) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let old = of_group(node, group_id, id).await?;
    let mut wrong = check::target(&new, &groups::clouds(&node.db).await?);
    if new.cloud_id != old.target_cloud_id {
        let message = format!("Its recovery points lie at {}: add another target instead, and remove this one.", old.target_cloud);
        wrong.push(FieldError { field: "cloud_id".into(), message, span: None });
    }
    super::refuse(wrong)?;
    let event = audit::event(caller, "target.change", &old.name, format!("objective {} s", new.policy.rpo_seconds));
    let seq = targets::update(&node.db, id, &new, &event).await?;
    audit::show(node, event, seq.ok_or_else(|| Error::not_found("such target"))?);
    node.replication.wake();
    super::publish(node, group_id).await
}

/// Its recovery points go, but those that a copy is based on.
pub async fn remove(node: &Node, caller: &Caller, group_id: &str, id: &str) -> Result<Group> {
    let name = super::name_of(node, id).await?;
    audit::refused(node, caller, "target.remove", &name, try_remove(node, caller, group_id, id).await).await
}

async fn try_remove(node: &Node, caller: &Caller, group_id: &str, id: &str) -> Result<Group> {
    caller.must_be(Role::Administrator)?;
    let target = of_group(node, group_id, id).await?;
    rows::in_group(&node.db, id).await?.iter().try_for_each(members::is_free)?;
    let event = audit::event(caller, "target.remove", &target.name, "");
    if let Some(seq) = drop(node, &target, &event).await? {
        audit::show(node, event, seq);
    }
    super::publish(node, group_id).await
}

async fn drop(node: &Node, target: &StoredGroup, event: &crate::store::audit::StoredAudit) -> Result<Option<i64>> {
    for member in rows::in_group(&node.db, &target.id).await? {
        replication::retire(node, &member.id).await?;
    }
    Ok(groups::delete(&node.db, &target.id, event).await?)
}

async fn of_group(node: &Node, group_id: &str, id: &str) -> Result<StoredGroup> {
    let target = groups::get(&node.db, id).await?.filter(|t| t.main_id.as_deref() == Some(group_id));
    target.ok_or_else(|| Error::not_found("such target of this group"))
}

/// After the machines of a group came up elsewhere, with the way back: targets go on from there, with the names of the
/// networks and pools there. One that is where they run now, or where the way back goes, is none any more.
///
/// # Errors
/// The store's.
pub async fn begin_again(node: &Node, caller: &Caller, group: &StoredGroup, old: (&[Mapping], &[Mapping])) -> Result<()> {
    let machines = rows::in_group(&node.db, &group.id).await?;
    for target in groups::targets(&node.db, &group.id).await? {
        let mut here = target.target_cloud_id == group.target_cloud_id;
        for m in &machines {
            here |= groups::machine(&node.db, &m.machine_id).await?.is_some_and(|f| f.cloud_id == target.target_cloud_id);
        }
        if here {
            let event = audit::event(caller, "target.remove", &target.name, "The machines run there now, or the way back goes there.");
            if let Some(seq) = drop(node, &target, &event).await? {
                audit::show(node, event, seq);
            }
            continue;
        }
        let (networks, storage) = (carried(&target.networks, old.0), carried(&target.storage, old.1));
        targets::begin_again(&node.db, &target.id, &networks, &storage).await?;
        for member in rows::in_group(&node.db, &target.id).await? {
            replication::view::publish(node, &member.id).await?;
        }
    }
    Ok(())
}

/// A mapping from the names of the former cloud, as one from those that the machines have now. `old`: from the former
/// names to the present ones.
fn carried(all: &[Mapping], old: &[Mapping]) -> Vec<Mapping> {
    let now = |from: &String| old.iter().find(|o| &o.from == from).map_or_else(|| from.clone(), |o| o.to.clone());
    let mut carried: Vec<Mapping> = vec![];
    // What had the same name at both ends needs a word now if it is called otherwise here.
    let same = old.iter().filter(|o| !all.iter().any(|m| m.from == o.from)).map(|o| Mapping { from: o.to.clone(), to: o.from.clone() });
    for one in all.iter().map(|m| Mapping { from: now(&m.from), to: m.to.clone() }).chain(same) {
        if one.from != one.to && carried.iter().all(|c| c.from != one.from) {
            carried.push(one);
        }
    }
    carried
}

pub async fn shown(node: &Node, group_id: &str) -> Result<Vec<Target>> {
    let mut all = vec![];
    for t in groups::targets(&node.db, group_id).await? {
        let members = rows::in_group(&node.db, &t.id).await?;
        all.push(Target {
            members: members.iter().map(|m| m.shown(node.replication.transfer(&m.id))).collect(),
            id: t.id,
            site: t.recovery_site,
            cloud_id: t.target_cloud_id,
            cloud: t.target_cloud,
            policy: t.policy,
            networks: t.networks,
            storage: t.storage,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_carried_to_the_names_of_the_new_place() {
        let map = |from: &str, to: &str| Mapping { from: from.into(), to: to.into() };
        // berlin: lan, svc. Here they are called net1, net2. The target called lan "flat" and had an own svc.
        let carried = carried(&[map("lan", "flat")], &[map("lan", "net1"), map("svc", "net2")]);
        assert_eq!(carried, [map("net1", "flat"), map("net2", "svc")]);
    }
}
