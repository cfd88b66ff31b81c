//! Pause, resume, skip, retry: rows that any node takes.

use super::support::*;
use model::run::{RunCommand, RunState, StepState};
use server::{
    clouds::{error::Kind, simulator::Fault},
    services::runs,
};
use std::time::Duration;

#[test]
fn a_paused_run_begins_nothing_until_it_is_resumed() {
    let lab = Lab::new("pause");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.target().fail("create", 1, 1, Fault::Slow(Duration::from_millis(700)));
        let run = life.start_move(&lab, &native).await;
        let creating = |d: &model::run::RunDetail| d.steps.iter().any(|s| s.kind == "create" && s.state == StepState::Running);
        life.until(&run.id, creating).await;
        runs::command(&life.node, &admin(), &run.id, &RunCommand::Pause).await.unwrap();
        let paused = life.until(&run.id, |d| d.run.state == RunState::Paused).await;
        assert!(paused.steps.iter().any(|s| s.kind == "create" && s.state == StepState::Succeeded), "what was under way ended");
        assert!(paused.steps.iter().all(|s| s.kind != "promote" || s.state == StepState::Pending));
        assert!(runs::command(&life.node, &admin(), &run.id, &RunCommand::Pause).await.is_err(), "paused twice");
        runs::command(&life.node, &admin(), &run.id, &RunCommand::Resume).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        lab.assert_moved(&native, 0);
    });
}

#[test]
fn a_failed_step_waits_for_somebody_and_only_some_can_be_skipped() {
    let lab = Lab::new("skip");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.target().fail("create", 1, 1, Fault::Error(Kind::Permanent, "no licence".into()));
        let run = life.start_move(&lab, &native).await;
        let stuck = life.settled(&run.id).await;
        assert_eq!(stuck.run.state, RunState::Waiting);
        let step = stuck.steps.iter().find(|s| s.state == StepState::Failed).unwrap().clone();
        assert_eq!((step.kind.as_str(), step.message.as_deref()), ("create", Some("no licence")), "the cloud's own words");
        let skip = RunCommand::SkipStep { step: step.key.clone(), reason: "never mind".into() };
        let refused = runs::command(&life.node, &admin(), &run.id, &skip).await.unwrap_err();
        assert!(refused.message.contains("cannot be skipped"), "{}", refused.message);
        assert!(stuck.actions.iter().any(|a| a.name == "retry_step" && a.refused.is_none()));
        assert!(stuck.actions.iter().any(|a| a.name == "skip_step" && a.refused.is_some()));
        runs::command(&life.node, &admin(), &run.id, &RunCommand::RetryStep { step: step.key }).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        lab.assert_moved(&native, 0);
    });
}

#[test]
fn a_health_check_can_be_skipped_with_a_reason() {
    let lab = Lab::new("skiph");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let mut request = move_request(&lab, &native);
        request.health = model::plan::HealthCheck::Tcp { address: Some("127.0.0.1".into()), port: 1 };
        let run = server::services::moves::start(&life.node, &admin(), &request).await.unwrap();
        let checking = |d: &model::run::RunDetail| d.steps.iter().any(|s| s.kind == "health" && s.state == StepState::Running);
        let d = life.until(&run.id, checking).await;
        let step = d.steps.iter().find(|s| s.kind == "health").unwrap().key.clone();
        let empty = RunCommand::SkipStep { step: step.clone(), reason: " ".into() };
        assert!(runs::command(&life.node, &admin(), &run.id, &empty).await.is_err());
        runs::command(&life.node, &admin(), &run.id, &RunCommand::SkipStep { step, reason: "no web here".into() }).await.unwrap();
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::SucceededWithErrors, "{}", told(&end));
        assert!(end.events.iter().any(|e| e.text.contains("no web here")));
        lab.assert_moved(&native, 0);
    });
}
