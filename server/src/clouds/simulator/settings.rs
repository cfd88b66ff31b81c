//! What a simulated cloud is opened with.

use super::super::{
    Settings,
    error::{Error, Result},
};
use model::cloud::{DriverInfo, FieldInput, FieldSpec};
use std::{str::FromStr, time::Duration};

#[derive(Clone, Debug)]
pub struct Config {
    /// Under which the world is kept in this process; empty: a passing one, for a probe.
    pub world: String,
    pub seed: u64,
    pub machines: usize,
    pub hosts: usize,
    pub site: String,
    pub latency: Duration,
    /// Changes per second that happen by themselves.
    pub changes: f64,
    /// Bytes per second of one disk stream; 0 = no limit.
    pub throughput: u64,
    pub fault: Standing,
}

/// A fault that lasts as long as the setting does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    None,
    Slow,
    Throttled,
    Down,
    Refused,
    /// Never answers at all.
    Hung,
}

const FAULTS: [(&str, Standing); 6] = [
    ("none", Standing::None),
    ("slow", Standing::Slow),
    ("throttled", Standing::Throttled),
    ("down", Standing::Down),
    ("refused", Standing::Refused),
    ("hung", Standing::Hung),
];

pub fn info() -> DriverInfo {
    DriverInfo {
        kind: "simulator".into(),
        title: "Simulated cloud".into(),
        about: "Machines in this node's memory, for trials and tests. Nothing here is real, and it is gone when the node stops.".into(),
        simulated: true,
        fields: vec![
            number("machines", "Machines", "How many machines it begins with.", "20"),
            number("seed", "Seed", "The same seed gives the same machines.", "1"),
            number("hosts", "Hosts", "How many hosts carry them.", "4"),
            text("site", "Site in names", "Part of the machines' names; clouds with the same value crash together in tests.", "berlin"),
            number("latency_ms", "Latency (ms)", "How long each call takes.", "0"),
            number("changes", "Changes per second", "How often a machine changes by itself; 0.2 is one in five seconds.", "0"),
            number("throughput_mib", "Throughput (MiB/s)", "Of one disk stream; 0 is as fast as it goes.", "0"),
            choice("fault", "Standing fault", "What is wrong with it all the time."),
            text("world", "World", "Clouds with the same world show the same machines. Empty: one of its own.", ""),
        ],
    }
}

fn field(name: &str, label: &str, help: &str, input: FieldInput, default: &str) -> FieldSpec {
    let default = Some(default.to_owned()).filter(|d| !d.is_empty());
    FieldSpec { name: name.into(), label: label.into(), help: help.into(), input, required: false, default, example: None }
}
fn number(name: &str, label: &str, help: &str, default: &str) -> FieldSpec {
    field(name, label, help, FieldInput::Number, default)
}
fn text(name: &str, label: &str, help: &str, example: &str) -> FieldSpec {
    FieldSpec { example: Some(example.to_owned()).filter(|e| !e.is_empty()), ..field(name, label, help, FieldInput::Text, "") }
}
fn choice(name: &str, label: &str, help: &str) -> FieldSpec {
    let options = FAULTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    field(name, label, help, FieldInput::Choice { options }, "none")
}

impl Config {
    pub fn parse(settings: &Settings) -> Result<Self> {
        let get = |name: &str| settings.fields.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let fault = get("fault").unwrap_or("none");
        let fault = FAULTS.iter().find(|(name, _)| *name == fault).map(|(_, f)| *f);
        let own_world = settings.scratch.to_string_lossy().into_owned();
        Ok(Self {
            world: get("world").map_or(own_world, str::to_owned),
            seed: within(get("seed"), "seed", 1, 0, u64::MAX)?,
            machines: within(get("machines"), "machines", 20, 0, 100_000)?,
            hosts: within(get("hosts"), "hosts", 4, 1, 1_000)?,
            site: get("site").unwrap_or("sim").to_owned(),
            latency: Duration::from_millis(within(get("latency_ms"), "latency_ms", 0, 0, 60_000)?),
            changes: within(get("changes"), "changes", 0.0, 0.0, 10_000.0)?,
            throughput: within(get("throughput_mib"), "throughput_mib", 0, 0, 100_000)? << 20,
            fault: fault.ok_or_else(|| Error::permanent("fault: choose none, slow, throttled, down, refused or hung."))?,
        })
    }

    pub fn host_name(&self, host: usize) -> String {
        format!("{}-host-{:02}", self.site, host + 1)
    }
}

fn within<T: FromStr + PartialOrd + std::fmt::Display>(value: Option<&str>, name: &str, default: T, least: T, most: T) -> Result<T> {
    let Some(text) = value else { return Ok(default) };
    let wrong = || Error::permanent(format!("{name}: '{text}' is not a number from {least} to {most}."));
    text.parse().ok().filter(|n| *n >= least && *n <= most).ok_or_else(wrong)
}
