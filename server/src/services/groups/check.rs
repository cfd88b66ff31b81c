//! What a protection group may be: every field that is wrong, why, and what would be right.

use crate::{
    error::Result,
    recovery::readdress,
    state::Node,
    store::groups::{self, CloudFacts, MachineFacts, StoredGroup},
};
use model::{
    Mapping,
    cloud::Capability,
    error::FieldError,
    limits::{KEEP_HOURS, KEEP_POINTS, LEAST_BANDWIDTH, RPO_SECONDS},
    protection::{NewGroup, NewTarget, Policy},
};
use std::collections::HashSet;

const LONGEST_NAME: usize = 63;

/// Without the blanks that a form leaves, and each machine once.
pub fn tidy(mut new: NewGroup) -> NewGroup {
    for text in [&mut new.name, &mut new.protected_site, &mut new.recovery_site, &mut new.target_cloud_id] {
        *text = text.trim().to_owned();
    }
    let mut seen = HashSet::new();
    new.machine_ids.retain(|id| seen.insert(id.clone()));
    new
}

pub fn group(new: &NewGroup, clouds: &[CloudFacts]) -> Vec<FieldError> {
    let mut wrong = vec![];
    if new.name.is_empty() || new.name.chars().count() > LONGEST_NAME || new.name.contains(char::is_control) {
        wrong.push(field("name", format!("A name takes 1 to {LONGEST_NAME} characters.")));
    }
    wrong.extend(sites(new, clouds));
    wrong.extend(cloud("target_cloud_id", &new.target_cloud_id, Some(&new.recovery_site), clouds));
    wrong.extend(policy(&new.policy));
    wrong.extend(mappings("networks", &new.networks));
    wrong.extend(mappings("storage", &new.storage));
    wrong
}

fn sites(new: &NewGroup, clouds: &[CloudFacts]) -> Vec<FieldError> {
    let known: Vec<&str> = clouds.iter().map(|c| c.site.as_str()).collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let mut wrong = vec![];
    for (name, site) in [("protected_site", &new.protected_site), ("recovery_site", &new.recovery_site)] {
        if !known.contains(&site.as_str()) {
            wrong.push(field(name, format!("No cloud is at the site '{site}': choose one of {}, or add a cloud there.", list(&known))));
        }
    }
    if wrong.is_empty() && new.protected_site == new.recovery_site {
        let message =
            format!("Both sites are {}: a machine must be recovered at another site than the one that may be lost.", new.recovery_site);
        wrong.push(field("recovery_site", message));
    }
    wrong
}

/// Of a further target: it may be at any site.
pub fn target(new: &NewTarget, clouds: &[CloudFacts]) -> Vec<FieldError> {
    let mut wrong: Vec<FieldError> = cloud("cloud_id", &new.cloud_id, None, clouds).into_iter().collect();
    wrong.extend(policy(&new.policy));
    wrong.extend(mappings("networks", &new.networks));
    wrong.extend(mappings("storage", &new.storage));
    wrong
}

fn cloud(name: &str, id: &str, site: Option<&str>, clouds: &[CloudFacts]) -> Option<FieldError> {
    let there = |c: &&CloudFacts| site.is_none_or(|site| c.site == site);
    let Some(cloud) = clouds.iter().find(|c| c.id == id) else {
        let names: Vec<&str> = clouds.iter().filter(there).map(|c| c.name.as_str()).collect();
        let which = if site.is_some() { " at the recovery site" } else { "" };
        return Some(field(name, format!("There is no such cloud: choose one{which} ({}).", list(&names))));
    };
    let message = if let Some(site) = site.filter(|site| cloud.site != **site) {
        format!("{} is at {}: choose a cloud at the recovery site {site}.", cloud.name, cloud.site)
    } else if cloud.capabilities.is_empty() {
        format!("{} has not answered yet, so it is not known whether it can keep recovery points: see Clouds.", cloud.name)
    } else if !cloud.capabilities.contains(&Capability::DiskSink) {
        format!("{} cannot keep recovery points: choose a cloud that can.", cloud.name)
    } else if !cloud.capabilities.contains(&Capability::Create) {
        format!("{} cannot create machines from recovery points: choose a cloud that can.", cloud.name)
    } else {
        return None;
    };
    Some(field(name, message))
}

fn policy(policy: &Policy) -> Vec<FieldError> {
    let mut wrong = vec![];
    let mut range = |name: &str, value: u32, allowed: &std::ops::RangeInclusive<u32>, unit: &str| {
        if !allowed.contains(&value) {
            let message = format!("{value} is not possible: {} to {}{unit}.", allowed.start(), allowed.end());
            wrong.push(field(&format!("policy.{name}"), message));
        }
    };
    range("rpo_seconds", policy.rpo_seconds, &RPO_SECONDS, " seconds");
    range("keep_points", policy.keep_points, &KEEP_POINTS, " recovery points");
    range("keep_hours", policy.keep_hours, &KEEP_HOURS, " hours");
    if policy.bandwidth.is_some_and(|b| b < LEAST_BANDWIDTH) {
        wrong.push(field("policy.bandwidth", format!("At least {LEAST_BANDWIDTH} bytes per second, or leave it out for no limit.")));
    }
    wrong
}

fn mappings(name: &str, all: &[Mapping]) -> Vec<FieldError> {
    let mut seen = HashSet::new();
    let mut wrong = vec![];
    for (i, m) in all.iter().enumerate() {
        if m.from.trim().is_empty() || m.to.trim().is_empty() {
            wrong.push(field(&format!("{name}[{i}]"), "Both sides of a mapping are needed: from which name to which."));
        } else if let Some(wrong_rule) = readdress::wrong(m).filter(|_| name == "networks") {
            wrong.push(field(&format!("{name}[{i}]"), wrong_rule));
        } else if !seen.insert(&m.from) {
            wrong.push(field(&format!("{name}[{i}]"), format!("'{}' is mapped twice: keep one of the two.", m.from)));
        }
    }
    wrong
}

/// What lies at a target cannot follow to another; the direction swaps with a failover, not by editing.
pub fn unmoved(old: &StoredGroup, new: &NewGroup, members: usize) -> Vec<FieldError> {
    let mut wrong = vec![];
    if members == 0 {
        return wrong;
    }
    let pairs = [
        ("protected_site", &old.protected_site, &new.protected_site),
        ("recovery_site", &old.recovery_site, &new.recovery_site),
        ("target_cloud_id", &old.target_cloud_id, &new.target_cloud_id),
    ];
    for (name, _, _) in pairs.into_iter().filter(|(_, old, new)| old != new) {
        let message =
            format!("It cannot change while the group has {members} machines, whose recovery points lie there: take them out first.");
        wrong.push(field(name, message));
    }
    wrong
}

/// Machines that are members of this group already are fine.
pub async fn machines(node: &Node, new: &NewGroup, group_id: Option<&str>) -> Result<Vec<FieldError>> {
    let clouds = groups::clouds(&node.db).await?;
    let mut wrong = vec![];
    for (i, id) in new.machine_ids.iter().enumerate() {
        let facts = groups::machine(&node.db, id).await?;
        if let Some(message) = machine(facts.as_ref(), &new.protected_site, &new.target_cloud_id, group_id, &clouds) {
            wrong.push(field(&format!("machine_ids[{i}]"), message));
        }
    }
    Ok(wrong)
}

fn machine(facts: Option<&MachineFacts>, site: &str, target: &str, group_id: Option<&str>, clouds: &[CloudFacts]) -> Option<String> {
    let Some(m) = facts else { return Some("There is no such machine: choose one from the list of machines.".into()) };
    if m.member_id.is_some() {
        return match (&m.group_id, &m.group_name) {
            (Some(id), _) if Some(id.as_str()) == group_id => None,
            (_, Some(name)) => Some(format!("{} is protected already by the group {name}: take it out there first.", m.name)),
            _ => Some(format!("{} is being moved: wait for the end of its run.", m.name)),
        };
    }
    if m.gone_at.is_some() {
        return Some(format!("{} is gone from {}: choose one that exists.", m.name, m.cloud));
    }
    if m.site != site {
        return Some(format!("{} is at {}, not at the protected site {site}: choose a machine there.", m.name, m.site));
    }
    if let Some(role) = m.role.as_deref().filter(|r| *r != "active") {
        return Some(format!("This copy of {} is {role}: protect the active copy.", m.name));
    }
    if m.cloud_id == target {
        return Some(format!("{} runs at the cloud that would keep its recovery points: choose another target.", m.name));
    }
    let source = clouds.iter().find(|c| c.id == m.cloud_id)?;
    let cannot = !source.capabilities.is_empty() && !source.capabilities.contains(&Capability::DiskSource);
    cannot.then(|| format!("{} cannot give recovery points of its machines, so {} cannot be protected.", m.cloud, m.name))
}

fn field(name: &str, message: impl Into<String>) -> FieldError {
    FieldError { field: name.into(), message: message.into(), span: None }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "there is none yet".into() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud(id: &str, site: &str, capabilities: &[Capability]) -> CloudFacts {
        CloudFacts { id: id.into(), name: format!("{id}-name"), site: site.into(), capabilities: capabilities.to_vec() }
    }

    fn clouds() -> Vec<CloudFacts> {
        use Capability::{Create, DiskSink, DiskSource, Power};
        vec![
            cloud("a", "berlin", &[DiskSource, Power]),
            cloud("b", "dublin", &[DiskSink, Create]),
            cloud("c", "dublin", &[DiskSink]),
            cloud("d", "dublin", &[]),
        ]
    }

    fn good() -> NewGroup {
        NewGroup {
            name: "web".into(),
            protected_site: "berlin".into(),
            recovery_site: "dublin".into(),
            target_cloud_id: "b".into(),
            ..NewGroup::default()
        }
    }

    fn fields(new: &NewGroup) -> Vec<String> {
        group(new, &clouds()).into_iter().map(|f| f.field).collect()
    }

    #[test]
    fn every_wrong_field_is_named_and_a_good_group_has_none() {
        assert!(fields(&good()).is_empty());
        assert_eq!(fields(&NewGroup { name: String::new(), ..good() }), ["name"]);
        assert_eq!(fields(&NewGroup { protected_site: "paris".into(), ..good() }), ["protected_site"]);
        assert_eq!(
            fields(&NewGroup { recovery_site: "berlin".into(), target_cloud_id: "a".into(), ..good() }),
            ["recovery_site", "target_cloud_id"]
        );
        for target in ["a", "c", "d", "z"] {
            assert_eq!(fields(&NewGroup { target_cloud_id: target.into(), ..good() }), ["target_cloud_id"], "{target}");
        }
        let policy = Policy { rpo_seconds: 4, keep_points: 0, keep_hours: 0, bandwidth: Some(1) };
        assert_eq!(
            fields(&NewGroup { policy, ..good() }),
            ["policy.rpo_seconds", "policy.keep_points", "policy.keep_hours", "policy.bandwidth"]
        );
        let map = |from: &str, to: &str| Mapping { from: from.into(), to: to.into() };
        let networks = vec![map("lan", "lan"), map("lan", "svc"), map("", "x")];
        assert_eq!(fields(&NewGroup { networks, ..good() }), ["networks[1]", "networks[2]"]);
        let rules = vec![map("10.77.1.0/24", "10.77.2.0/24 via 10.77.2.1"), map("10.77.3.0/24", "10.77.2.0/16")];
        assert_eq!(fields(&NewGroup { networks: rules, ..good() }), ["networks[1]"]);
    }

    #[test]
    fn a_machine_that_cannot_be_protected_says_why() {
        let fit = MachineFacts {
            id: "m".into(),
            name: "web1".into(),
            cloud_id: "a".into(),
            cloud: "a-name".into(),
            site: "berlin".into(),
            gone_at: None,
            role: None,
            member_id: None,
            group_id: None,
            group_name: None,
        };
        let why = |facts: &MachineFacts| machine(Some(facts), "berlin", "b", Some("g"), &clouds());
        assert_eq!(why(&fit), None);
        let member =
            MachineFacts { member_id: Some("x".into()), group_id: Some("h".into()), group_name: Some("tier".into()), ..fit.clone() };
        assert!(why(&member).unwrap().contains("by the group tier"));
        assert_eq!(why(&MachineFacts { group_id: Some("g".into()), ..member }), None, "a member of this group");
        assert!(why(&MachineFacts { site: "dublin".into(), ..fit.clone() }).unwrap().contains("not at the protected site"));
        assert!(why(&MachineFacts { role: Some("superseded".into()), ..fit.clone() }).unwrap().contains("protect the active copy"));
        assert!(why(&MachineFacts { gone_at: Some(1), ..fit.clone() }).unwrap().contains("gone"));
        assert!(why(&MachineFacts { cloud_id: "b".into(), ..fit }).unwrap().contains("choose another target"));
    }
}
