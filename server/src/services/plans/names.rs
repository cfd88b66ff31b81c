//! Whom a plan means: its entries name members, and a machine that is taken out of its group and protected anew is another
//! member. Every member that ever was is remembered with its machine's lineage, so that the plan finds the new one.

use crate::{
    error::Result,
    state::Node,
    store::plans::{self, Known},
};
use model::{Id, Problem, Severity, plan::PlanSpec};
use std::collections::{HashMap, HashSet};

#[derive(Default)]
pub struct Names {
    current: HashMap<Id, Known>,
    /// Member of a group to its lineage, and back.
    by_lineage: HashMap<Id, Id>,
    earlier: HashMap<Id, Known>,
}

impl Names {
    pub async fn load(node: &Node) -> Result<Self> {
        let map = |all: Vec<Known>| all.into_iter().map(|k| (k.id.clone(), k)).collect::<HashMap<_, _>>();
        let current = map(plans::current_members(&node.db).await?);
        let by_lineage = current.values().map(|k| (k.lineage.clone(), k.id.clone())).collect();
        Ok(Self { current, by_lineage, earlier: map(plans::known_members(&node.db).await?) })
    }

    /// Who this member is today; itself where that is not known.
    fn today<'a>(&'a self, id: &'a Id) -> &'a Id {
        if self.current.contains_key(id) {
            return id;
        }
        self.earlier.get(id).and_then(|k| self.by_lineage.get(&k.lineage)).unwrap_or(id)
    }

    /// The plan with the members of today.
    pub fn resolve(&self, spec: &mut PlanSpec) {
        // An entry that names the member of today itself is the newer one.
        let named: HashSet<Id> = spec.machines.iter().map(|m| m.member_id.clone()).collect();
        let stale = |id: &Id| self.today(id) != id && named.contains(self.today(id));
        spec.machines.retain(|m| !stale(&m.member_id));
        for m in &mut spec.machines {
            m.member_id = self.today(&m.member_id).clone();
            m.after.iter_mut().for_each(|id| *id = self.today(id).clone());
        }
        spec.service_addresses.iter_mut().for_each(|a| a.member_id = self.today(&a.member_id).clone());
    }

    /// Entries that would be left out: what they order and steer would be lost silently.
    pub fn unknown(&self, spec: &PlanSpec) -> Vec<Problem> {
        let here = |id: &Id| self.current.get(id).is_some_and(|k| k.group_id.as_ref().is_some_and(|g| spec.group_ids.contains(g)));
        let named = spec.machines.iter().flat_map(|m| std::iter::once(&m.member_id).chain(&m.after));
        let all = named.chain(spec.service_addresses.iter().map(|a| &a.member_id));
        let mut gone: Vec<&Id> = all.filter(|id| !here(id)).collect();
        gone.sort();
        gone.dedup();
        gone.into_iter().map(|id| self.left(spec, id)).collect()
    }

    fn left(&self, spec: &PlanSpec, id: &Id) -> Problem {
        let name = self.current.get(id).or_else(|| self.earlier.get(id)).map_or_else(|| id.clone(), |k| k.name.clone());
        let addresses: Vec<&str> = spec.service_addresses.iter().filter(|a| &a.member_id == id).map(|a| a.address.as_str()).collect();
        let what = if addresses.is_empty() {
            "The plan names it, but it is in none of the plan's groups: it would not be brought up.".to_owned()
        } else {
            format!("The plan names it, but it is in none of the plan's groups: {} would not be steered.", addresses.join(", "))
        };
        Problem::new(Severity::Critical, name, what, "Protect it again, or take it out of the plan.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::plan::{HealthCheck, PlanMachine, ServiceAddress};

    fn known(id: &str, lineage: &str) -> (Id, Known) {
        let known = Known { id: id.into(), lineage: lineage.into(), name: format!("name of {lineage}"), group_id: Some("g".into()) };
        (id.into(), known)
    }

    fn names() -> Names {
        Names {
            current: HashMap::from([known("new", "l1"), known("other", "l2")]),
            by_lineage: HashMap::from([("l1".into(), "new".into()), ("l2".into(), "other".into())]),
            earlier: HashMap::from([known("old", "l1"), known("new", "l1"), known("other", "l2"), known("gone", "l3")]),
        }
    }

    fn plan(machines: &[&str], address: &str) -> PlanSpec {
        let (address, member_id, mechanism) = ("10.0.0.5".into(), address.into(), "garp".into());
        PlanSpec {
            group_ids: vec!["g".into()],
            machines: machines.iter().map(|m| PlanMachine { priority: 1, ..PlanMachine::with_defaults((*m).into()) }).collect(),
            service_addresses: vec![ServiceAddress { address, member_id, mechanism, network: None, probe: HealthCheck::default() }],
            ..PlanSpec::default()
        }
    }

    #[test]
    fn a_machine_that_was_protected_anew_keeps_its_place_and_its_address() {
        let mut spec = plan(&["old", "other"], "old");
        spec.machines[1].after = vec!["old".into()];
        names().resolve(&mut spec);
        assert_eq!(spec.machines[0].member_id, "new");
        assert_eq!(spec.machines[1].after, ["new"]);
        assert_eq!(spec.service_addresses[0].member_id, "new");
        assert!(names().unknown(&spec).is_empty());
    }

    #[test]
    fn what_names_the_member_of_today_wins() {
        let mut spec = plan(&["old", "new"], "new");
        spec.machines[1].priority = 4;
        names().resolve(&mut spec);
        assert_eq!(spec.machines.iter().map(|m| (m.member_id.as_str(), m.priority)).collect::<Vec<_>>(), [("new", 4)]);
    }

    #[test]
    fn who_is_in_no_group_is_named_with_what_is_lost() {
        let mut spec = plan(&["gone", "new"], "gone");
        names().resolve(&mut spec);
        let found = names().unknown(&spec);
        assert_eq!(found.len(), 1);
        assert!(found[0].blocks() && found[0].subject == "name of l3" && found[0].what.contains("10.0.0.5"), "{found:?}");
    }
}
