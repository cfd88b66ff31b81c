//! Everything that would be in the way of a move, each with what to do. Looks at both clouds now; touches nothing.

use super::{
    conversion, guest, modes, origin,
    target::{self, Maps},
};
use crate::{
    error::{Error, Result},
    recovery::{convert, readdress, spec::Subject},
    state::Node,
    store::plans,
};
use model::{
    Problem, limits,
    run::{MoveMode, MoveRequest},
};

pub struct Findings {
    pub subject: Subject,
    pub mode: MoveMode,
    pub bytes: u64,
    pub problems: Vec<Problem>,
    /// virt-v2v puts the drivers of the target in.
    pub convert: bool,
    /// Where it is to be made lies an older copy of it, which is set aside first.
    pub old_copy: bool,
}

/// # Errors
/// The machine or the target do not exist, or the request cannot be right.
pub async fn find(node: &Node, request: &MoveRequest) -> Result<Findings> {
    check_fields(request)?;
    let origin = origin::known(node, &request.machine_id).await?;
    let id = &request.target_cloud_id;
    let no_cloud = || Error::invalid("target_cloud_id", format!("There is no cloud {id}. Take one of GET /clouds."));
    let cloud = plans::cloud(&node.db, id).await?.ok_or_else(no_cloud)?;
    if origin.cloud.id == cloud.id {
        let message = format!("{} is at {} already. Choose another cloud.", origin.stored.observed.name, cloud.name);
        return Err(Error::invalid("target_cloud_id", message));
    }
    let mut origin = origin::look(node, origin).await;
    let (convert, said) = conversion::decide(node, request, origin.spec.as_ref(), &cloud.id).await;
    if convert {
        // It is asked about as what it becomes.
        origin.spec = origin.spec.map(|spec| convert::with_virtio(spec, true, true));
    }
    let maps = Maps { networks: request.networks.clone(), storage: request.storage.clone() };
    let found = target::check(node, &origin, &cloud, maps, request.point_id.as_deref()).await?;
    let mut problems = found.problems;
    if let (true, Some(spec), Some(guard)) = (convert, &origin.spec, &found.guard) {
        // What it would lack it is given.
        let risks = guest::risks(spec, guard.cloud().kind());
        problems.retain(|one| !risks.contains(one));
    }
    problems.extend(said);
    let asked = (&origin, &found.subject);
    let mode = modes::decide(node, request.mode, asked, found.guard.as_deref(), &mut problems).await;
    let from_point = found.subject.point_id.is_some();
    let mode = if from_point { modes::from_point(mode, &found.subject.name, &mut problems) } else { mode };
    problems.extend(origin.problems);
    Ok(Findings { subject: found.subject, mode, bytes: found.bytes, problems, convert, old_copy: found.old_copy })
}

fn check_fields(request: &MoveRequest) -> Result<()> {
    for (i, address) in request.service_addresses.iter().enumerate() {
        if address.parse::<std::net::Ipv4Addr>().is_err() {
            let message = format!("'{address}' is not an IPv4 address. Write it like 10.0.0.5, without a prefix length.");
            return Err(Error::invalid(format!("service_addresses[{i}]"), message));
        }
    }
    if let Some((i, wrong)) = request.networks.iter().enumerate().find_map(|(i, m)| Some((i, readdress::wrong(m)?))) {
        return Err(Error::invalid(format!("networks[{i}]"), wrong));
    }
    if !limits::STOP_TIMEOUT_SECONDS.contains(&request.stop_timeout_seconds) {
        return Err(Error::invalid("stop_timeout_seconds", "The time for a graceful stop must be between 1 and 3600 seconds."));
    }
    if !limits::KEEP_SOURCE_HOURS.contains(&request.keep_source_hours) {
        return Err(Error::invalid("keep_source_hours", "The source can be kept for a year at most (8760 hours)."));
    }
    crate::services::plans::check_health(&request.health).map_err(|(field, why)| Error::invalid(format!("health.{field}"), why))
}
