//! Move to cloud: every problem first, then one run.

mod conversion;
pub(super) mod guest;
mod modes;
mod origin;
mod preflight;
mod target;

use super::{
    audit::About,
    caller::Caller,
    runs::{self, Begin},
};
use crate::{
    clouds::guard::Guard,
    error::{Error, Result},
    recovery::{
        compile::{self, Move},
        spec::{Place, RunSpec},
    },
    state::Node,
    store::plans::CloudFact,
};
use model::{
    Problem, Severity,
    access::Role,
    run::{MoveMode, MovePreflight, MoveRequest, Run, RunKind},
};
use preflight::Findings;
use std::sync::Arc;

// What "where can it run" asks of every cloud.
pub(super) use modes::possible;
pub(super) use origin::{Origin, known, look};
pub(super) use target::{Maps, Target, check};

/// A guest boots within this time, or somebody should look.
const HEALTH_TIMEOUT: u32 = 300;

/// Changes nothing.
pub async fn preflight(node: &Node, caller: &Caller, request: &MoveRequest) -> Result<MovePreflight> {
    caller.must_be(Role::Operator)?;
    let found = preflight::find(node, request).await?;
    Ok(shown(&found, request))
}

pub async fn start(node: &Node, caller: &Caller, request: &MoveRequest) -> Result<Run> {
    let id = super::audit::name(&request.machine_id);
    super::audit::refused(node, caller, "run.start", About::new(&id, &id), try_start(node, caller, request).await).await
}

async fn try_start(node: &Node, caller: &Caller, request: &MoveRequest) -> Result<Run> {
    caller.must_be(Role::Operator)?;
    let found = preflight::find(node, request).await?;
    let blocking: Vec<String> =
        found.problems.iter().filter(|p| p.blocks()).map(|p| format!("{}: {} {}", p.subject, p.what, p.remedy)).collect();
    if !blocking.is_empty() {
        return Err(Error::conflict(blocking.join(" ")));
    }
    let title = format!("Move {} to {}", found.subject.name, found.subject.target.cloud);
    let steps = compile::moving(&Move {
        subject: found.subject.clone(),
        mode: found.mode,
        health: request.health.clone(),
        health_timeout_seconds: HEALTH_TIMEOUT,
        stop_timeout_seconds: request.stop_timeout_seconds,
        service_addresses: request.service_addresses.clone(),
        keep_source_hours: request.keep_source_hours,
        convert: found.convert,
        old_copy: found.old_copy,
    });
    let subject = found.subject.name.clone();
    let spec = RunSpec { subjects: vec![found.subject], ..RunSpec::default() };
    runs::begin(node, caller, Begin { kind: RunKind::Move, title, subject, spec, steps, statement: None }).await
}

fn shown(found: &Findings, request: &MoveRequest) -> MovePreflight {
    MovePreflight {
        machine: found.subject.name.clone(),
        target: found.subject.target.cloud.clone(),
        mode: if found.mode == MoveMode::Auto { MoveMode::Cold } else { found.mode },
        bytes: found.bytes,
        convert: found.convert,
        problems: found.problems.clone(),
        networks: found.subject.networks.clone(),
        storage: found.subject.storage.clone(),
        service_addresses: request.service_addresses.clone(),
    }
}

fn critical(subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(Severity::Critical, subject, what, remedy)
}

fn place(cloud: &CloudFact, native_id: &str) -> Place {
    Place { cloud_id: cloud.id.clone(), cloud: cloud.name.clone(), site: cloud.site.clone(), native_id: native_id.into() }
}

fn guard(node: &Node, cloud: &CloudFact, problems: &mut Vec<Problem>) -> Option<Arc<Guard>> {
    let guard = node.clouds.get(&cloud.id);
    if guard.is_none() {
        problems.push(critical(&cloud.name, "This node is not connected to it.", "Look at it under Clouds."));
    }
    guard
}
