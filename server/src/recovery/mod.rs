//! Recovery: moves and failovers as durable runs.
//!
//! `compile` turns what is wanted into steps, `schedule` decides which is next, `runner` carries that out under a
//! lease, `steps` touch the world. The first two are pure. Every step looks before it acts, so a node may be killed at
//! any instant and another goes on to the same end. What is deliberately absent: an in-memory state of a run. Its rows
//! are all there is.

pub mod compile;
pub mod context;
pub mod control;
pub mod convert;
pub mod deadline;
pub mod follow;
mod identity;
pub mod journal;
pub mod keeper;
pub mod lease;
pub mod look;
pub mod old_copy;
pub mod outcome;
pub mod pointer;
pub mod publish;
pub mod readdress;
pub mod reaper;
pub mod room;
mod runner;
mod runtime;
pub mod schedule;
pub mod silent;
pub mod spec;
pub mod steps;
pub mod view;
pub mod zones;

pub use runtime::{Runtime, Timing};

use crate::{
    state::Node,
    store::{runs::RunRow, steps::StepRow},
};

/// Drives runs in the background until the node stops.
pub fn start(node: &Node) {
    convert::sweep(node);
    node.tasks.spawn(runner::watch(node.clone()));
    node.tasks.spawn(reaper::watch(node.clone()));
    node.tasks.spawn(keeper::watch(node.clone()));
    node.tasks.spawn(follow::watch(node.clone()));
}

/// What must be typed where it cannot be proved that a site's machines are off.
pub fn statement(site: &str) -> String {
    format!("I have made sure that {site} is powered off")
}

/// The time of day of an instant, as the screens show it.
pub fn time_of_day(at: model::Millis) -> String {
    jiff::Timestamp::from_millisecond(at).map_or_else(|_| at.to_string(), |t| t.strftime("%H:%M:%S UTC").to_string())
}

/// The site at which the machine of a step was.
fn site_of(run: &RunRow, step: &StepRow) -> Option<String> {
    let spec: spec::RunSpec = serde_json::from_str(&run.spec).ok()?;
    spec.subject(step.machine.as_deref()?).map(|s| s.source.site.clone())
}
