//! Fail over site: what one press would do, and the press.

mod build;
mod problems;
mod scope;
mod targets;

use super::{
    caller::Caller,
    plans::readiness::{settings, starts},
    runs::{self, Begin},
};
use crate::{
    error::{Error, Result},
    recovery::{compile, statement},
    state::Node,
    store::{
        self,
        plans::{PlanRow, Protected},
    },
};
use model::{
    Id,
    access::Role,
    failover::TargetChoice,
    machine::PowerState,
    plan::PlanSpec,
    protection::Policy,
    run::{BlastMachine, BlastRadius, FailoverRequest, Run, RunKind},
};
use scope::{Scope, scope};
use std::collections::HashSet;
use targets::Pick;

// One machine is recovered in the same way.
pub(super) use build::{has_old_copy, subject};

/// Before it is pressed. Changes nothing. `chosen`: groups that are to come up at another of their targets.
pub async fn blast_radius(node: &Node, site: &str, chosen: &[TargetChoice], spread: bool) -> Result<BlastRadius> {
    let clouds = store::plans::clouds_at(&node.db, site).await?;
    if clouds.is_empty() {
        return Err(Error::not_found(format!("site {site}")));
    }
    let scope = scope(node, site, &[], Pick { targets: chosen, spread, measure: true }, false).await?;
    let covered: HashSet<&Id> = scope.members().map(|(_, _, m)| &m.machine_id).collect();
    let mut unprotected: Vec<String> = store::plans::unprotected_at(&node.db, site)
        .await?
        .into_iter()
        .filter(|(_, id)| !covered.contains(id))
        .map(|(name, _)| name)
        .collect();
    unprotected.extend(without_plan(node, site, &covered).await?);
    Ok(BlastRadius {
        site: site.into(),
        site_answers: scope.any_answers(),
        machines: scope.members().map(|(row, spec, m)| blast(row, spec, m)).collect(),
        unprotected,
        addresses: scope.plans.iter().flat_map(|(_, s, _)| s.service_addresses.iter().map(|a| a.address.clone())).collect(),
        problems: problems::find(node, &scope).await?,
        confirm: site.into(),
        statement: scope.needs_statement().then(|| statement(site)),
        forecast_rto_ms: forecast(node, scope.recoverable().count()).await?,
        targets: scope.targets,
    })
}

pub async fn start(node: &Node, caller: &Caller, site: &str, request: &FailoverRequest) -> Result<Run> {
    let subject = super::audit::name(site);
    super::audit::refused(node, caller, "run.start", &subject, try_start(node, caller, site, request).await).await
}

async fn try_start(node: &Node, caller: &Caller, site: &str, request: &FailoverRequest) -> Result<Run> {
    caller.must_be(Role::Operator)?;
    if request.confirm != site {
        return Err(Error::invalid("confirm", format!("Type the name of the site exactly: {site}")));
    }
    let stated = request.statement.as_deref() == Some(&statement(site));
    let pick = Pick { targets: &request.targets, spread: request.spread, measure: false };
    let scope = scope(node, site, &request.plan_ids, pick, stated).await?;
    if scope.recoverable().next().is_none() {
        return Err(Error::conflict(format!("No plan has a machine at {site} that could be recovered. Look at the blast radius.")));
    }
    let typed = typed(site, &scope, request)?;
    if typed.is_none() {
        must_be_ready(node, caller, site, &scope).await?;
    }
    let (spec, failover) = build::build(node, site, &scope, &request.points).await?;
    let steps = compile::failover(&failover);
    let title = format!("Fail over {site}");
    runs::begin(node, caller, Begin { kind: RunKind::Failover, title, subject: site.into(), spec, steps, statement: typed }).await
}

/// The statement, where it cannot be proved that the machines are off.
fn typed(site: &str, scope: &Scope, request: &FailoverRequest) -> Result<Option<String>> {
    if !scope.needs_statement() {
        return Ok(None);
    }
    let sentence = statement(site);
    if request.statement.as_deref() == Some(&sentence) {
        return Ok(Some(sentence));
    }
    let message =
        format!("{site} does not answer: it cannot be proved that its machines are off. Make sure, then type exactly: {sentence}");
    Err(Error::invalid("statement", message))
}

/// The machines of a site that answers would be stopped for it.
async fn must_be_ready(node: &Node, caller: &Caller, site: &str, scope: &Scope) -> Result<()> {
    let found = problems::find(node, scope).await?;
    let stops: Vec<String> = found.iter().filter(|p| p.blocks()).map(|p| format!("{}: {} {}", p.subject, p.what, p.remedy)).collect();
    if stops.is_empty() {
        return Ok(());
    }
    let message = format!("{site} answers and was left as it is, since not all of it would come up elsewhere. {}", stops.join(" "));
    super::audit::record(node, caller, "run.start", site, false, &message).await;
    Err(Error::conflict(message))
}

fn blast(row: &PlanRow, spec: &PlanSpec, m: &Protected) -> BlastMachine {
    let addresses = spec.service_addresses.iter().filter(|a| a.member_id == m.member_id).map(|a| a.address.clone());
    BlastMachine {
        member_id: m.member_id.clone(),
        name: m.name.clone(),
        plan: row.name.clone(),
        priority: settings(spec, m).priority,
        state: PowerState::parse(&m.power).unwrap_or(PowerState::Unknown),
        starts: starts(spec, m),
        newest_point_at: m.newest_point_at,
        rpo_seconds: serde_json::from_str::<Policy>(&m.policy).unwrap_or_default().rpo_seconds,
        target_cloud: m.target_cloud.clone(),
        addresses: addresses.collect(),
    }
}

/// Protected, but no plan covers the group: nothing would bring them up.
async fn without_plan(node: &Node, site: &str, covered: &HashSet<&Id>) -> Result<Vec<String>> {
    let all = store::plans::protected(&node.db, None).await?;
    let lost = all.into_iter().filter(|m| m.site == site && m.member_state != "recovered" && !covered.contains(&m.machine_id));
    Ok(lost.map(|m| format!("{} (protected, but in no plan)", m.name)).collect())
}

/// From the newest failover that was observed, by its number of machines.
async fn forecast(node: &Node, machines: usize) -> Result<Option<u64>> {
    let over = store::runs::list(&node.db, Some(false), 50, None).await?;
    let seen = over.iter().filter(|r| r.kind == RunKind::Failover.as_str()).map(crate::recovery::view::run);
    let seen = seen.filter_map(|r| r.outcome).find_map(|o| Some((o.rta_ms?, o.machines.iter().filter(|m| m.recovered).count().max(1))));
    Ok(seen.map(|(ms, count)| ms * machines.max(1) as u64 / count as u64))
}
