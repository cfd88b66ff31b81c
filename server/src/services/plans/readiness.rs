//! Would this plan work if it were needed now? Looks at the recovery site and at the store; touches nothing.

use crate::{
    clouds::{Observed, error::Error as CloudError, guard::SHORT},
    error::Result,
    recovery::{old_copy::in_the_way, steps::script},
    state::{Node, now},
    steering,
    store::{
        old_copies,
        plans::{self, Protected},
    },
};
use model::{
    Mapping, Problem, Severity,
    plan::{CalloutAction, Plan},
    protection::Policy,
};
use std::collections::BTreeMap;

pub async fn find(node: &Node, plan: &Plan) -> Result<Vec<Problem>> {
    let mut members = vec![];
    for group in &plan.spec.group_ids {
        members.extend(plans::protected(&node.db, Some(group)).await?);
    }
    let mut problems = vec![];
    if members.is_empty() {
        problems.push(warning(&plan.spec.name, "There is no machine in its groups.", "Add machines to the groups."));
    }
    members.retain(|m| m.member_state != "recovered");
    for m in &members {
        point(m, &mut problems);
        autostart(m, &mut problems);
    }
    let mut targets: BTreeMap<&str, Vec<&Protected>> = BTreeMap::new();
    for m in &members {
        targets.entry(&m.target_cloud_id).or_default().push(m);
    }
    for (cloud_id, there) in targets {
        target(node, cloud_id, &there, &mut problems).await;
    }
    callouts(node, plan, &mut problems);
    addresses(plan, &mut problems).await;
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

fn autostart(m: &Protected, problems: &mut Vec<Problem>) {
    let on = serde_json::from_str::<Observed>(&m.detail).ok().and_then(|o| o.autostart);
    if on == Some(true) {
        let what = format!("It starts with its host at {}: after a failover a second copy could come up by itself.", m.cloud);
        problems.push(critical(&m.name, what, "Switch its autostart off there."));
    }
}

async fn target(node: &Node, cloud_id: &str, members: &[&Protected], problems: &mut Vec<Problem>) {
    let name = members.first().map_or("", |m| m.target_cloud.as_str());
    let Some(guard) = node.clouds.get(cloud_id) else {
        return problems.push(critical(name, "This node is not connected to the recovery cloud.", "Look at it under Clouds."));
    };
    match guard.run("capacity", SHORT, guard.cloud().inventory().capacity()).await {
        Err(e) => return problems.push(critical(name, e.message, "Nothing can be recovered there until it answers.")),
        Ok(capacity) => {
            let needed: i64 = members.iter().map(|m| m.memory_mib).sum();
            if i64::try_from(capacity.memory_free_mib).unwrap_or(i64::MAX) < needed {
                let what = format!("{} MiB of memory are free, all machines together take {needed} MiB.", capacity.memory_free_mib);
                problems.push(critical(name, what, "Add memory there, or protect some machines to another cloud."));
            }
        }
    }
    for m in members {
        let Ok(Some(point)) = crate::replication::newest(&node.db, &m.member_id).await else { continue };
        let maps = |text: &str| serde_json::from_str::<Vec<Mapping>>(text).unwrap_or_default();
        let (networks, storage) = (maps(&m.networks), maps(&m.storage));
        let old = old_copies::at(&node.db, &m.lineage, cloud_id).await.ok().flatten();
        problems.extend(old.iter().map(|old| in_the_way(old, name)));
        let replaces = old.as_ref().map(|old| old.native_id.as_str());
        let dry = guard.run("check_create", SHORT, async {
            let machines = guard.cloud().machines().ok_or_else(|| CloudError::lacks("create machines"))?;
            // Its disks are there: the recovery point itself.
            machines.check_create(&point.spec.beyond(0), &networks, &storage, replaces).await
        });
        match dry.await {
            Ok(found) => problems.extend(found),
            Err(e) => problems.push(critical(&m.name, e.message, "Look at the recovery cloud.")),
        }
    }
}

fn callouts(node: &Node, plan: &Plan, problems: &mut Vec<Problem>) {
    for callout in &plan.spec.callouts {
        if let CalloutAction::Script { program, .. } = &callout.action
            && let Err(why) = script::find(node, program)
        {
            problems.push(critical(&callout.name, why, "Put the program there, or take the callout out of the plan."));
        }
    }
}

async fn addresses(plan: &Plan, problems: &mut Vec<Problem>) {
    for a in &plan.spec.service_addresses {
        let Ok(mechanism) = steering::by_name(&a.mechanism) else { continue };
        if let Err(why) = mechanism.probe(&a.address).await {
            let what = format!("This node cannot announce it: {why}");
            problems.push(warning(&a.address, what, "Run a node on that network, or rely on the guest's own announcement."));
        }
    }
}
