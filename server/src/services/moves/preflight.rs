//! Everything that would be in the way of a move, each with what to do. Looks at both clouds now; touches nothing.

use crate::{
    clouds::{
        MachineSpec, MigrateRequest, Observed,
        error::Error as CloudError,
        guard::{Guard, SHORT},
    },
    error::{Error, Result},
    recovery::{
        room::{self, Wanted},
        spec::{Place, Subject},
    },
    state::Node,
    store::{
        copies, machines, members,
        plans::{self, CloudFact},
        points, runs,
    },
};
use model::{
    Id, Mapping, Problem, Severity, limits,
    machine::PowerState,
    run::{MoveMode, MoveRequest},
};
use std::sync::Arc;

pub struct Findings {
    pub subject: Subject,
    pub mode: MoveMode,
    pub bytes: u64,
    pub problems: Vec<Problem>,
    /// Where it is to be made lies an older copy of it, which is set aside first.
    pub old_copy: bool,
}

/// # Errors
/// The machine or the target do not exist, or the request cannot be right.
pub async fn find(node: &Node, request: &MoveRequest) -> Result<Findings> {
    check_fields(request)?;
    let stored = machines::get(&node.db, &request.machine_id).await?.filter(|m| m.gone_at.is_none());
    let stored = stored.ok_or_else(|| Error::not_found(format!("machine {}", request.machine_id)))?;
    let no_cloud = |field: &str, id: &str| Error::invalid(field, format!("There is no cloud {id}. Take one of GET /clouds."));
    let source = plans::cloud(&node.db, &stored.cloud_id).await?.ok_or_else(|| no_cloud("machine_id", &stored.cloud_id))?;
    let target =
        plans::cloud(&node.db, &request.target_cloud_id).await?.ok_or_else(|| no_cloud("target_cloud_id", &request.target_cloud_id))?;
    if source.id == target.id {
        return Err(Error::invalid(
            "target_cloud_id",
            format!("{} is at {} already. Choose another cloud.", stored.observed.name, target.name),
        ));
    }
    let mut problems = vec![];
    taken(node, &stored.id, &stored.observed.name, &mut problems).await?;
    let seen = look(node, &source, &stored.native_id, &mut problems).await;
    let observed = seen.as_ref().map_or(&stored.observed, |s| &s.0);
    let spec = seen.as_ref().map(|s| &s.1);
    let (networks, storage) = mappings(observed, request);
    let copy = copies::get(&node.db, &stored.id).await?;
    let mut subject = Subject {
        lineage: copy.map(|c| c.lineage),
        label: observed.name.clone(),
        name: observed.name.clone(),
        machine_id: stored.id.clone(),
        source: place(&source, &stored.native_id),
        target: place(&target, ""),
        networks,
        storage,
        was_running: observed.state == PowerState::Running,
        seen_at: source.seen_at,
        ..Subject::default()
    };
    let (mut bytes, seeded) = seed(node, &mut subject, observed, &mut problems).await?;
    if let Some(chosen) = &request.point_id {
        point(node, &mut subject, chosen).await?;
        bytes = 0;
    }
    let target_guard = guard(node, &target, &mut problems);
    let mut old_copy = false;
    if let (Some(guard), Some(spec)) = (&target_guard, spec) {
        let lineage = lineage(node, &subject).await?;
        if let Some(lineage) = &lineage {
            old_copy = room::old_copy(&node.db, lineage, &target.id, spec).await?.is_some();
        }
        // What was replicated there already takes no room again.
        let spec = if seeded { spec.beyond(bytes) } else { spec.clone() };
        check_target(node, guard, &spec, lineage.as_ref(), &subject, &mut problems).await;
    }
    let mode = mode(node, request.mode, (observed, &subject), &source, target_guard.as_deref(), &mut problems).await;
    let mode = if subject.point_id.is_some() { from_point(mode, &subject.name, &mut problems) } else { mode };
    check_source(node, &source, &stored.native_id, &mut problems).await;
    state(observed, &mut problems);
    Ok(Findings { subject, mode, bytes, problems, old_copy })
}

fn check_fields(request: &MoveRequest) -> Result<()> {
    for (i, address) in request.service_addresses.iter().enumerate() {
        if address.parse::<std::net::Ipv4Addr>().is_err() {
            let message = format!("'{address}' is not an IPv4 address. Write it like 10.0.0.5, without a prefix length.");
            return Err(Error::invalid(format!("service_addresses[{i}]"), message));
        }
    }
    if !limits::STOP_TIMEOUT_SECONDS.contains(&request.stop_timeout_seconds) {
        return Err(Error::invalid("stop_timeout_seconds", "The time for a graceful stop must be between 1 and 3600 seconds."));
    }
    if !limits::KEEP_SOURCE_HOURS.contains(&request.keep_source_hours) {
        return Err(Error::invalid("keep_source_hours", "The source can be kept for a year at most (8760 hours)."));
    }
    crate::services::plans::check_health(&request.health).map_err(|(field, why)| Error::invalid(format!("health.{field}"), why))
}

fn critical(subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(Severity::Critical, subject, what, remedy)
}

fn place(cloud: &CloudFact, native_id: &str) -> Place {
    Place { cloud_id: cloud.id.clone(), cloud: cloud.name.clone(), site: cloud.site.clone(), native_id: native_id.into() }
}

/// In another run, or not the copy that should run.
async fn taken(node: &Node, machine_id: &str, name: &str, problems: &mut Vec<Problem>) -> Result<()> {
    let copy = copies::get(&node.db, machine_id).await?;
    let mut subjects = vec![machine_id.to_owned()];
    subjects.extend(copy.iter().map(|c| c.lineage.clone()));
    if let Some((_, run)) = runs::taken(&node.db, &subjects).await? {
        problems.push(critical(name, format!("Another run ({run}) works on it."), "Wait for its end, or cancel it."));
    }
    if copy.is_some_and(|c| c.role != "active") {
        problems.push(critical(name, "It is not the active copy of this machine.", "Move the active copy."));
    }
    Ok(())
}

fn guard(node: &Node, cloud: &CloudFact, problems: &mut Vec<Problem>) -> Option<Arc<Guard>> {
    let guard = node.clouds.get(&cloud.id);
    if guard.is_none() {
        problems.push(critical(&cloud.name, "This node is not connected to it.", "Look at it under Clouds."));
    }
    guard
}

/// The machine at its source, as it is now.
async fn look(node: &Node, source: &CloudFact, native_id: &str, problems: &mut Vec<Problem>) -> Option<(Observed, MachineSpec)> {
    let guard = guard(node, source, problems)?;
    let seen = guard.run("describe", SHORT, async {
        let machines = guard.cloud().machines().ok_or_else(|| CloudError::lacks("describe machines"))?;
        let observed = guard.cloud().inventory().one(native_id).await?.ok_or_else(|| CloudError::not_found("The machine is gone."))?;
        Ok((observed, machines.describe(native_id).await?))
    });
    match seen.await {
        Ok(seen) => Some(seen),
        Err(e) => {
            problems.push(critical(&source.name, e.message, "A move needs its source: bring the cloud back, or fail its site over."));
            None
        }
    }
}

/// By the request, else to what has the same name.
fn mappings(observed: &Observed, request: &MoveRequest) -> (Vec<Mapping>, Vec<Mapping>) {
    let map = |names: Vec<&String>, given: &[Mapping]| {
        let mut all: Vec<Mapping> = given.to_vec();
        for name in names {
            if !all.iter().any(|m| &m.from == name) {
                all.push(Mapping { from: name.clone(), to: name.clone() });
            }
        }
        all
    };
    let networks = observed.nics.iter().filter_map(|n| n.network.as_ref()).collect();
    let pools = observed.disks.iter().filter_map(|d| d.pool.as_ref()).collect();
    (map(networks, &request.networks), map(pools, &request.storage))
}

/// Can its disks be read, and at what price?
async fn check_source(node: &Node, source: &CloudFact, native_id: &str, problems: &mut Vec<Problem>) {
    let Some(guard) = node.clouds.get(&source.id) else { return };
    let Some(disks) = guard.cloud().disk_source() else { return };
    match guard.run("check", SHORT, disks.check(native_id)).await {
        Ok(found) => problems.extend(found),
        // That the source does not answer was said before.
        Err(error) => tracing::debug!(%error, "the source could not be checked"),
    }
}

/// What lies at the target already shortens the copy. Answers about how many bytes are to be sent, and whether the rest
/// is there.
async fn seed(node: &Node, subject: &mut Subject, observed: &Observed, problems: &mut Vec<Problem>) -> Result<(u64, bool)> {
    let all = observed.disks.iter().filter(|d| d.device == "disk").map(|d| d.allocated_bytes.unwrap_or(d.size_bytes)).sum();
    let Some(member) = members::of_machine(&node.db, &subject.machine_id).await? else { return Ok((all, false)) };
    if member.target_cloud_id != subject.target.cloud_id {
        let what = "It is protected to another cloud.";
        problems.push(critical(&subject.name, what, "Move it there, or take it out of its protection group first."));
        return Ok((all, false));
    }
    subject.member_id = Some(member.id.clone());
    subject.lineage = Some(member.lineage.clone());
    let seeded = crate::replication::newest(&node.db, &member.id).await?.is_some();
    Ok((if seeded { member.last_cycle_bytes.map_or(0, i64::unsigned_abs) } else { all }, seeded))
}

/// The point that somebody chose must be one of this machine at the target.
async fn point(node: &Node, subject: &mut Subject, chosen: &str) -> Result<()> {
    let wrong = || {
        let message = format!(
            "It is no recovery point of {} at {}. Leave it out to take the last changes along.",
            subject.name, subject.target.cloud
        );
        Error::invalid("point_id", message)
    };
    let point = points::get(&node.db, chosen).await?.filter(|p| p.cloud_id == subject.target.cloud_id && !p.deleting);
    let point = point.filter(|p| Some(&p.lineage) == subject.lineage.as_ref()).ok_or_else(wrong)?;
    subject.point_id = Some(point.id);
    Ok(())
}

/// Nothing is copied: stopped here, made there.
fn from_point(mode: MoveMode, name: &str, problems: &mut Vec<Problem>) -> MoveMode {
    if mode == MoveMode::Live {
        problems.push(critical(name, "A machine that moves running has no older point.", "Choose another mode, or leave the point out."));
    }
    MoveMode::Cold
}

/// Of a machine that has copies.
async fn lineage(node: &Node, subject: &Subject) -> Result<Option<Id>> {
    if subject.lineage.is_some() {
        return Ok(subject.lineage.clone());
    }
    Ok(copies::get(&node.db, &subject.machine_id).await?.map(|c| c.lineage))
}

/// Names, networks and storage are judged by the cloud, that is pool by pool; memory and CPUs here, since only here is known
/// whether it will run.
async fn check_target(
    node: &Node,
    guard: &Guard,
    spec: &MachineSpec,
    lineage: Option<&Id>,
    subject: &Subject,
    problems: &mut Vec<Problem>,
) {
    let wanted = Wanted { spec, lineage, networks: &subject.networks, storage: &subject.storage };
    match room::problems(&node.db, guard, &wanted, SHORT).await {
        Ok(found) => problems.extend(found),
        Err(e) => problems.push(critical(&guard.name, e.message, "Bring the target back, or choose another.")),
    }
    if guard.cloud().disk_sink().is_none() {
        problems.push(critical(&guard.name, "It cannot keep recovery points.", "Choose another target."));
    }
    let Ok(capacity) = guard.run("capacity", SHORT, guard.cloud().inventory().capacity()).await else { return };
    if subject.was_running && capacity.memory_free_mib < spec.memory_mib {
        let what = format!("{} MiB of memory are free, the machine takes {} MiB.", capacity.memory_free_mib, spec.memory_mib);
        problems.push(critical(&guard.name, what, "Stop something there, or choose another target."));
    }
    if spec.vcpus > capacity.cpus {
        let what = format!("It has {} CPUs, the machine wants {}.", capacity.cpus, spec.vcpus);
        problems.push(Problem::new(Severity::Warning, &guard.name, what, "It will be slow there; give the machine fewer CPUs."));
    }
}

/// What `Auto` comes to, and whether what was asked for can be.
async fn mode(
    node: &Node,
    wanted: MoveMode,
    (observed, subject): (&Observed, &Subject),
    source: &CloudFact,
    target: Option<&Guard>,
    problems: &mut Vec<Problem>,
) -> MoveMode {
    let Some(guard) = node.clouds.get(&source.id) else { return MoveMode::Cold };
    let running = observed.state == PowerState::Running;
    if wanted != MoveMode::Live && guard.cloud().disk_source().is_none() {
        problems.push(critical(&source.name, "It cannot hand out the disks of a machine.", "This machine cannot be moved from here."));
    }
    match wanted {
        MoveMode::Live => {
            if let Err(problem) = live(&guard, target, subject, running).await {
                problems.extend(problem);
            }
            MoveMode::Live
        }
        MoveMode::Cold => MoveMode::Cold,
        MoveMode::Warm if !running => {
            problems.push(Problem::new(Severity::Info, &observed.name, "It does not run: the move is a cold one.", "Nothing."));
            MoveMode::Cold
        }
        MoveMode::Auto if !running => MoveMode::Cold,
        MoveMode::Auto | MoveMode::Warm => MoveMode::Warm,
    }
}

async fn live(source: &Guard, target: Option<&Guard>, subject: &Subject, running: bool) -> std::result::Result<(), Vec<Problem>> {
    if !running {
        return Err(vec![critical(&subject.name, "It does not run.", "Move it cold.")]);
    }
    let (Some(from), Some(target)) = (source.cloud().live_migration(), target) else {
        return Err(vec![critical(&source.name, "It cannot migrate running machines.", "Move it warm.")]);
    };
    let Some(to) = target.cloud().live_migration().filter(|_| source.cloud().kind() == target.cloud().kind()) else {
        return Err(vec![critical(&target.name, "It cannot take running machines from there.", "Move it warm.")]);
    };
    let checked = async {
        let endpoint = target.run("endpoint", SHORT, to.endpoint()).await?;
        let request = MigrateRequest {
            token: "preflight".into(),
            lineage: subject.lineage.clone().unwrap_or_default(),
            native_id: subject.source.native_id.clone(),
            endpoint,
            networks: subject.networks.clone(),
            storage: subject.storage.clone(),
        };
        source.run("check", SHORT, from.check(&request)).await
    };
    match checked.await {
        Ok(problems) if problems.iter().any(Problem::blocks) => Err(problems),
        Ok(_) => Ok(()),
        Err(e) => Err(vec![critical(&target.name, e.message, "Move it warm.")]),
    }
}

fn state(observed: &Observed, problems: &mut Vec<Problem>) {
    match observed.state {
        PowerState::Running | PowerState::Stopped | PowerState::Crashed => {}
        PowerState::ShuttingDown => problems.push(critical(&observed.name, "It is shutting down.", "Wait until it is off.")),
        PowerState::Paused | PowerState::Suspended | PowerState::Unknown => {
            let what = format!("Its state is '{}'.", observed.state.as_str());
            problems.push(critical(&observed.name, what, "Let it run, or stop it."));
        }
    }
}
