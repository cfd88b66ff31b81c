//! Recovery plans: kept right from the start, and checked for readiness without touching anything.

mod names;
pub(super) mod readiness;
mod validate;

pub use names::Names;
pub use validate::check_health;

use super::{
    acting,
    audit::{self, About},
    caller::Caller,
};
use crate::{
    error::{Error, Result},
    state::{Node, new_id, now},
    store::plans::{self, GroupSites, NewPlan, PlanRow, Saved},
};
use model::{
    Id, Page, Problem,
    access::Role,
    live::Topic,
    plan::{Plan, PlanSpec},
};
use std::collections::HashMap;

pub async fn list(node: &Node, limit: u32, cursor: Option<&str>) -> Result<Page<Plan>> {
    let (groups, names) = (plans::groups(&node.db).await?, Names::load(node).await?);
    let rows = plans::page(&node.db, cursor, i64::from(limit) + 1).await?;
    Ok(super::page(rows.iter().map(|r| shown(r, &groups, &names)).collect(), limit, |p| p.spec.name.clone()))
}

pub async fn get(node: &Node, id: &str) -> Result<Plan> {
    let row = plans::get(&node.db, id).await?.ok_or_else(|| Error::not_found(format!("plan {id}")))?;
    Ok(shown(&row, &plans::groups(&node.db).await?, &Names::load(node).await?))
}

pub async fn create(node: &Node, caller: &Caller, spec: PlanSpec) -> Result<Plan> {
    let (id, name) = (new_id(), audit::name(&spec.name));
    audit::refused(node, caller, "plan.create", &name, save(node, caller, &id, spec, Change::New).await).await
}

/// `seen`: the version that the change was made from.
pub async fn update(node: &Node, caller: &Caller, id: &str, spec: PlanSpec, seen: Option<i64>) -> Result<Plan> {
    get(node, id).await?;
    audit::refused(node, caller, "plan.update", About::new(id, id), save(node, caller, id, spec, Change::Of(seen)).await).await
}

enum Change {
    New,
    Of(Option<i64>),
}

async fn save(node: &Node, caller: &Caller, id: &str, mut spec: PlanSpec, change: Change) -> Result<Plan> {
    caller.must_be(Role::Administrator)?;
    spec.name = spec.name.trim().to_owned();
    Names::load(node).await?.resolve(&mut spec);
    let wrong = validate::fields(node, &spec).await?;
    if !wrong.is_empty() {
        return Err(Error::invalid_fields(wrong));
    }
    let text = serde_json::json!(spec).to_string();
    let new = NewPlan { id, name: &spec.name, spec: &text, at: now() };
    let action = if matches!(change, Change::New) { "plan.create" } else { "plan.update" };
    let event = audit::event(caller, action, About::new(&spec.name, id), "");
    let saved = match change {
        Change::New => plans::insert(&node.db, &new, &event).await?,
        Change::Of(seen) => plans::update(&node.db, &new, seen, &event).await?,
    };
    match saved {
        Saved::Yes(seq) => audit::show(node, event, seq),
        Saved::Taken => return Err(Error::invalid("name", format!("There is a plan '{}' already. Take another name.", spec.name))),
        Saved::Changed => return Err(audit::changed_meanwhile(node, "The plan", id).await),
    }
    acting::begin();
    // A plan that was just written says at once whether it would work.
    recheck(node, id).await
}

pub async fn delete(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    audit::refused(node, caller, "plan.delete", About::new(id, id), try_delete(node, caller, id).await).await
}

async fn try_delete(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    caller.must_be(Role::Administrator)?;
    let plan = get(node, id).await?;
    let event = audit::event(caller, "plan.delete", About::new(&plan.spec.name, id), "");
    if let Some(seq) = plans::delete(&node.db, id, &event).await? {
        audit::show(node, event, seq);
    }
    node.live.publish(Topic::Plan, id, &serde_json::Value::Null);
    Ok(())
}

/// The readiness check. Touches nothing.
pub async fn check(node: &Node, caller: &Caller, id: &str) -> Result<Plan> {
    caller.must_be(Role::Operator)?;
    let plan = recheck(node, id).await?;
    let findings = format!("{} findings", plan.problems.len());
    audit::record(node, caller, "plan.check", About::new(&plan.spec.name, id), true, findings).await;
    Ok(plan)
}

async fn recheck(node: &Node, id: &str) -> Result<Plan> {
    let plan = get(node, id).await?;
    let problems = readiness::find(node, &plan.spec).await?;
    plans::set_problems(&node.db, id, &serde_json::json!(problems).to_string(), now()).await?;
    let plan = get(node, id).await?;
    node.live.publish(Topic::Plan, id, &plan);
    Ok(plan)
}

/// With the members of today.
pub(super) fn spec(row: &PlanRow, names: &Names) -> PlanSpec {
    let mut spec = serde_json::from_str(&row.spec).unwrap_or_default();
    names.resolve(&mut spec);
    spec
}

/// With some of its members in the place of others: those of a further target.
pub(super) fn in_place(mut spec: PlanSpec, others: &HashMap<Id, Id>) -> PlanSpec {
    let put = |id: &mut Id| {
        if let Some(other) = others.get(id) {
            id.clone_from(other);
        }
    };
    for machine in &mut spec.machines {
        put(&mut machine.member_id);
        machine.after.iter_mut().for_each(put);
    }
    spec.service_addresses.iter_mut().for_each(|a| put(&mut a.member_id));
    spec
}

fn shown(row: &PlanRow, groups: &[GroupSites], names: &Names) -> Plan {
    let spec = spec(row, names);
    let mut problems: Vec<Problem> = serde_json::from_str(&row.problems).unwrap_or_default();
    // Who left a group since the last check is told at once: a plan that names it does less than it says.
    problems.extend(names.unknown(&spec).into_iter().filter(|p| !problems.contains(p)).collect::<Vec<_>>());
    let first = groups.iter().find(|g| spec.group_ids.contains(&g.id));
    Plan {
        id: row.id.clone(),
        protected_site: first.map(|g| g.protected_site.clone()).unwrap_or_default(),
        recovery_site: first.map(|g| g.recovery_site.clone()).unwrap_or_default(),
        updated_at: row.updated_at,
        version: row.version,
        problems,
        checked_at: row.checked_at,
        spec,
    }
}
