//! Move to cloud: every problem first, then one run.

mod preflight;

use super::{
    audit::About,
    caller::Caller,
    runs::{self, Begin},
};
use crate::{
    error::{Error, Result},
    recovery::{
        compile::{self, Move},
        spec::RunSpec,
    },
    state::Node,
};
use model::{
    access::Role,
    run::{MoveMode, MovePreflight, MoveRequest, Run, RunKind},
};
use preflight::Findings;

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
        problems: found.problems.clone(),
        networks: found.subject.networks.clone(),
        storage: found.subject.storage.clone(),
        service_addresses: request.service_addresses.clone(),
    }
}
