//! Recover elsewhere: one machine that failed, from its recovery points at another cloud.
//!
//! It is the failover of a single machine, made of the same steps and with the same safety: one at a cloud that answers
//! is stopped there and read back, one whose cloud is silent needs the typed statement, and nothing is started before
//! the promotion.

mod scope;

use super::{
    audit::About,
    caller::Caller,
    failover, placement,
    plans::{
        self, Names,
        readiness::{self, settings},
    },
    runs::{self, Begin},
};
use crate::{
    error::{Error, Result},
    recovery::{
        compile::{self, Failover, FailoverMachine, FailoverPlan, GRACE},
        spec::{RunSpec, Subject},
        statement,
    },
    state::Node,
    store::{self, plans::Protected, points},
};
use model::{
    Id, Problem,
    access::Role,
    machine::PowerState,
    plan::{PlanMachine, ServiceAddress},
    recovery::{RecoverRequest, Recovery},
    run::{Run, RunKind},
};
use scope::{Scope, scope};

/// Before it is started. Changes nothing. `target`: the cloud to recover it at; left out: the one with the newest point.
pub async fn look(node: &Node, id: &str, target: Option<&str>) -> Result<Recovery> {
    let s = scope(node, id, target, false).await?;
    let (rows, best) = placement::from_points(node, &s.kept).await?;
    Ok(Recovery {
        machine_id: s.machine.machine_id.clone(),
        machine: s.machine.name.clone(),
        cloud: s.machine.cloud.clone(),
        site: s.machine.site.clone(),
        failed: s.failed,
        source_answers: s.answers,
        point: s.point.shown(),
        rows,
        best,
        problems: taken(node, &s.machine).await?,
        confirm: s.machine.name.clone(),
        statement: (!s.answers).then(|| statement(&s.machine.site)),
    })
}

async fn taken(node: &Node, m: &Protected) -> Result<Vec<Problem>> {
    let run = store::runs::taken(&node.db, &[m.machine_id.clone(), m.lineage.clone()]).await?;
    let what = |(_, run): (Id, Id)| format!("Another run ({run}) works on it.");
    Ok(run.map(|r| Problem::new(model::Severity::Critical, &m.name, what(r), "Wait for its end, or cancel it.")).into_iter().collect())
}

pub async fn start(node: &Node, caller: &Caller, id: &str, request: &RecoverRequest) -> Result<Run> {
    let name = super::audit::name(id);
    super::audit::refused(node, caller, "run.start", About::new(&name, &name), try_start(node, caller, id, request).await).await
}

async fn try_start(node: &Node, caller: &Caller, id: &str, request: &RecoverRequest) -> Result<Run> {
    caller.must_be(Role::Operator)?;
    let s = scope(node, id, request.target_cloud_id.as_deref(), request.statement.is_some()).await?;
    let m = &s.machine;
    if request.confirm != m.name {
        return Err(Error::invalid("confirm", format!("Type the name of the machine exactly: {}", m.name)));
    }
    let typed = typed(&s, request)?;
    if typed.is_none() {
        must_be_ready(node, m).await?;
    }
    let point_id = chosen(node, &s, request).await?;
    let (spec, failover) = build(node, &s, point_id).await?;
    let title = format!("Recover {} at {}", m.name, m.target_cloud);
    let steps = compile::failover(&failover);
    runs::begin(node, caller, Begin { kind: RunKind::Failover, title, subject: m.name.clone(), spec, steps, statement: typed }).await
}

/// The statement, where it cannot be proved that it is off.
fn typed(s: &Scope, request: &RecoverRequest) -> Result<Option<String>> {
    if s.answers {
        return Ok(None);
    }
    let sentence = statement(&s.machine.site);
    if request.statement.as_deref() == Some(&sentence) {
        return Ok(Some(sentence));
    }
    let message = format!(
        "{} does not answer: it cannot be proved that {} is off. Make sure, then type exactly: {sentence}",
        s.machine.cloud, s.machine.name
    );
    Err(Error::invalid("statement", message))
}

/// What failed is still not given up for nothing.
async fn must_be_ready(node: &Node, m: &Protected) -> Result<()> {
    let found = readiness::targets(node, &[(m, true)], readiness::SHORT).await;
    let stops: Vec<String> = found.iter().filter(|p| p.blocks()).map(|p| format!("{}: {} {}", p.subject, p.what, p.remedy)).collect();
    if stops.is_empty() { Ok(()) } else { Err(Error::conflict(format!("{} was left as it is. {}", m.name, stops.join(" ")))) }
}

async fn chosen(node: &Node, s: &Scope, request: &RecoverRequest) -> Result<Option<Id>> {
    let Some(id) = &request.point_id else { return Ok(None) };
    let m = &s.machine;
    let point = points::get(&node.db, id).await?;
    let usable = point.filter(|p| p.lineage == m.lineage && p.cloud_id == m.target_cloud_id && !p.deleting && p.missing_since.is_none());
    let none = || {
        let message =
            format!("It is no recovery point of {} at {}. Take one of GET /machines/{}/points.", m.name, m.target_cloud, m.machine_id);
        Error::invalid("point_id", message)
    };
    usable.map(|p| Some(p.id)).ok_or_else(none)
}

async fn build(node: &Node, s: &Scope, point_id: Option<Id>) -> Result<(RunSpec, Failover)> {
    let m = &s.machine;
    let (settings, addresses, plan_ids) = by_plan(node, s).await?;
    let subject = Subject { point_id, ..failover::subject(m, m.name.clone()) };
    let starts = settings.always_start || PowerState::parse(&m.power) != Some(PowerState::Stopped);
    // What is paused does not hear that it is asked to go down.
    let grace_seconds = if s.state == Some(PowerState::Paused) { 0 } else { GRACE };
    let old_copy = failover::has_old_copy(node, m).await?;
    let machine = FailoverMachine { subject: subject.clone(), settings, source_answers: s.answers, starts, grace_seconds, old_copy };
    let plan = FailoverPlan { name: m.group_name.clone(), machines: vec![machine], addresses, callouts: vec![] };
    let spec = RunSpec { subjects: vec![subject], site: Some(m.site.clone()), plan_ids, group_ids: vec![m.group_id.clone()] };
    Ok((spec, Failover { plans: vec![plan] }))
}

/// Health check and service addresses as the first plan has them that covers it; alone it waits for nobody.
async fn by_plan(node: &Node, s: &Scope) -> Result<(PlanMachine, Vec<ServiceAddress>, Vec<Id>)> {
    let m = &s.machine;
    let names = Names::load(node).await?;
    let all = store::plans::all(&node.db).await?;
    let put = |spec| plans::in_place(spec, &[(s.main.clone(), m.member_id.clone())].into());
    let plan = all.into_iter().map(|row| (put(plans::spec(&row, &names)), row.id)).find(|(spec, _)| spec.group_ids.contains(&m.group_id));
    let Some((spec, id)) = plan else { return Ok((PlanMachine::with_defaults(m.member_id.clone()), vec![], vec![])) };
    let settings = PlanMachine { after: vec![], start_delay_seconds: 0, ..settings(&spec, m) };
    let addresses = spec.service_addresses.iter().filter(|a| a.member_id == m.member_id).cloned().collect();
    Ok((settings, addresses, vec![id]))
}
