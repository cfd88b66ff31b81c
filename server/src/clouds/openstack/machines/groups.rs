//! Security groups: a machine that comes from an OpenStack gets those of the same name here, or those that are mapped.

use super::{
    super::{auth::Service, link::Link},
    check::problem,
};
use crate::clouds::{MachineSpec, error::Result};
use model::{Mapping, Problem, Severity::Warning};
use serde::Deserialize;
use serde_json::Value;

/// In a mapping of networks: `security-group:web` → a name or an id.
const PREFIX: &str = "security-group:";

#[derive(Clone, Debug, Deserialize)]
pub struct Group {
    pub id: String,
    pub name: String,
}
#[derive(Deserialize)]
struct All {
    security_groups: Vec<Group>,
}

/// Ids for its ports, and what was looked for in vain: the name, and why not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    pub ids: Vec<String>,
    pub missing: Vec<(String, String)>,
}

/// Those that the machine had where it was described; other kinds of cloud have none.
fn names(spec: &MachineSpec) -> Vec<String> {
    let Some(native) = spec.native_of("openstack") else { return vec![] };
    let native: Value = serde_json::from_str(native).unwrap_or_default();
    let all = native["security_groups"].as_array().cloned().unwrap_or_default();
    // Nova names one for each port that has it.
    let mut names: Vec<String> = all.iter().filter_map(|one| one["name"].as_str()).map(str::to_owned).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// # Errors
/// The cloud's.
pub async fn look(link: &Link, spec: &MachineSpec, mapping: &[Mapping]) -> Result<Chosen> {
    let names = names(spec);
    if names.is_empty() {
        return Ok(Chosen::default());
    }
    let All { security_groups } = link.get(Service::Network, "/security-groups?fields=id&fields=name").await?;
    Ok(choose(&names, mapping, &security_groups))
}

fn choose(names: &[String], mapping: &[Mapping], all: &[Group]) -> Chosen {
    let mut chosen = Chosen::default();
    for name in names {
        let to = mapping.iter().find(|one| one.from.strip_prefix(PREFIX) == Some(name)).map_or(name.as_str(), |one| one.to.as_str());
        let mut found = all.iter().filter(|group| group.name == to || group.id == to);
        match (found.next(), found.next()) {
            (Some(group), None) => chosen.ids.push(group.id.clone()),
            (Some(_), Some(_)) => chosen.missing.push((name.clone(), format!("there are several security groups '{to}'"))),
            (None, _) => chosen.missing.push((name.clone(), format!("there is no security group '{to}'"))),
        }
    }
    chosen
}

/// A machine without its groups is closed rather than open: Neutron's default lets nobody in.
pub fn problems(chosen: &Chosen) -> Vec<Problem> {
    let instead =
        if chosen.ids.is_empty() { "its ports get 'default', which lets nobody in unless it was changed" } else { "its ports go without" };
    let say = |(name, why): &(String, String)| {
        let remedy = format!("Make one of that name there, or map '{PREFIX}{name}' among the networks to the name or id of another.");
        problem(Warning, name, format!("In this project {why}: {instead}."), &remedy)
    };
    chosen.missing.iter().map(say).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::shape::tests::spec, *};

    #[test]
    fn groups_are_kept_by_name_or_mapped_and_never_guessed() {
        let native = r#"{"security_groups":[{"name":"web"},{"name":"default"},{"name":"web"},{"name":"ops"}]}"#;
        let born = MachineSpec { native_kind: "openstack".into(), native: native.into(), ..spec() };
        assert_eq!(names(&born), ["default", "ops", "web"]);
        assert!(names(&spec()).is_empty(), "libvirt has none");
        let group = |id: &str, name: &str| Group { id: id.into(), name: name.into() };
        let all = [group("1", "default"), group("2", "web"), group("3", "web"), group("4", "admins")];
        let mapping = [Mapping { from: "security-group:ops".into(), to: "admins".into() }];
        let chosen = choose(&names(&born), &mapping, &all);
        assert_eq!(chosen.ids, ["1", "4"]);
        let found = problems(&chosen);
        assert!(found.len() == 1 && found[0].what.contains("several security groups 'web'") && !found[0].blocks(), "{found:?}");
        let none = choose(&["web".to_owned()], &[], &all[..1]);
        assert!(problems(&none)[0].what.contains("'default'"));
    }
}
