//! From the scope of a failover to what the run is frozen with.

use super::scope::Scope;
use crate::{
    error::{Error, Result},
    recovery::{
        compile::{Failover, FailoverMachine, FailoverPlan, GRACE},
        room,
        spec::{Place, RunSpec, Subject},
    },
    services::plans::readiness::{settings, starts},
    state::Node,
    store::{plans::Protected, points},
};
use model::{Id, Mapping, run::PointChoice};
use std::collections::HashMap;

pub async fn build(node: &Node, site: &str, scope: &Scope, points: &[PointChoice]) -> Result<(RunSpec, Failover)> {
    let chosen = chosen(node, scope, points).await?;
    let mut labels: HashMap<String, u32> = HashMap::new();
    let mut spec = RunSpec { site: Some(site.into()), ..RunSpec::default() };
    let mut failover = Failover::default();
    for (row, plan_spec, members) in &scope.plans {
        let mut machines = vec![];
        for m in members.iter().filter(|m| m.newest_point_at.is_some()) {
            let n = labels.entry(m.name.clone()).and_modify(|n| *n += 1).or_insert(1);
            let label = if *n == 1 { m.name.clone() } else { format!("{}~{n}", m.name) };
            let subject = Subject { point_id: chosen.get(&m.member_id).cloned(), ..subject(m, label) };
            spec.subjects.push(subject.clone());
            let (settings, starts) = (settings(plan_spec, m), starts(plan_spec, m));
            let old_copy = has_old_copy(node, m).await?;
            machines.push(FailoverMachine { subject, settings, source_answers: scope.answers(m), starts, grace_seconds: GRACE, old_copy });
        }
        spec.plan_ids.push(row.id.clone());
        spec.group_ids.extend(plan_spec.group_ids.iter().filter(|g| members.iter().any(|m| &m.group_id == *g)).cloned());
        let (addresses, callouts) = (plan_spec.service_addresses.clone(), plan_spec.callouts.clone());
        failover.plans.push(FailoverPlan { name: row.name.clone(), machines, addresses, callouts });
    }
    spec.group_ids.sort();
    spec.group_ids.dedup();
    Ok((spec, failover))
}

/// Member to the recovery point that was chosen for it.
async fn chosen(node: &Node, scope: &Scope, points: &[PointChoice]) -> Result<HashMap<Id, Id>> {
    let mut chosen = HashMap::new();
    for (i, choice) in points.iter().enumerate() {
        let field = |name: &str| format!("points[{i}].{name}");
        let Some((_, _, m)) = scope.recoverable().find(|(_, _, m)| m.member_id == choice.member_id) else {
            let message = format!("{} is not a machine that this failover would bring up.", choice.member_id);
            return Err(Error::invalid(field("member_id"), message));
        };
        let point = points::get(&node.db, &choice.point_id).await?;
        let usable = |p: &points::StoredPoint| p.lineage == m.lineage && p.cloud_id == m.target_cloud_id && !p.deleting;
        if !point.as_ref().is_some_and(usable) {
            let message =
                format!("It is no recovery point of {} at {}. Take one of GET /members/{}/points.", m.name, m.target_cloud, m.member_id);
            return Err(Error::invalid(field("point_id"), message));
        }
        if chosen.insert(m.member_id.clone(), choice.point_id.clone()).is_some() {
            return Err(Error::invalid(field("member_id"), format!("{} is listed twice. Keep one.", m.name)));
        }
    }
    Ok(chosen)
}

pub async fn has_old_copy(node: &Node, m: &Protected) -> Result<bool> {
    let Some(point) = crate::replication::newest(&node.db, &m.member_id).await? else { return Ok(false) };
    Ok(room::old_copy(&node.db, &m.lineage, &m.target_cloud_id, &point.spec).await?.is_some())
}

pub fn subject(m: &Protected, label: String) -> Subject {
    let maps = |text: &str| serde_json::from_str::<Vec<Mapping>>(text).unwrap_or_default();
    Subject {
        label,
        name: m.name.clone(),
        member_id: Some(m.member_id.clone()),
        lineage: Some(m.lineage.clone()),
        machine_id: m.machine_id.clone(),
        source: Place { cloud_id: m.cloud_id.clone(), cloud: m.cloud.clone(), site: m.site.clone(), native_id: m.native_id.clone() },
        target: Place { cloud_id: m.target_cloud_id.clone(), cloud: m.target_cloud.clone(), ..Place::default() },
        networks: maps(&m.networks),
        storage: maps(&m.storage),
        was_running: m.power == "running",
        seen_at: m.seen_at,
        ..Subject::default()
    }
}
