//! Which clouds a machine can be moved to, and why not to the others. Pure.

use model::{
    cloud::{Capability, Cloud, CloudStatus},
    machine::Machine,
};

/// `None` when it can be a target.
pub fn refusal(cloud: &Cloud, machine: &Machine) -> Option<String> {
    if cloud.id == machine.row.cloud_id {
        return Some("the machine is here already".into());
    }
    match cloud.status {
        CloudStatus::Unreachable => return Some("does not answer".into()),
        CloudStatus::Refused => return Some("refuses the connection".into()),
        CloudStatus::Connecting => return Some("not seen yet".into()),
        CloudStatus::Ok | CloudStatus::Stale => {}
    }
    let able = |c| cloud.capabilities.contains(&c);
    (!able(Capability::Create) || !able(Capability::DiskSink)).then(|| "machines cannot be created here".into())
}

/// As a choice in a list: name, site, how it answers.
pub fn label(cloud: &Cloud, machine: &Machine) -> String {
    let simulated = if cloud.simulated { " (SIMULATED)" } else { "" };
    let state = match (refusal(cloud, machine), cloud.status) {
        (Some(why), _) => format!(": {why}"),
        (None, CloudStatus::Stale) => ": last look was missed".into(),
        (None, _) => String::new(),
    };
    format!("{} at {}{simulated}{state}", cloud.name, cloud.site)
}

/// Can memory move with it? Only where both ends say so.
pub fn can_live(source: Option<&Cloud>, target: Option<&Cloud>) -> bool {
    let able = |cloud: Option<&Cloud>| cloud.is_some_and(|c| c.capabilities.contains(&Capability::LiveMigration));
    able(source) && able(target) && source.map(|c| &c.kind) == target.map(|c| &c.kind)
}
