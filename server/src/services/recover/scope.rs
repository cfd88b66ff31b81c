//! What is to be recovered: the machine, what is wrong with it, whether its cloud answers, and its newest point.

use crate::{
    error::{Error, Result},
    recovery::look::{self, BRIEF, GLANCE},
    state::Node,
    store::{
        copies, machines, members,
        plans::{self, Protected},
        points::StoredPoint,
    },
};
use model::{
    Id,
    cloud::CloudStatus,
    machine::{PowerState, failed},
};

pub struct Scope {
    pub machine: Protected,
    pub failed: String,
    /// As its cloud shows it now.
    pub state: Option<PowerState>,
    pub answers: bool,
    pub point: StoredPoint,
    /// The member that plans name.
    pub main: Id,
    /// Every cloud that keeps recovery points of it, with the newest one there.
    pub kept: Vec<(Protected, StoredPoint)>,
}

/// `target`: the cloud that keeps the points; left out, the one with the newest. `stated`: somebody says that it is off. A cloud that is shown as unreachable is not asked once more then; the run does
/// it before it touches anything.
///
/// # Errors
/// Why it cannot be recovered elsewhere.
pub async fn scope(node: &Node, id: &str, target: Option<&str>, stated: bool) -> Result<Scope> {
    let stored = machines::get(&node.db, id).await?.filter(|m| m.gone_at.is_none()).ok_or_else(|| Error::not_found("such machine"))?;
    let name = &stored.observed.name;
    if copies::get(&node.db, id).await?.is_some_and(|c| c.role != "active") {
        return Err(Error::conflict(format!("This is not the active copy of {name}. Recover the active copy.")));
    }
    let all = protected(node, id).await?;
    let none = || {
        Error::conflict(format!("There is no recovery point of {name} at another cloud: it is not protected, or was recovered already."))
    };
    let main = all.first().ok_or_else(none)?.clone();
    let mut kept = vec![];
    for m in all.into_iter().filter(|m| m.member_state != "recovered" && m.target_cloud_id != m.cloud_id) {
        if let Some(point) = crate::replication::newest(&node.db, &m.member_id).await? {
            kept.push((m, point));
        }
    }
    if kept.is_empty() {
        let none_yet = || Error::conflict(format!("{name} has no recovery point at {} yet.", main.target_cloud));
        return Err(if main.member_state == "recovered" || main.target_cloud_id == main.cloud_id { none() } else { none_yet() });
    }
    let (machine, point) = chosen(name, &kept, target)?.clone();
    let (state, answers) = now(node, &machine, stated).await;
    let status = if answers { CloudStatus::Ok } else { CloudStatus::Unreachable };
    let failed = failed(state.unwrap_or(PowerState::Unknown), status, &machine.cloud);
    let well = || {
        let state = state.map_or("gone", PowerState::as_str).replace('_', " ");
        Error::conflict(format!("{name} has not failed: {} answers and shows it {state}. Move it instead.", machine.cloud))
    };
    Ok(Scope { failed: failed.ok_or_else(well)?, machine, state, answers, point, main: main.member_id, kept })
}

/// As it is replicated to each of its targets, the main one first.
async fn protected(node: &Node, id: &str) -> Result<Vec<Protected>> {
    let group = members::of_machine(&node.db, id).await?.and_then(|m| m.group_id);
    let Some(group) = group else { return Ok(vec![]) };
    let main = plans::protected(&node.db, Some(&group)).await?.into_iter().find(|m| m.machine_id == id);
    let Some(main) = main else { return Ok(vec![]) };
    let further = plans::protected_further(&node.db).await?;
    let others: Vec<Protected> = further.iter().filter(|m| m.machine_id == id).map(|m| main.at(m)).collect();
    Ok([main].into_iter().chain(others).collect())
}

/// Points are made into machines by the cloud that keeps them; nothing reads one out of it.
fn chosen<'a>(name: &str, kept: &'a [(Protected, StoredPoint)], target: Option<&str>) -> Result<&'a (Protected, StoredPoint)> {
    let found = match target {
        Some(id) => kept.iter().find(|(m, _)| m.target_cloud_id == id),
        None => kept.iter().max_by_key(|(_, p)| p.taken_at),
    };
    found.ok_or_else(|| {
        let clouds: Vec<&str> = kept.iter().map(|(m, _)| m.target_cloud.as_str()).collect();
        let message = format!(
            "The recovery points of {name} are at {}, and only there they can be made into a machine. Recover it there, then move it on.",
            clouds.join(" and ")
        );
        Error::invalid("target_cloud_id", message)
    })
}

/// What its cloud shows at this moment, and whether it answers.
async fn now(node: &Node, m: &Protected, stated: bool) -> (Option<PowerState>, bool) {
    let unreachable = m.cloud_status == "unreachable";
    let patience = if unreachable { GLANCE } else { BRIEF * 2 };
    match node.clouds.get(&m.cloud_id) {
        Some(guard) if !(unreachable && stated) => match look::state(&guard, &m.native_id, patience).await {
            Ok(state) => (state, true),
            Err(_) => (None, false),
        },
        _ => (None, false),
    }
}
