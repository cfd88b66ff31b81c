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
}

/// `stated`: somebody says that it is off. A cloud that is shown as unreachable is not asked once more then; the run does
/// it before it touches anything.
///
/// # Errors
/// Why it cannot be recovered elsewhere.
pub async fn scope(node: &Node, id: &str, stated: bool) -> Result<Scope> {
    let stored = machines::get(&node.db, id).await?.filter(|m| m.gone_at.is_none()).ok_or_else(|| Error::not_found("such machine"))?;
    let name = &stored.observed.name;
    if copies::get(&node.db, id).await?.is_some_and(|c| c.role != "active") {
        return Err(Error::conflict(format!("This is not the active copy of {name}. Recover the active copy.")));
    }
    let machine = protected(node, id).await?;
    let none = || {
        Error::conflict(format!("There is no recovery point of {name} at another cloud: it is not protected, or was recovered already."))
    };
    let machine = machine.filter(|m| m.member_state != "recovered" && m.target_cloud_id != m.cloud_id).ok_or_else(none)?;
    let point = crate::replication::newest(&node.db, &machine.member_id).await?;
    let point = point.ok_or_else(|| Error::conflict(format!("{name} has no recovery point at {} yet.", machine.target_cloud)))?;
    let (state, answers) = now(node, &machine, stated).await;
    let status = if answers { CloudStatus::Ok } else { CloudStatus::Unreachable };
    let failed = failed(state.unwrap_or(PowerState::Unknown), status, &machine.cloud);
    let well = || {
        let state = state.map_or("gone", PowerState::as_str).replace('_', " ");
        Error::conflict(format!("{name} has not failed: {} answers and shows it {state}. Move it instead.", machine.cloud))
    };
    Ok(Scope { failed: failed.ok_or_else(well)?, machine: machine.clone(), state, answers, point })
}

async fn protected(node: &Node, id: &str) -> Result<Option<Protected>> {
    let group = members::of_machine(&node.db, id).await?.and_then(|m| m.group_id);
    let Some(group) = group else { return Ok(None) };
    Ok(plans::protected(&node.db, Some(&group)).await?.into_iter().find(|m| m.machine_id == id))
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
