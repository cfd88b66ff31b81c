//! The text of the move form, and the request that it means. Pure.

use crate::{components::number::whole, dialogs::addresses as rules, pages::plans::health::HealthDraft};
use model::{
    Mapping,
    error::FieldError,
    limits,
    machine::Machine,
    run::{Convert, MoveMode, MoveRequest},
};
use std::ops::RangeInclusive;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveDraft {
    pub machine_id: String,
    pub target: String,
    pub mode: MoveMode,
    /// Whether the drivers of the target are put in on the way, where they can be.
    pub convert: bool,
    /// Identifier of an older recovery point; empty: the last changes.
    pub point: String,
    pub networks: Vec<Mapping>,
    /// Rules for addresses, one a line.
    pub rules: String,
    pub storage: Vec<Mapping>,
    pub health: HealthDraft,
    pub stop_timeout: String,
    /// Separated by commas or blanks.
    pub addresses: String,
    pub keep_hours: String,
}

impl MoveDraft {
    pub fn parse(&self) -> Result<MoveRequest, Vec<FieldError>> {
        let mut faults = vec![];
        if self.target.is_empty() {
            fault(&mut faults, "target_cloud_id", "Choose the cloud to move to.".into());
        }
        let health = self.health.parse().map_err(|text| fault(&mut faults, "health", text.1)).unwrap_or_default();
        let rules = rules::read(&self.rules).map_err(|text| fault(&mut faults, "networks", text)).unwrap_or_default();
        let request = MoveRequest {
            machine_id: self.machine_id.clone(),
            target_cloud_id: self.target.clone(),
            mode: if self.point.is_empty() { self.mode } else { MoveMode::Cold },
            networks: [self.networks.clone(), rules].concat(),
            storage: self.storage.clone(),
            health,
            stop_timeout_seconds: number(&mut faults, "stop_timeout_seconds", &self.stop_timeout, &limits::STOP_TIMEOUT_SECONDS, "seconds"),
            service_addresses: addresses(&mut faults, &self.addresses),
            keep_source_hours: number(&mut faults, "keep_source_hours", &self.keep_hours, &limits::KEEP_SOURCE_HOURS, "hours"),
            conversion: if self.convert { Convert::Auto } else { Convert::Never },
            point_id: (!self.point.is_empty()).then(|| self.point.clone()),
        };
        if faults.is_empty() { Ok(request) } else { Err(faults) }
    }
}

fn fault(faults: &mut Vec<FieldError>, field: &str, message: String) {
    faults.push(FieldError { field: field.into(), message, span: None });
}

fn number(faults: &mut Vec<FieldError>, field: &str, text: &str, range: &RangeInclusive<u32>, unit: &str) -> u32 {
    whole(text, range, unit).unwrap_or_else(|message| {
        fault(faults, field, message);
        *range.start()
    })
}

fn addresses(faults: &mut Vec<FieldError>, text: &str) -> Vec<String> {
    let words = text.split([',', ' ', ';']).filter(|w| !w.is_empty());
    let (good, bad): (Vec<&str>, Vec<&str>) = words.partition(|w| w.parse::<std::net::Ipv4Addr>().is_ok());
    if let Some(word) = bad.first() {
        let text = format!("“{word}” is not an IPv4 address without prefix length, for example 10.0.0.80.");
        fault(faults, "service_addresses", text);
    }
    good.into_iter().map(str::to_owned).collect()
}

/// The networks and places for disks that need a counterpart at the target, each once.
pub fn sources(machine: &Machine) -> (Vec<String>, Vec<String>) {
    let unique = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        names
    };
    let networks = machine.nics.iter().filter_map(|n| n.network.clone()).collect();
    let pools = machine.disks.iter().filter(|d| d.device == "disk").filter_map(|d| d.pool.clone()).collect();
    (unique(networks), unique(pools))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::plan::HealthCheck;

    fn draft() -> MoveDraft {
        MoveDraft {
            machine_id: "m".into(),
            target: "c".into(),
            mode: MoveMode::Auto,
            convert: true,
            point: String::new(),
            networks: vec![],
            rules: String::new(),
            storage: vec![],
            health: HealthDraft::from(&HealthCheck::Running),
            stop_timeout: "60".into(),
            addresses: "10.0.0.80, 10.0.0.81".into(),
            keep_hours: "0".into(),
        }
    }

    #[test]
    fn addresses_may_be_separated_as_people_do() {
        assert_eq!(draft().parse().map(|r| r.service_addresses.len()), Ok(2));
    }

    #[test]
    fn an_older_point_is_only_asked_for_when_one_was_chosen() {
        let point = |id: &str| MoveDraft { point: id.into(), ..draft() }.parse().map(|r| r.point_id);
        assert_eq!((point(""), point("p4")), (Ok(None), Ok(Some("p4".into()))));
        // What was chosen before the point was.
        let live = MoveDraft { point: "p4".into(), mode: MoveMode::Live, ..draft() };
        assert_eq!(live.parse().map(|r| r.mode), Ok(MoveMode::Cold));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let wrong = MoveDraft { target: String::new(), addresses: "10.0.0.0/24".into(), keep_hours: "x".into(), ..draft() };
        let fields: Vec<String> = wrong.parse().err().unwrap_or_default().into_iter().map(|f| f.field).collect();
        assert_eq!(fields, ["target_cloud_id", "service_addresses", "keep_source_hours"]);
    }
}
