//! A small run for the tests of this folder.

use model::{
    Millis, Severity, Transfer,
    run::{Run, RunDetail, RunEvent, RunKind, RunState, Step, StepState},
};

pub const T0: Millis = 1_700_000_000_000;

pub fn step(key: &str, kind: &str, priority: u8, state: StepState, from: Option<i64>, to: Option<i64>) -> Step {
    Step {
        key: key.into(),
        kind: kind.into(),
        title: format!("{kind} {key}"),
        machine: key.split_once('.').map(|(machine, _)| machine.into()),
        priority,
        state,
        attempt: 1,
        started_at: from.map(|s| T0 + s),
        finished_at: to.map(|s| T0 + s),
        message: None,
        transfer: Some(Transfer { done: 1, total: 2, rate: 0 }),
        needs: vec![],
        after: vec![],
        cutover: kind == "create",
    }
}

pub fn detail() -> RunDetail {
    RunDetail {
        run: Run {
            id: "r1".into(),
            kind: RunKind::Failover,
            title: "Fail over berlin".into(),
            subject: "berlin".into(),
            state: RunState::Running,
            created_by: "admin".into(),
            created_at: T0,
            started_at: Some(T0),
            finished_at: None,
            owner: None,
            epoch: 1,
            steps_total: 3,
            steps_done: 1,
            message: None,
            outcome: None,
        },
        steps: vec![
            step("db1.stop_source", "stop_source", 0, StepState::Succeeded, Some(0), Some(2_000)),
            step("db1.create", "create", 1, StepState::Running, Some(2_000), None),
            step("web1.create", "create", 3, StepState::Pending, None, None),
        ],
        events: vec![RunEvent { seq: 3, run_id: "r1".into(), step: None, at: T0, severity: Severity::Info, text: "started".into() }],
        earlier_events: 0,
        actions: vec![],
        statement: None,
    }
}
