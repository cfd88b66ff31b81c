//! What stands against a failover of a site, each with what to do.
//!
//! While the site answers, its machines run and would be stopped: then the recovery clouds are really looked at, and what
//! is critical stops the failover before anything is touched. A lost site has nothing left to lose: the same is told as a
//! warning, and whatever can be recovered is.

use super::scope::Scope;
use crate::{
    error::Result,
    services::plans::readiness::{self, SHORT},
    state::Node,
    store::{self, plans::Protected},
};
use model::{Problem, Severity};

/// # Errors
/// The store's.
pub async fn find(node: &Node, scope: &Scope) -> Result<Vec<Problem>> {
    let mut problems = of_site(node, scope).await?;
    let mut found = vec![];
    for spec in &scope.written {
        found.extend(readiness::of_plan(node, spec, &scope.elsewhere).await?);
    }
    let all: Vec<(&Protected, bool)> = scope.recoverable().map(|(_, spec, m)| (m, readiness::starts(spec, m))).collect();
    all.iter().filter(|(m, _)| scope.answers(m)).for_each(|(m, _)| readiness::autostart(m, &mut found));
    found.extend(readiness::targets(node, &all, SHORT).await);
    if scope.needs_statement() {
        found.iter_mut().filter(|p| p.blocks()).for_each(|p| p.severity = Severity::Warning);
    }
    problems.extend(found);
    Ok(problems)
}

/// What no run could do anything about.
async fn of_site(node: &Node, scope: &Scope) -> Result<Vec<Problem>> {
    let mut problems = vec![];
    for (_, _, m) in scope.members() {
        if m.newest_point_at.is_none() {
            let remedy = "Wait for its initial sync if the site still answers; else it is lost.";
            problems.push(Problem::new(Severity::Warning, &m.name, "It has no recovery point: it will not be recovered.", remedy));
        }
        if let Some((_, run)) = store::runs::taken(&node.db, &[m.machine_id.clone(), m.lineage.clone()]).await? {
            let what = format!("Another run ({run}) works on it.");
            problems.push(Problem::new(Severity::Critical, &m.name, what, "Wait for its end, or cancel it."));
        }
    }
    if scope.plans.is_empty() {
        let remedy = "Make a plan for the groups that are protected there.";
        problems.push(Problem::new(Severity::Critical, "plans", "No plan protects a machine at this site.", remedy));
    }
    Ok(problems)
}
