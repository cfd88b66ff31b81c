//! Fail over site: what one press would do, and the press.

use super::{
    caller::Caller,
    plans,
    runs::{self, Begin},
};
use crate::{
    error::{Error, Result},
    recovery::{
        compile::{self, Failover, FailoverMachine, FailoverPlan},
        look::{self, BRIEF},
        old_copy::in_the_way,
        spec::{Place, RunSpec, Subject},
        statement,
    },
    state::Node,
    store::{
        self,
        plans::{PlanRow, Protected},
    },
};
use futures::future::join_all;
use model::{
    Id, Mapping, Problem, Severity,
    access::Role,
    machine::PowerState,
    plan::{PlanMachine, PlanSpec},
    protection::Policy,
    run::{BlastMachine, BlastRadius, FailoverRequest, Run, RunKind},
};
use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

/// Everything that a failover of a site is made of.
struct Scope {
    plans: Vec<(PlanRow, PlanSpec, Vec<Protected>)>,
    /// Cloud id to whether it answers now.
    answers: HashMap<Id, bool>,
}

impl Scope {
    fn members(&self) -> impl Iterator<Item = (&PlanRow, &PlanSpec, &Protected)> {
        self.plans.iter().flat_map(|(row, spec, members)| members.iter().map(move |m| (row, spec, m)))
    }
    fn answers(&self, m: &Protected) -> bool {
        self.answers.get(&m.cloud_id).copied().unwrap_or_default()
    }
    /// A machine that has no recovery point cannot be recovered: it is left as it is.
    fn recoverable(&self) -> impl Iterator<Item = (&PlanRow, &PlanSpec, &Protected)> {
        self.members().filter(|(_, _, m)| m.newest_point_at.is_some())
    }
}

/// Before it is pressed. Changes nothing.
pub async fn blast_radius(node: &Node, site: &str) -> Result<BlastRadius> {
    let clouds = store::plans::clouds_at(&node.db, site).await?;
    if clouds.is_empty() {
        return Err(Error::not_found(format!("site {site}")));
    }
    let scope = scope(node, site, &[]).await?;
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
        site_answers: scope.answers.values().any(|a| *a),
        machines: scope.members().map(|(row, spec, m)| blast(row, spec, m)).collect(),
        unprotected,
        addresses: scope.plans.iter().flat_map(|(_, s, _)| s.service_addresses.iter().map(|a| a.address.clone())).collect(),
        problems: problems(node, &scope).await?,
        confirm: site.into(),
        statement: needs_statement(&scope).then(|| statement(site)),
        forecast_rto_ms: forecast(node, scope.recoverable().count()).await?,
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
    let scope = scope(node, site, &request.plan_ids).await?;
    if scope.recoverable().next().is_none() {
        return Err(Error::conflict(format!("No plan has a machine at {site} that could be recovered. Look at the blast radius.")));
    }
    let sentence = statement(site);
    let typed = if needs_statement(&scope) {
        if request.statement.as_deref() != Some(&sentence) {
            let message =
                format!("{site} does not answer: it cannot be proved that its machines are off. Make sure, then type exactly: {sentence}");
            return Err(Error::invalid("statement", message));
        }
        Some(sentence)
    } else {
        None
    };
    let (spec, failover) = plan(site, &scope);
    let steps = compile::failover(&failover);
    let title = format!("Fail over {site}");
    runs::begin(node, caller, Begin { kind: RunKind::Failover, title, subject: site.into(), spec, steps, statement: typed }).await
}

async fn scope(node: &Node, site: &str, only: &[Id]) -> Result<Scope> {
    let rows = store::plans::all(&node.db).await?;
    for (i, id) in only.iter().enumerate() {
        if !rows.iter().any(|r| &r.id == id) {
            return Err(Error::invalid(format!("plan_ids[{i}]"), format!("There is no plan {id}.")));
        }
    }
    let all = store::plans::protected(&node.db, None).await?;
    let mut taken: HashSet<Id> = HashSet::new();
    let mut plans = vec![];
    for row in rows.into_iter().filter(|r| only.is_empty() || only.contains(&r.id)) {
        let spec = plans::spec(&row);
        // A machine that runs elsewhere by now is no part of it, and one that two plans cover is recovered once.
        let here = |m: &&Protected| spec.group_ids.contains(&m.group_id) && m.site == site && m.member_state != "recovered";
        let members: Vec<Protected> = all.iter().filter(here).filter(|m| taken.insert(m.member_id.clone())).cloned().collect();
        if !members.is_empty() {
            plans.push((row, spec, members));
        }
    }
    let answers = answers(node, plans.iter().flat_map(|p| &p.2)).await;
    Ok(Scope { plans, answers })
}

/// Asks each cloud for one of its machines.
async fn answers(node: &Node, members: impl Iterator<Item = &Protected>) -> HashMap<Id, bool> {
    let mut one: HashMap<&Id, &Protected> = HashMap::new();
    for m in members {
        one.entry(&m.cloud_id).or_insert(m);
    }
    let looks = one.into_iter().map(|(id, m)| async move {
        // One that inventory knows to be gone gets a moment only: this is part of the time to recovery.
        let patience = if m.cloud_status == "unreachable" { Duration::from_millis(150) } else { BRIEF * 2 };
        let answers = match node.clouds.get(id) {
            Some(guard) => look::state(&guard, &m.native_id, patience).await.is_ok(),
            None => false,
        };
        (id.clone(), answers)
    });
    join_all(looks).await.into_iter().collect()
}

fn needs_statement(scope: &Scope) -> bool {
    scope.recoverable().any(|(_, _, m)| !scope.answers(m))
}

fn settings(spec: &PlanSpec, m: &Protected) -> PlanMachine {
    spec.machines.iter().find(|p| p.member_id == m.member_id).cloned().unwrap_or_else(|| PlanMachine::with_defaults(m.member_id.clone()))
}

fn blast(row: &PlanRow, spec: &PlanSpec, m: &Protected) -> BlastMachine {
    let addresses = spec.service_addresses.iter().filter(|a| a.member_id == m.member_id).map(|a| a.address.clone());
    BlastMachine {
        name: m.name.clone(),
        plan: row.name.clone(),
        priority: settings(spec, m).priority,
        state: PowerState::parse(&m.power).unwrap_or(PowerState::Unknown),
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

async fn problems(node: &Node, scope: &Scope) -> Result<Vec<Problem>> {
    let mut problems = vec![];
    for (_, _, m) in scope.members() {
        if m.newest_point_at.is_none() {
            let remedy = "Wait for its initial sync if the site still answers; else it is lost.";
            problems.push(Problem::new(Severity::Warning, &m.name, "It has no recovery point: it will not be recovered.", remedy));
        }
        let old = store::old_copies::at(&node.db, &m.lineage, &m.target_cloud_id).await?;
        problems.extend(old.iter().map(|old| in_the_way(old, &m.target_cloud)));
        if let Some((_, run)) = store::runs::taken(&node.db, &[m.machine_id.clone(), m.lineage.clone()]).await? {
            problems.push(Problem::new(
                Severity::Critical,
                &m.name,
                format!("Another run ({run}) works on it."),
                "Wait for its end, or cancel it.",
            ));
        }
    }
    let targets: HashSet<(&Id, &String)> = scope.members().map(|(_, _, m)| (&m.target_cloud_id, &m.target_cloud)).collect();
    for (id, name) in targets {
        if node.clouds.get(id).is_none() {
            problems.push(Problem::new(
                Severity::Critical,
                name,
                "This node is not connected to the recovery cloud.",
                "Look at it under Clouds.",
            ));
        }
    }
    if scope.plans.is_empty() {
        let remedy = "Make a plan for the groups that are protected there.";
        problems.push(Problem::new(Severity::Critical, "plans", "No plan protects a machine at this site.", remedy));
    }
    Ok(problems)
}

/// From the newest failover that was observed, by its number of machines.
async fn forecast(node: &Node, machines: usize) -> Result<Option<u64>> {
    let over = store::runs::list(&node.db, Some(false), 50, None).await?;
    let seen = over.iter().filter(|r| r.kind == RunKind::Failover.as_str()).map(crate::recovery::view::run);
    let seen = seen.filter_map(|r| r.outcome).find_map(|o| Some((o.rta_ms?, o.machines.iter().filter(|m| m.recovered).count().max(1))));
    Ok(seen.map(|(ms, count)| ms * machines.max(1) as u64 / count as u64))
}

fn plan(site: &str, scope: &Scope) -> (RunSpec, Failover) {
    let mut labels: HashMap<String, u32> = HashMap::new();
    let mut spec = RunSpec { site: Some(site.into()), ..RunSpec::default() };
    let mut failover = Failover::default();
    for (row, plan_spec, members) in &scope.plans {
        let mut machines = vec![];
        for m in members.iter().filter(|m| m.newest_point_at.is_some()) {
            let n = labels.entry(m.name.clone()).and_modify(|n| *n += 1).or_insert(1);
            let label = if *n == 1 { m.name.clone() } else { format!("{}~{n}", m.name) };
            let subject = subject(m, label);
            spec.subjects.push(subject.clone());
            machines.push(FailoverMachine { subject, settings: settings(plan_spec, m), source_answers: scope.answers(m) });
        }
        spec.plan_ids.push(row.id.clone());
        spec.group_ids.extend(plan_spec.group_ids.iter().filter(|g| members.iter().any(|m| &m.group_id == *g)).cloned());
        let (addresses, callouts) = (plan_spec.service_addresses.clone(), plan_spec.callouts.clone());
        failover.plans.push(FailoverPlan { name: row.name.clone(), machines, addresses, callouts });
    }
    spec.group_ids.sort();
    spec.group_ids.dedup();
    (spec, failover)
}

fn subject(m: &Protected, label: String) -> Subject {
    let maps = |text: &str| serde_json::from_str::<Vec<Mapping>>(text).unwrap_or_default();
    Subject {
        label,
        name: m.name.clone(),
        member_id: Some(m.member_id.clone()),
        lineage: Some(m.lineage.clone()),
        machine_id: m.machine_id.clone(),
        source: Place { cloud_id: m.cloud_id.clone(), cloud: m.cloud.clone(), site: m.site.clone(), native_id: m.native_id.clone() },
        target: Place { cloud_id: m.target_cloud_id.clone(), cloud: m.target_cloud.clone(), ..Place::default() },
        networks: maps(&m.networks),
        storage: maps(&m.storage),
        was_running: m.power == "running",
        seen_at: m.seen_at,
    }
}
