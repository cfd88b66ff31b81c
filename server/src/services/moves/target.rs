//! What one target says to a machine: names, networks and storage are judged by the cloud, that is pool by pool; memory
//! and CPUs here, since only here is known whether it will run. Asked before a move, and by "where can it run".

use super::{critical, guard, guest, origin::Origin};
use crate::{
    clouds::{
        MachineSpec,
        guard::{Guard, SHORT},
    },
    error::{Error, Result},
    recovery::{
        room::{self, Wanted},
        spec::Subject,
    },
    state::Node,
    store::{plans::CloudFact, points},
};
use model::{Id, Mapping, Problem, Severity, cloud::Capacity};
use std::sync::Arc;

/// Which of the source's networks and places for disks become what there.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
}

pub struct Target {
    pub subject: Subject,
    pub guard: Option<Arc<Guard>>,
    /// About so many are to be sent.
    pub bytes: u64,
    /// Where it is to be made lies an older copy of it, which is set aside first.
    pub old_copy: bool,
    pub capacity: Option<Capacity>,
    /// It told whether the machine can be made there.
    pub answered: bool,
    pub problems: Vec<Problem>,
}

/// `maps`: what is not in it goes to what has the same name. `point`: an older recovery point there.
///
/// # Errors
/// The store's, or the point is none of this machine there.
pub async fn check(node: &Node, origin: &Origin, target: &CloudFact, maps: Maps, point: Option<&str>) -> Result<Target> {
    let mut problems = vec![];
    let maps = by_name(origin, maps);
    let mut subject = Subject {
        lineage: origin.lineage.clone(),
        label: origin.observed.name.clone(),
        name: origin.observed.name.clone(),
        machine_id: origin.stored.id.clone(),
        source: origin.place(),
        target: super::place(target, ""),
        networks: maps.networks,
        storage: maps.storage,
        was_running: origin.is_running(),
        seen_at: origin.cloud.seen_at,
        ..Subject::default()
    };
    let (mut bytes, seeded) = seed(origin, &mut subject, &mut problems);
    if let Some(chosen) = point {
        subject.point_id = Some(of_machine(node, &subject, chosen).await?);
        bytes = 0;
    }
    let guard = guard(node, target, &mut problems);
    let (mut old_copy, mut capacity, mut answered) = (false, None, false);
    if let (Some(guard), Some(spec)) = (&guard, &origin.spec) {
        problems.extend(guest::risks(spec, guard.cloud().kind()));
        if let Some(lineage) = &origin.lineage {
            old_copy = room::old_copy(&node.db, lineage, &target.id, spec).await?.is_some();
        }
        // What was replicated there already takes no room again.
        let spec = if seeded { spec.beyond(bytes) } else { spec.clone() };
        answered = place_for(node, guard, &spec, origin.lineage.as_ref(), (&subject, &mut problems)).await;
        capacity = room_for(guard, &spec, &subject, &mut problems).await;
    }
    Ok(Target { subject, guard, bytes, old_copy, capacity, answered, problems })
}

/// By the request, else to what has the same name.
fn by_name(origin: &Origin, maps: Maps) -> Maps {
    let fill = |names: Vec<&String>, mut all: Vec<Mapping>| {
        for name in names {
            if !all.iter().any(|m| &m.from == name) {
                all.push(Mapping { from: name.clone(), to: name.clone() });
            }
        }
        all
    };
    let networks = origin.observed.nics.iter().filter_map(|n| n.network.as_ref()).collect();
    let pools = origin.observed.disks.iter().filter_map(|d| d.pool.as_ref()).collect();
    Maps { networks: fill(networks, maps.networks), storage: fill(pools, maps.storage) }
}

/// What lies at the target already shortens the copy. Answers about how many bytes are to be sent, and whether the rest
/// is there.
fn seed(origin: &Origin, subject: &mut Subject, problems: &mut Vec<Problem>) -> (u64, bool) {
    if origin.members.is_empty() {
        return (origin.bytes(), false);
    }
    let Some((member, newest)) = origin.to(&subject.target.cloud_id) else {
        let what = "It is protected to another cloud.";
        problems.push(critical(
            &subject.name,
            what,
            "Move it there, make this cloud a further target of its protection group, or take it out of the group first.",
        ));
        return (origin.bytes(), false);
    };
    subject.member_id = Some(member.id.clone());
    match newest {
        Some(_) => (member.last_cycle_bytes.map_or(0, i64::unsigned_abs), true),
        None => (origin.bytes(), false),
    }
}

/// The point that somebody chose must be one of this machine at the target.
async fn of_machine(node: &Node, subject: &Subject, chosen: &str) -> Result<Id> {
    let wrong = || {
        let message = format!(
            "It is no recovery point of {} at {}. Leave it out to take the last changes along.",
            subject.name, subject.target.cloud
        );
        Error::invalid("point_id", message)
    };
    let point = points::get(&node.db, chosen).await?.filter(|p| p.cloud_id == subject.target.cloud_id && !p.deleting);
    let point = point.filter(|p| Some(&p.lineage) == subject.lineage.as_ref());
    point.map(|p| p.id).ok_or_else(wrong)
}

/// Whether it told.
async fn place_for(
    node: &Node,
    guard: &Guard,
    spec: &MachineSpec,
    lineage: Option<&Id>,
    (subject, problems): (&Subject, &mut Vec<Problem>),
) -> bool {
    if guard.cloud().disk_sink().is_none() {
        problems.push(critical(&guard.name, "It cannot keep recovery points.", "Choose another target."));
    }
    let wanted = Wanted { spec, lineage, networks: &subject.networks, storage: &subject.storage };
    match room::problems(&node.db, guard, &wanted, SHORT).await {
        Ok(found) => {
            problems.extend(found);
            true
        }
        Err(e) => {
            problems.push(critical(&guard.name, &e.message, "Bring the target back, or choose another."));
            !e.may_heal()
        }
    }
}

async fn room_for(guard: &Guard, spec: &MachineSpec, subject: &Subject, problems: &mut Vec<Problem>) -> Option<Capacity> {
    let capacity = guard.run("capacity", SHORT, guard.cloud().inventory().capacity()).await.ok()?;
    if subject.was_running && capacity.memory_free_mib < spec.memory_mib {
        let what = format!("{} MiB of memory are free, the machine takes {} MiB.", capacity.memory_free_mib, spec.memory_mib);
        problems.push(critical(&guard.name, what, "Stop something there, or choose another target."));
    }
    if spec.vcpus > capacity.cpus {
        let what = format!("It has {} CPUs, the machine wants {}.", capacity.cpus, spec.vcpus);
        problems.push(Problem::new(Severity::Warning, &guard.name, what, "It will be slow there; give the machine fewer CPUs."));
    }
    Some(capacity)
}
