//! Recovery plans: kept right from the start, and checked for readiness without touching anything.

mod readiness;
mod validate;

pub use validate::check_health;

use super::{audit::About, caller::Caller};
use crate::{
    error::{Error, Result},
    state::{Node, new_id, now},
    store::plans::{self, GroupSites, PlanRow},
};
use model::{
    Page,
    access::Role,
    live::Topic,
    plan::{Plan, PlanSpec},
};

pub async fn list(node: &Node, limit: u32, cursor: Option<&str>) -> Result<Page<Plan>> {
    let groups = plans::groups(&node.db).await?;
    let rows = plans::page(&node.db, cursor, i64::from(limit) + 1).await?;
    Ok(super::page(rows.iter().map(|r| shown(r, &groups)).collect(), limit, |p| p.spec.name.clone()))
}

pub async fn get(node: &Node, id: &str) -> Result<Plan> {
    let row = plans::get(&node.db, id).await?.ok_or_else(|| Error::not_found(format!("plan {id}")))?;
    Ok(shown(&row, &plans::groups(&node.db).await?))
}

pub async fn create(node: &Node, caller: &Caller, spec: PlanSpec) -> Result<Plan> {
    let id = new_id();
    save(node, caller, &id, spec, "plan.create").await
}

pub async fn update(node: &Node, caller: &Caller, id: &str, spec: PlanSpec) -> Result<Plan> {
    get(node, id).await?;
    save(node, caller, id, spec, "plan.update").await
}

async fn save(node: &Node, caller: &Caller, id: &str, mut spec: PlanSpec, action: &str) -> Result<Plan> {
    caller.must_be(Role::Administrator)?;
    spec.name = spec.name.trim().to_owned();
    let wrong = validate::fields(node, &spec).await?;
    if !wrong.is_empty() {
        return Err(Error::invalid_fields(wrong));
    }
    if !plans::save(&node.db, id, &spec.name, &serde_json::json!(spec).to_string(), now()).await? {
        return Err(Error::invalid("name", format!("There is a plan '{}' already. Take another name.", spec.name)));
    }
    super::audit::record_about(node, caller, action, about(id, &spec.name), true, "").await;
    // A plan that was just written says at once whether it would work.
    recheck(node, id).await
}

pub async fn delete(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    caller.must_be(Role::Administrator)?;
    let plan = get(node, id).await?;
    plans::delete(&node.db, id).await?;
    node.live.publish(Topic::Plan, id, &serde_json::Value::Null);
    super::audit::record_about(node, caller, "plan.delete", about(id, &plan.spec.name), true, "").await;
    Ok(())
}

/// The readiness check. Touches nothing.
pub async fn check(node: &Node, caller: &Caller, id: &str) -> Result<Plan> {
    caller.must_be(Role::Operator)?;
    let plan = recheck(node, id).await?;
    let findings = format!("{} findings", plan.problems.len());
    super::audit::record_about(node, caller, "plan.check", about(id, &plan.spec.name), true, findings).await;
    Ok(plan)
}

fn about<'a>(id: &'a str, name: &'a str) -> About<'a> {
    About { name, id: Some(id), ..About::default() }
}

async fn recheck(node: &Node, id: &str) -> Result<Plan> {
    let plan = get(node, id).await?;
    let problems = readiness::find(node, &plan).await?;
    plans::set_problems(&node.db, id, &serde_json::json!(problems).to_string(), now()).await?;
    let plan = get(node, id).await?;
    node.live.publish(Topic::Plan, id, &plan);
    Ok(plan)
}

pub(super) fn spec(row: &PlanRow) -> PlanSpec {
    serde_json::from_str(&row.spec).unwrap_or_default()
}

fn shown(row: &PlanRow, groups: &[GroupSites]) -> Plan {
    let spec = spec(row);
    let first = groups.iter().find(|g| spec.group_ids.contains(&g.id));
    Plan {
        id: row.id.clone(),
        protected_site: first.map(|g| g.protected_site.clone()).unwrap_or_default(),
        recovery_site: first.map(|g| g.recovery_site.clone()).unwrap_or_default(),
        updated_at: row.updated_at,
        problems: serde_json::from_str(&row.problems).unwrap_or_default(),
        checked_at: row.checked_at,
        spec,
    }
}
