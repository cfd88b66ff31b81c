//! Is there room for a machine at its target: everything that would be in the way of making it there. Touches nothing.
//!
//! An older copy of the very machine has its identity. It is no obstacle as long as it is superseded and stopped: a run
//! sets it aside before it makes the new one.

use super::{look, readdress};
use crate::{
    clouds::{
        MachineSpec,
        error::{Error, Result},
        guard::Guard,
    },
    store::{
        Db, StoreResult,
        copies::{self, PlacedCopy},
    },
};
use model::{Id, Mapping, Problem, Severity, machine::CopyRole};
use std::time::Duration;

/// What is to be made, and where from.
pub struct Wanted<'a> {
    pub spec: &'a MachineSpec,
    /// Of a machine that has copies.
    pub lineage: Option<&'a Id>,
    pub networks: &'a [Mapping],
    pub storage: &'a [Mapping],
}

/// The superseded copy that has the place of this machine.
///
/// # Errors
/// The store's.
pub async fn old_copy(db: &Db, lineage: &str, cloud_id: &str, spec: &MachineSpec) -> StoreResult<Option<PlacedCopy>> {
    let there = copies::at_cloud(db, lineage, cloud_id).await?;
    let takes_its_place = |c: &PlacedCopy| Some(&c.native_id) == spec.uuid.as_ref() || c.name == spec.name;
    Ok(there.into_iter().find(|c| c.role == CopyRole::Superseded.as_str() && takes_its_place(c)))
}

/// # Errors
/// The target's, or it did not answer in time.
pub async fn problems(db: &Db, guard: &Guard, wanted: &Wanted<'_>, patience: Duration) -> Result<Vec<Problem>> {
    let old = match wanted.lineage {
        Some(lineage) => old_copy(db, lineage, &guard.id, wanted.spec).await.map_err(|e| Error::transient(format!("The store: {e}")))?,
        None => None,
    };
    let found = readdress::apply(wanted.spec, wanted.networks);
    let replaces = old.as_ref().map(|old| old.native_id.as_str());
    let dry = guard.glance("check_create", patience, async {
        let machines = guard.cloud().machines().ok_or_else(|| Error::lacks("create machines"))?;
        let mut all = machines.check_create(&found.spec, wanted.networks, wanted.storage, replaces).await?;
        all.extend(readdress::problems(&found, machines.tells_guests()));
        Ok(all)
    });
    let mut found = dry.await?;
    if let Some(old) = old {
        found.extend(of_old_copy(guard, &old, patience).await?);
    }
    Ok(found)
}

async fn of_old_copy(guard: &Guard, old: &PlacedCopy, patience: Duration) -> Result<Option<Problem>> {
    Ok(match look::state(guard, &old.native_id, patience).await? {
        None => None,
        Some(state) if state.is_off() => Some(Problem::new(
            Severity::Info,
            &old.name,
            format!("Its old copy at {} has its place: it is set aside under another name first, with its disks.", guard.name),
            "Nothing.",
        )),
        Some(state) => Some(Problem::new(
            Severity::Critical,
            &old.name,
            format!("Its old copy at {} is not off ({}).", guard.name, state.as_str()),
            "Stop that copy: it is superseded.",
        )),
    })
}
