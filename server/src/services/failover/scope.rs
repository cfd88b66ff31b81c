//! Everything that a failover of a site is made of: plans, machines, and which of their clouds answer.

use super::targets::{self, Pick};
use crate::{
    error::{Error, Result},
    recovery::look::{self, BRIEF, GLANCE},
    services::plans::{self, Names},
    state::Node,
    store::{
        self,
        plans::{PlanRow, Protected},
    },
};
use futures::future::join_all;
use model::{Id, failover::GroupTargets, plan::PlanSpec};
use std::collections::{HashMap, HashSet};

pub type Planned = (PlanRow, PlanSpec, Vec<Protected>);

pub struct Scope {
    /// With the members that come up: where a group goes to a further target, these stand in for the main ones.
    pub plans: Vec<Planned>,
    /// The plans as they are written, and the clouds of those main members that come up elsewhere.
    pub written: Vec<PlanSpec>,
    pub elsewhere: HashMap<Id, Id>,
    pub targets: Vec<GroupTargets>,
    /// Cloud id to whether it answers now.
    answers: HashMap<Id, bool>,
}

impl Scope {
    pub fn members(&self) -> impl Iterator<Item = (&PlanRow, &PlanSpec, &Protected)> {
        self.plans.iter().flat_map(|(row, spec, members)| members.iter().map(move |m| (row, spec, m)))
    }
    pub fn answers(&self, m: &Protected) -> bool {
        self.answers.get(&m.cloud_id).copied().unwrap_or_default()
    }
    pub fn any_answers(&self) -> bool {
        self.answers.values().any(|a| *a)
    }
    /// A machine that has no recovery point cannot be recovered: it is left as it is.
    pub fn recoverable(&self) -> impl Iterator<Item = (&PlanRow, &PlanSpec, &Protected)> {
        self.members().filter(|(_, _, m)| m.newest_point_at.is_some())
    }
    /// Whether some of the machines are off can only be stated.
    pub fn needs_statement(&self) -> bool {
        self.recoverable().any(|(_, _, m)| !self.answers(m))
    }
}

/// `stated`: somebody says that the site is off. A cloud that is shown as unreachable is not asked once more then; the run
/// does it, for each machine, before it touches anything.
pub async fn scope(node: &Node, site: &str, only: &[Id], pick: Pick<'_>, stated: bool) -> Result<Scope> {
    let rows = store::plans::all(&node.db).await?;
    for (i, id) in only.iter().enumerate() {
        if !rows.iter().any(|r| &r.id == id) {
            return Err(Error::invalid(format!("plan_ids[{i}]"), format!("There is no plan {id}.")));
        }
    }
    let names = Names::load(node).await?;
    let all = store::plans::protected(&node.db, None).await?;
    let mut taken: HashSet<Id> = HashSet::new();
    let mut found = vec![];
    for row in rows.into_iter().filter(|r| only.is_empty() || only.contains(&r.id)) {
        let spec = plans::spec(&row, &names);
        // A machine that runs elsewhere by now is no part of it, and one that two plans cover is recovered once.
        let here = |m: &&Protected| spec.group_ids.contains(&m.group_id) && m.site == site && m.member_state != "recovered";
        let members: Vec<Protected> = all.iter().filter(here).filter(|m| taken.insert(m.member_id.clone())).cloned().collect();
        if !members.is_empty() {
            found.push((row, spec, members));
        }
    }
    let written = found.iter().map(|(_, spec, _)| spec.clone()).collect();
    let further = store::plans::protected_further(&node.db).await?;
    let mut targets = targets::groups(&found, &further);
    let look = async {
        if pick.measure || pick.spread {
            targets::measure(node, &mut targets).await;
        }
    };
    let (answers, ()) = futures::join!(answers(node, found.iter().flat_map(|p| &p.2), stated), look);
    if pick.spread {
        targets::spread(&mut targets);
    }
    targets::choose(&mut targets, pick.targets)?;
    let placed = targets::place(&mut found, &targets, &further);
    let ids = placed.iter().map(|(main, other)| (main.clone(), other.member_id.clone())).collect();
    found.iter_mut().for_each(|(_, spec, _)| *spec = plans::in_place(std::mem::take(spec), &ids));
    let elsewhere = placed.into_iter().map(|(main, other)| (main, other.target_cloud_id)).collect();
    Ok(Scope { plans: found, written, elsewhere, targets, answers })
}

/// Asks each cloud for one of its machines.
async fn answers(node: &Node, members: impl Iterator<Item = &Protected>, stated: bool) -> HashMap<Id, bool> {
    let mut one: HashMap<&Id, &Protected> = HashMap::new();
    for m in members {
        one.entry(&m.cloud_id).or_insert(m);
    }
    let looks = one.into_iter().map(|(id, m)| async move {
        // One that inventory knows to be gone gets a moment only: this is part of the time to recovery.
        let unreachable = m.cloud_status == "unreachable";
        let patience = if unreachable { GLANCE } else { BRIEF * 2 };
        let answers = match node.clouds.get(id) {
            _ if unreachable && stated => false,
            Some(guard) => look::state(&guard, &m.native_id, patience).await.is_ok(),
            None => false,
        };
        (id.clone(), answers)
    });
    join_all(looks).await.into_iter().collect()
}
