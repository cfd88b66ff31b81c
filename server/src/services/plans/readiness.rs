//! Would this plan work if it were needed now? Looks at the recovery site and at the store; touches nothing.

use super::{super::moves::guest, names::Names};
use crate::{
    clouds::{Observed, guard::Guard},
    error::Result,
    recovery::{
        pointer::CloudOf,
        room::{self, Wanted},
        steps::script,
        zones::ZonesOf,
    },
    state::{Node, now},
    steering::{self, Zones},
    store::{
        groups,
        plans::{self, Protected},
    },
};
use model::{
    Id, Mapping, Problem, Severity,
    machine::PowerState,
    plan::{CalloutAction, PlanMachine, PlanSpec, ServiceAddress},
    protection::Policy,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

/// For a check that somebody asked for.
pub const CALM: Duration = Duration::from_secs(15);
/// While somebody waits for a failover to begin.
pub const SHORT: Duration = Duration::from_secs(4);
/// Dry runs at one cloud at a time.
const AT_ONCE: usize = 8;
/// Seconds: what many resolvers keep anyway. Longer, and clients look for the machine at its old place for as long.
const LONG_TTL: u32 = 300;

pub async fn find(node: &Node, spec: &PlanSpec) -> Result<Vec<Problem>> {
    let mut members = vec![];
    for group in &spec.group_ids {
        members.extend(plans::protected(&node.db, Some(group)).await?);
    }
    let mut problems = vec![];
    if members.is_empty() {
        problems.push(warning(&spec.name, "There is no machine in its groups.", "Add machines to the groups."));
    }
    members.retain(|m| m.member_state != "recovered");
    for m in &members {
        point(m, &mut problems);
        autostart(m, &mut problems);
    }
    let all: Vec<(&Protected, bool)> = members.iter().map(|m| (m, starts(spec, m))).collect();
    problems.extend(targets(node, &all, CALM).await);
    problems.extend(of_plan(node, spec, &HashMap::new()).await?);
    Ok(problems)
}

/// What a plan says of a machine, or the defaults.
pub fn settings(spec: &PlanSpec, m: &Protected) -> PlanMachine {
    spec.machines.iter().find(|p| p.member_id == m.member_id).cloned().unwrap_or_else(|| PlanMachine::with_defaults(m.member_id.clone()))
}

/// A machine that was off when it was last seen is made at the recovery site, and left off.
pub fn starts(spec: &PlanSpec, m: &Protected) -> bool {
    settings(spec, m).always_start || PowerState::parse(&m.power) != Some(PowerState::Stopped)
}

/// What has to do with no single machine. `elsewhere`: members that are to come up at another cloud than their main target.
pub async fn of_plan(node: &Node, spec: &PlanSpec, elsewhere: &HashMap<Id, Id>) -> Result<Vec<Problem>> {
    let mut problems = Names::load(node).await?.unknown(spec);
    callouts(node, spec, &mut problems);
    addresses(node, spec, elsewhere, &mut problems).await?;
    Ok(problems)
}

fn critical(subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(Severity::Critical, subject, what, remedy)
}

fn warning(subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(Severity::Warning, subject, what, remedy)
}

fn point(m: &Protected, problems: &mut Vec<Problem>) {
    let rpo = serde_json::from_str::<Policy>(&m.policy).unwrap_or_default().rpo_seconds;
    match m.newest_point_at {
        None => problems.push(critical(&m.name, "It has no recovery point yet.", "Wait for its initial sync, or look why it fails.")),
        Some(at) => match model::age(at, now()) {
            Some(ms) if ms <= i64::from(rpo) * 1000 => {}
            Some(ms) => {
                let what = format!("Its newest recovery point is {} s old, the objective is {rpo} s.", ms / 1000);
                problems.push(warning(&m.name, what, "Look at its replication."));
            }
            None => {
                let what = "Its newest recovery point lies in the future: a clock was set back, and its age cannot be told.";
                problems.push(warning(&m.name, what, "Check the clock of this node."));
            }
        },
    }
}

pub fn autostart(m: &Protected, problems: &mut Vec<Problem>) {
    let on = serde_json::from_str::<Observed>(&m.detail).ok().and_then(|o| o.autostart);
    if on == Some(true) {
        let what = format!("It starts with its host at {}: after a failover a second copy could come up by itself.", m.cloud);
        problems.push(critical(&m.name, what, "Switch its autostart off there."));
    }
}

/// Real looks at the recovery clouds: do they answer, is there room for all that starts, can each machine be made there.
pub async fn targets(node: &Node, members: &[(&Protected, bool)], patience: Duration) -> Vec<Problem> {
    let mut by_cloud: BTreeMap<&str, Vec<(&Protected, bool)>> = BTreeMap::new();
    for (m, starts) in members {
        by_cloud.entry(&m.target_cloud_id).or_default().push((m, *starts));
    }
    let looks = by_cloud.into_iter().map(|(cloud_id, there)| target(node, cloud_id, there, patience));
    futures::future::join_all(looks).await.into_iter().flatten().collect()
}

async fn target(node: &Node, cloud_id: &str, members: Vec<(&Protected, bool)>, patience: Duration) -> Vec<Problem> {
    let name = members.first().map_or("", |(m, _)| m.target_cloud.as_str());
    let Some(guard) = node.clouds.get(cloud_id) else {
        return vec![critical(name, "This node is not connected to the recovery cloud.", "Look at it under Clouds.")];
    };
    let mut problems = vec![];
    match guard.glance("capacity", patience, guard.cloud().inventory().capacity()).await {
        Err(e) => return vec![critical(name, e.message, "Nothing can be recovered there until it answers.")],
        Ok(capacity) => {
            let needed: i64 = members.iter().filter(|(_, starts)| *starts).map(|(m, _)| m.memory_mib).sum();
            if i64::try_from(capacity.memory_free_mib).unwrap_or(i64::MAX) < needed {
                let what = format!("{} MiB of memory are free, all machines together take {needed} MiB.", capacity.memory_free_mib);
                problems.push(critical(name, what, "Add memory there, or protect some machines to another cloud."));
            }
        }
    }
    for some in members.chunks(AT_ONCE) {
        let looks = some.iter().map(|(m, _)| machine(node, &guard, m, patience));
        problems.extend(futures::future::join_all(looks).await.into_iter().flatten());
    }
    problems
}

async fn machine(node: &Node, guard: &Guard, m: &Protected, patience: Duration) -> Vec<Problem> {
    let Ok(Some(point)) = crate::replication::newest(&node.db, &m.member_id).await else { return vec![] };
    let maps = |text: &str| serde_json::from_str::<Vec<Mapping>>(text).unwrap_or_default();
    let (networks, storage) = (maps(&m.networks), maps(&m.storage));
    // Its disks are there: the recovery point itself.
    let spec = point.spec.beyond(0);
    let wanted = Wanted { spec: &spec, lineage: Some(&m.lineage), networks: &networks, storage: &storage };
    match room::problems(&node.db, guard, &wanted, patience).await {
        // Nothing is converted in a failover: what its guest may lack is to be known before.
        Ok(found) => found.into_iter().chain(guest::risks(&spec, guard.cloud().kind())).collect(),
        Err(e) => vec![critical(&m.name, e.message, "Look at the recovery cloud.")],
    }
}

fn callouts(node: &Node, spec: &PlanSpec, problems: &mut Vec<Problem>) {
    for callout in &spec.callouts {
        if let CalloutAction::Script { program, .. } = &callout.action
            && let Err(why) = script::find(node, program)
        {
            problems.push(critical(&callout.name, why, "Put the program there, or take the callout out of the plan."));
        }
    }
}

async fn addresses(node: &Node, spec: &PlanSpec, elsewhere: &HashMap<Id, Id>, problems: &mut Vec<Problem>) -> Result<()> {
    let zones = ZonesOf { node };
    for a in &spec.service_addresses {
        if a.mechanism == "floating" {
            problems.extend(floating(node, spec, elsewhere, a).await?);
            continue;
        }
        if a.is_name() {
            problems.extend(name(&zones, &a.address).await);
            continue;
        }
        let Ok(mechanism) = steering::by_name(&a.mechanism, None, &zones) else { continue };
        if let Err(why) = mechanism.probe(&a.address).await {
            let what = format!("This node cannot announce it: {why}");
            problems.push(warning(&a.address, what, "Run a node on that network, or rely on the guest's own announcement."));
        }
    }
    Ok(())
}

/// Some connected cloud must hold its zone.
async fn name(zones: &ZonesOf<'_>, name: &str) -> Option<Problem> {
    match zones.look(name).await {
        Err(why) => Some(critical(name, format!("It cannot be pointed: {why}"), "Look at that cloud, or choose another mechanism.")),
        Ok(now) => now.ttl.filter(|ttl| *ttl > LONG_TTL).map(|ttl| {
            let what = format!("Its record in the zone {} of {} is kept by resolvers for {ttl} s.", now.zone, now.holder);
            warning(name, what, "Give the record a TTL of 60 s there: it counts from before the disaster.")
        }),
    }
}

/// Only the cloud where the machine will be can point it. One that only a further target has is no fault of the plan.
async fn floating(node: &Node, spec: &PlanSpec, elsewhere: &HashMap<Id, Id>, a: &ServiceAddress) -> Result<Option<Problem>> {
    for group in &spec.group_ids {
        let member = plans::protected(&node.db, Some(group)).await?.into_iter().find(|m| m.member_id == a.member_id);
        let Some(m) = member else { continue };
        let chosen = elsewhere.get(&m.member_id);
        let Err(why) = can_point(node, chosen.unwrap_or(&m.target_cloud_id), &a.address).await else { return Ok(None) };
        if chosen.is_none() {
            for further in groups::targets(&node.db, group).await? {
                if can_point(node, &further.target_cloud_id, &a.address).await.is_ok() {
                    let what = format!("It can be pointed at {} only: {why}", further.target_cloud);
                    return Ok(Some(warning(&a.address, what, "Fail over to that target, or give the machine another address.")));
                }
            }
        }
        return Ok(Some(critical(&a.address, why, "Allocate it at the recovery cloud, or choose another mechanism.")));
    }
    Ok(None)
}

async fn can_point(node: &Node, cloud_id: &str, address: &str) -> std::result::Result<(), String> {
    let guard = node.clouds.get(cloud_id).ok_or("This node is not connected to the recovery cloud.")?;
    let cloud = CloudOf { guard: &guard, native_id: "" };
    steering::by_name("floating", cloud.pointer(), &ZonesOf { node })?.probe(address).await.map(drop)
}
