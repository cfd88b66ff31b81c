//! The machine that is to move, at its cloud, as it is now: looked at once, however many targets are asked.

use super::{critical, guard};
use crate::{
    clouds::{MachineSpec, Observed, error::Error as CloudError, guard::SHORT},
    error::{Error, Result},
    recovery::spec::Place,
    state::Node,
    store::{
        copies, machines,
        machines::StoredMachine,
        members::{self, StoredMember},
        plans::{self, CloudFact},
        points::StoredPoint,
        runs,
    },
};
use model::{Id, Problem, machine::PowerState};

pub struct Origin {
    pub stored: StoredMachine,
    pub cloud: CloudFact,
    /// As its cloud shows it now, else as it was last seen.
    pub observed: Observed,
    /// How to make it again; `None`: its cloud did not tell.
    pub spec: Option<MachineSpec>,
    /// Of a machine that has copies.
    pub lineage: Option<Id>,
    /// That replicate it, the main one first, each with its newest recovery point.
    pub members: Vec<(StoredMember, Option<StoredPoint>)>,
    /// What stands against a move of it, wherever it goes.
    pub problems: Vec<Problem>,
}

impl Origin {
    pub fn is_running(&self) -> bool {
        self.observed.state == PowerState::Running
    }
    pub fn place(&self) -> Place {
        super::place(&self.cloud, &self.stored.native_id)
    }
    /// Who replicates it to this cloud.
    pub fn to(&self, cloud_id: &str) -> Option<&(StoredMember, Option<StoredPoint>)> {
        self.members.iter().find(|(m, _)| m.target_cloud_id == cloud_id)
    }
    /// Its newest recovery point, wherever that lies.
    pub fn newest(&self) -> Option<&StoredPoint> {
        self.members.iter().filter_map(|(_, p)| p.as_ref()).max_by_key(|p| p.taken_at)
    }
    /// Bytes that its disks really hold.
    pub fn bytes(&self) -> u64 {
        self.observed.disks.iter().filter(|d| d.device == "disk").map(|d| d.allocated_bytes.unwrap_or(d.size_bytes)).sum()
    }
}

/// By what is known; its cloud is asked by [`look`].
pub async fn known(node: &Node, machine_id: &str) -> Result<Origin> {
    let stored = machines::get(&node.db, machine_id).await?.filter(|m| m.gone_at.is_none());
    let stored = stored.ok_or_else(|| Error::not_found(format!("machine {machine_id}")))?;
    let no_cloud = || Error::invalid("machine_id", format!("There is no cloud {}. Take one of GET /clouds.", stored.cloud_id));
    let cloud = plans::cloud(&node.db, &stored.cloud_id).await?.ok_or_else(no_cloud)?;
    let mut replicated = vec![];
    for member in members::all_of_machine(&node.db, &stored.id).await? {
        let newest = crate::replication::newest(&node.db, &member.id).await?;
        replicated.push((member, newest));
    }
    let copy = copies::get(&node.db, &stored.id).await?;
    let lineage = replicated.first().map(|(m, _)| m.lineage.clone()).or_else(|| copy.as_ref().map(|c| c.lineage.clone()));
    let mut problems = vec![];
    taken(node, &stored, lineage.as_ref(), &mut problems).await?;
    if copy.is_some_and(|c| c.role != "active") {
        let name = &stored.observed.name;
        problems.push(critical(name, "It is not the active copy of this machine.", "Move the active copy."));
    }
    let observed = stored.observed.clone();
    Ok(Origin { stored, cloud, observed, spec: None, lineage, members: replicated, problems })
}

/// In another run.
async fn taken(node: &Node, stored: &StoredMachine, lineage: Option<&Id>, problems: &mut Vec<Problem>) -> Result<()> {
    let mut subjects = vec![stored.id.clone()];
    subjects.extend(lineage.cloned());
    if let Some((_, run)) = runs::taken(&node.db, &subjects).await? {
        let what = format!("Another run ({run}) works on it.");
        problems.push(critical(&stored.observed.name, what, "Wait for its end, or cancel it."));
    }
    Ok(())
}

/// Asks its cloud.
pub async fn look(node: &Node, mut origin: Origin) -> Origin {
    if let Some((observed, spec)) = describe(node, &mut origin).await {
        (origin.observed, origin.spec) = (observed, Some(spec));
    }
    disks(node, &mut origin).await;
    state(&origin.observed, &mut origin.problems);
    origin
}

async fn describe(node: &Node, origin: &mut Origin) -> Option<(Observed, MachineSpec)> {
    let native_id = &origin.stored.native_id;
    let guard = guard(node, &origin.cloud, &mut origin.problems)?;
    let seen = guard.run("describe", SHORT, async {
        let machines = guard.cloud().machines().ok_or_else(|| CloudError::lacks("describe machines"))?;
        let observed = guard.cloud().inventory().one(native_id).await?.ok_or_else(|| CloudError::not_found("The machine is gone."))?;
        Ok((observed, machines.describe(native_id).await?))
    });
    match seen.await {
        Ok(seen) => Some(seen),
        Err(e) => {
            let remedy = "A move needs its source: bring the cloud back, or fail its site over.";
            origin.problems.push(critical(&origin.cloud.name, e.message, remedy));
            None
        }
    }
}

/// Can its disks be read, and at what price?
async fn disks(node: &Node, origin: &mut Origin) {
    let Some(guard) = node.clouds.get(&origin.cloud.id) else { return };
    let Some(disks) = guard.cloud().disk_source() else { return };
    match guard.run("check", SHORT, disks.check(&origin.stored.native_id)).await {
        Ok(found) => origin.problems.extend(found),
        // That the source does not answer was said before.
        Err(error) => tracing::debug!(%error, "the source could not be checked"),
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
