//! Which of its targets each group comes up at: its main one, unless somebody chose another, or they are to be filled one
//! after the other. A group stays together: its machines talk to each other.

use super::scope::Planned;
use crate::{
    error::{Error, Result},
    services::plans::readiness::{SHORT, starts},
    state::Node,
    store::plans::Protected,
};
use model::{
    Id,
    failover::{GroupTargets, TargetChoice, TargetOption},
};
use std::collections::{HashMap, HashSet};

/// What a request wants.
#[derive(Clone, Copy, Default)]
pub struct Pick<'a> {
    pub targets: &'a [TargetChoice],
    pub spread: bool,
    /// The clouds are asked how much room they have: for somebody who chooses.
    pub measure: bool,
}

/// Every group of these plans with what it could come up at, the main target chosen.
pub fn groups(plans: &[Planned], further: &[Protected]) -> Vec<GroupTargets> {
    let mut all: Vec<GroupTargets> = vec![];
    for (row, spec, members) in plans {
        for m in members {
            let at = all.iter().position(|g| g.group_id == m.group_id).unwrap_or_else(|| {
                all.push(group(&row.name, m));
                all.len() - 1
            });
            let group = &mut all[at];
            group.machines += 1;
            group.memory_mib += if starts(spec, m) { m.memory_mib.unsigned_abs() } else { 0 };
            option(group, m, true);
            further.iter().filter(|f| f.machine_id == m.machine_id).for_each(|f| option(group, f, false));
        }
    }
    // A machine that has just been added may not be replicated everywhere yet.
    for group in &mut all {
        let machines = group.machines;
        group.options.iter_mut().for_each(|o| o.without = machines - (o.without.min(machines)));
    }
    all
}

fn group(plan: &str, m: &Protected) -> GroupTargets {
    GroupTargets {
        group_id: m.group_id.clone(),
        group: m.group_name.clone(),
        plan: plan.to_owned(),
        machines: 0,
        memory_mib: 0,
        cloud_id: m.target_cloud_id.clone(),
        options: vec![],
    }
}

/// Counts in `without` those that have a point, until all are there.
fn option(group: &mut GroupTargets, m: &Protected, main: bool) {
    let at = group.options.iter().position(|o| o.cloud_id == m.target_cloud_id).unwrap_or_else(|| {
        group.options.push(TargetOption {
            cloud_id: m.target_cloud_id.clone(),
            cloud: m.target_cloud.clone(),
            site: m.recovery_site.clone(),
            main,
            point_at: None,
            without: 0,
            memory_free_mib: None,
        });
        group.options.len() - 1
    });
    let option = &mut group.options[at];
    option.without += usize::from(m.newest_point_at.is_some());
    option.point_at = option.point_at.into_iter().chain(m.newest_point_at).min();
}

/// Asks each cloud for its free memory.
pub async fn measure(node: &Node, groups: &mut [GroupTargets]) {
    let clouds: HashSet<Id> = groups.iter().flat_map(|g| &g.options).map(|o| o.cloud_id.clone()).collect();
    let looks = clouds.into_iter().map(|id| async move {
        let guard = node.clouds.get(&id)?;
        let capacity = guard.glance("capacity", SHORT, guard.cloud().inventory().capacity()).await.ok()?;
        Some((id, capacity.memory_free_mib))
    });
    let free: HashMap<Id, u64> = futures::future::join_all(looks).await.into_iter().flatten().collect();
    let all = groups.iter_mut().flat_map(|g| &mut g.options);
    all.for_each(|o| o.memory_free_mib = free.get(&o.cloud_id).copied());
}

/// # Errors
/// It is none of the groups, or none of its targets.
pub fn choose(groups: &mut [GroupTargets], wanted: &[TargetChoice]) -> Result<()> {
    for (i, one) in wanted.iter().enumerate() {
        let Some(group) = groups.iter_mut().find(|g| g.group_id == one.group_id) else {
            let message = format!("{} is not a group that this failover would bring up.", one.group_id);
            return Err(Error::invalid(format!("targets[{i}].group_id"), message));
        };
        if !group.options.iter().any(|o| o.cloud_id == one.cloud_id) {
            let list: Vec<String> = group.options.iter().map(|o| format!("{} ({})", o.cloud_id, o.cloud)).collect();
            let message = format!("{} has no recovery points there. Take one of {}.", group.group, list.join(", "));
            return Err(Error::invalid(format!("targets[{i}].cloud_id"), message));
        }
        group.cloud_id.clone_from(&one.cloud_id);
    }
    Ok(())
}

/// In the order of the plans: each group goes to its main target while that has room, else to the first other one that has
/// room and recovery points of all its machines. One that fits nowhere stays where it is, and the problems say so.
pub fn spread(groups: &mut [GroupTargets]) {
    let mut free: HashMap<Id, u64> =
        groups.iter().flat_map(|g| &g.options).filter_map(|o| Some((o.cloud_id.clone(), o.memory_free_mib?))).collect();
    for group in groups {
        let fits = |o: &&TargetOption| o.without == 0 && free.get(&o.cloud_id).is_some_and(|mib| *mib >= group.memory_mib);
        let Some(chosen) = group.options.iter().find(fits) else { continue };
        group.cloud_id.clone_from(&chosen.cloud_id);
        if let Some(mib) = free.get_mut(&chosen.cloud_id) {
            *mib -= group.memory_mib;
        }
    }
}

/// Members of those that go elsewhere in the place of the main ones. Answers them by main member.
pub fn place(plans: &mut [Planned], groups: &[GroupTargets], further: &[Protected]) -> HashMap<Id, Protected> {
    let chosen: HashMap<&Id, &Id> = groups.iter().map(|g| (&g.group_id, &g.cloud_id)).collect();
    let mut placed = HashMap::new();
    for m in plans.iter_mut().flat_map(|(_, _, members)| members) {
        let cloud = chosen.get(&m.group_id).filter(|cloud| **cloud != &m.target_cloud_id);
        let Some(cloud) = cloud else { continue };
        if let Some(other) = further.iter().find(|f| f.machine_id == m.machine_id && &f.target_cloud_id == *cloud) {
            placed.insert(m.member_id.clone(), other.clone());
            *m = m.at(other);
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(cloud: &str, main: bool, free: u64, without: usize) -> TargetOption {
        let (id, name, site) = (cloud.to_owned(), cloud.to_uppercase(), "s".to_owned());
        TargetOption { cloud_id: id, cloud: name, site, main, point_at: Some(1), without, memory_free_mib: Some(free) }
    }

    fn group(id: &str, memory_mib: u64, options: Vec<TargetOption>) -> GroupTargets {
        let (group_id, cloud_id) = (id.to_owned(), options[0].cloud_id.clone());
        GroupTargets { group_id, group: id.to_uppercase(), plan: "p".into(), machines: 2, memory_mib, cloud_id, options }
    }

    #[test]
    fn targets_are_filled_one_after_the_other() {
        let near = |without| vec![option("near", true, 100, 0), option("far", false, 100, without)];
        let mut all = [group("a", 60, near(0)), group("b", 60, near(0)), group("c", 30, near(0)), group("d", 60, near(0))];
        spread(&mut all);
        assert_eq!(all.iter().map(|g| g.cloud_id.as_str()).collect::<Vec<_>>(), ["near", "far", "near", "near"], "d fits nowhere");
        let mut all = [group("a", 60, near(0)), group("b", 60, near(1))];
        spread(&mut all);
        assert_eq!(all[1].cloud_id, "near", "not all of its machines have a point at far");
    }

    #[test]
    fn a_choice_names_a_group_and_one_of_its_targets() {
        let mut all = [group("a", 1, vec![option("near", true, 9, 0), option("far", false, 9, 0)])];
        let pick = |group: &str, cloud: &str| [TargetChoice { group_id: group.into(), cloud_id: cloud.into() }];
        choose(&mut all, &pick("a", "far")).unwrap();
        assert_eq!(all[0].cloud_id, "far");
        assert_eq!(choose(&mut all, &pick("x", "far")).unwrap_err().fields[0].field, "targets[0].group_id");
        let wrong = choose(&mut all, &pick("a", "moon")).unwrap_err();
        assert!(wrong.fields[0].field == "targets[0].cloud_id" && wrong.message.contains("far (FAR)"), "{}", wrong.message);
    }
}
