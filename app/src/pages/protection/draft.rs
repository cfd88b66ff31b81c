//! The text of the protection forms, and what it means. Pure: each fault names its field, why, and what is right.

use crate::{components::number, dialogs::addresses};
use model::{
    Mapping,
    cloud::{Capability, Cloud},
    error::FieldError,
    limits,
    protection::{Group, NewGroup, Policy},
};

/// As typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDraft {
    pub rpo: String,
    pub rpo_unit: Unit,
    pub keep_points: String,
    pub keep_hours: String,
    /// MiB/s; empty is no limit.
    pub bandwidth: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Minutes,
    Hours,
}

impl Unit {
    pub const ALL: [Self; 3] = [Self::Seconds, Self::Minutes, Self::Hours];
    pub fn value(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        }
    }
    pub fn parse(s: &str) -> Self {
        Self::ALL.into_iter().find(|u| u.value() == s).unwrap_or(Self::Seconds)
    }
    fn seconds(self) -> u32 {
        match self {
            Self::Seconds => 1,
            Self::Minutes => 60,
            Self::Hours => 3_600,
        }
    }
}

const MIB: f64 = 1_048_576.0;

impl From<&Policy> for PolicyDraft {
    fn from(policy: &Policy) -> Self {
        let rpo = policy.rpo_seconds;
        let whole = |u: &Unit| rpo >= u.seconds() * 2 && rpo.is_multiple_of(u.seconds());
        let unit = [Unit::Hours, Unit::Minutes].into_iter().find(whole).unwrap_or(Unit::Seconds);
        Self {
            rpo: (rpo / unit.seconds()).to_string(),
            rpo_unit: unit,
            keep_points: policy.keep_points.to_string(),
            keep_hours: policy.keep_hours.to_string(),
            bandwidth: policy.bandwidth.map(|b| trim_zeros(b as f64 / MIB)).unwrap_or_default(),
        }
    }
}

/// Three decimals at most, and none that say nothing.
fn trim_zeros(x: f64) -> String {
    let text = format!("{x:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl PolicyDraft {
    pub fn parse(&self) -> Result<Policy, Vec<FieldError>> {
        let mut faults = vec![];
        let unit = self.rpo_unit.seconds();
        let rpo = limits::RPO_SECONDS.start().div_ceil(unit)..=limits::RPO_SECONDS.end() / unit;
        let policy = Policy {
            rpo_seconds: whole(&mut faults, "rpo_seconds", &self.rpo, &rpo, self.rpo_unit.value()).saturating_mul(unit),
            keep_points: whole(&mut faults, "keep_points", &self.keep_points, &limits::KEEP_POINTS, "recovery points"),
            keep_hours: whole(&mut faults, "keep_hours", &self.keep_hours, &limits::KEEP_HOURS, "hours"),
            bandwidth: bandwidth(&mut faults, &self.bandwidth),
        };
        if faults.is_empty() { Ok(policy) } else { Err(faults) }
    }
}

fn whole(faults: &mut Vec<FieldError>, field: &str, text: &str, range: &std::ops::RangeInclusive<u32>, what: &str) -> u32 {
    number::whole(text, range, what).unwrap_or_else(|message| {
        fault(faults, field, message);
        0
    })
}

fn bandwidth(faults: &mut Vec<FieldError>, text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let least = limits::LEAST_BANDWIDTH as f64 / MIB;
    match text.replace(',', ".").parse::<f64>() {
        Ok(mib) if (least..=1_000_000.0).contains(&mib) => Some((mib * MIB) as u64),
        _ => {
            fault(faults, "bandwidth", format!("“{text}” does not fit: MiB per second, {least} at least, or leave it empty for no limit."));
            None
        }
    }
}

fn fault(faults: &mut Vec<FieldError>, field: &str, message: String) {
    faults.push(FieldError { field: field.into(), message, span: None });
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupDraft {
    pub name: String,
    pub protected_site: String,
    pub target_cloud_id: String,
    pub policy: PolicyDraft,
    pub networks: Vec<Mapping>,
    /// Rules for addresses, one a line.
    pub addresses: String,
    pub storage: Vec<Mapping>,
    pub machine_ids: Vec<String>,
}

impl GroupDraft {
    pub fn new(protected_site: &str, machine_ids: Vec<String>) -> Self {
        Self {
            name: String::new(),
            protected_site: protected_site.into(),
            target_cloud_id: String::new(),
            policy: PolicyDraft::from(&Policy::default()),
            networks: vec![],
            addresses: String::new(),
            storage: vec![],
            machine_ids,
        }
    }

    pub fn of(group: &Group) -> Self {
        let (networks, addresses) = addresses::split(&group.networks);
        Self {
            name: group.name.clone(),
            protected_site: group.protected_site.clone(),
            target_cloud_id: group.target_cloud_id.clone(),
            policy: PolicyDraft::from(&group.policy),
            networks,
            addresses,
            storage: group.storage.clone(),
            machine_ids: group.members.iter().map(|m| m.machine_id.clone()).collect(),
        }
    }

    /// `taken`: names of the other groups.
    pub fn parse(&self, clouds: &[Cloud], taken: &[String]) -> Result<NewGroup, Vec<FieldError>> {
        let mut faults = vec![];
        let name = self.name.trim();
        if name.is_empty() {
            fault(&mut faults, "name", "A group needs a name, for example “shop”.".into());
        } else if taken.iter().any(|t| t == name) {
            fault(&mut faults, "name", format!("There is a group “{name}” already: choose another name."));
        }
        if self.protected_site.is_empty() {
            fault(&mut faults, "protected_site", "Choose the site at which the machines run now.".into());
        }
        let target = self.target(clouds).map_err(|message| fault(&mut faults, "target_cloud_id", message)).ok();
        let policy = self.policy.parse().map_err(|mut more| faults.append(&mut more)).ok();
        let rules = addresses::read(&self.addresses).map_err(|message| fault(&mut faults, "addresses", message)).unwrap_or_default();
        match (target, policy) {
            (Some(target), Some(policy)) if faults.is_empty() => Ok(self.filled(target, policy, rules)),
            _ => Err(faults),
        }
    }

    fn target<'a>(&self, clouds: &'a [Cloud]) -> Result<&'a Cloud, String> {
        let chosen = clouds.iter().find(|c| c.id == self.target_cloud_id);
        let cloud = chosen.ok_or("Choose the cloud at which the recovery points are kept and the machines would run.")?;
        unfit(cloud, &self.protected_site).map_or(Ok(cloud), Err)
    }

    fn filled(&self, target: &Cloud, policy: Policy, rules: Vec<Mapping>) -> NewGroup {
        let complete = |list: &[Mapping]| list.iter().filter(|m| !m.from.is_empty() && !m.to.is_empty()).cloned().collect::<Vec<_>>();
        NewGroup {
            name: self.name.trim().into(),
            protected_site: self.protected_site.clone(),
            recovery_site: target.site.clone(),
            target_cloud_id: target.id.clone(),
            policy,
            networks: [complete(&self.networks), rules].concat(),
            storage: complete(&self.storage),
            machine_ids: self.machine_ids.clone(),
        }
    }
}

/// Why a cloud cannot take the recovery points of machines at `site`.
pub fn unfit(cloud: &Cloud, site: &str) -> Option<String> {
    if cloud.site == site {
        return Some(format!("{} is at {site} too: it would be lost together with the machines.", cloud.name));
    }
    let able = |c| cloud.capabilities.contains(&c);
    if !able(Capability::DiskSink) || !able(Capability::Create) {
        return Some(format!("{} cannot keep recovery points or start machines from them.", cloud.name));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(result: Result<Policy, Vec<FieldError>>) -> Vec<String> {
        result.err().unwrap_or_default().into_iter().map(|f| f.field).collect()
    }

    #[test]
    fn a_policy_is_written_back_the_same() {
        for (rpo_seconds, bandwidth) in [(15, None), (60, Some(1_048_576)), (300, Some(2_621_440)), (7_200, None)] {
            let policy = Policy { rpo_seconds, keep_points: 12, keep_hours: 24, bandwidth };
            assert_eq!(PolicyDraft::from(&policy).parse(), Ok(policy));
        }
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let mut draft = PolicyDraft::from(&Policy::default());
        draft.rpo = "0".into();
        draft.keep_points = "many".into();
        draft.bandwidth = "-3".into();
        assert_eq!(fields(draft.parse()), ["rpo_seconds", "keep_points", "bandwidth"]);
    }

    #[test]
    fn the_bounds_are_those_of_the_node_in_every_unit() {
        let mut draft = PolicyDraft::from(&Policy::default());
        for (rpo, unit, seconds) in [("24", Unit::Hours, 86_400), ("1", Unit::Minutes, 60), ("5", Unit::Seconds, 5)] {
            (draft.rpo, draft.rpo_unit) = (rpo.into(), unit);
            assert_eq!(draft.parse().map(|p| p.rpo_seconds), Ok(seconds));
        }
        for (rpo, unit) in [("25", Unit::Hours), ("1441", Unit::Minutes), ("4", Unit::Seconds), ("0", Unit::Minutes)] {
            (draft.rpo, draft.rpo_unit) = (rpo.into(), unit);
            assert_eq!(fields(draft.parse()), ["rpo_seconds"], "{rpo} {unit:?}");
        }
        draft = PolicyDraft { keep_hours: "87600".into(), bandwidth: "0.05".into(), ..PolicyDraft::from(&Policy::default()) };
        assert_eq!(fields(draft.parse()), ["bandwidth"]);
    }

    #[test]
    fn a_nameless_group_without_target_says_both() {
        let faults = GroupDraft::new("berlin", vec![]).parse(&[], &[]).err().unwrap_or_default();
        let fields: Vec<&str> = faults.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(fields, ["name", "target_cloud_id"]);
    }
}
