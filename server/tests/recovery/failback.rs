//! The way back: what was superseded makes room, and the whole circle ends where it began with nothing lost.

use super::support::{life::Life, *};
use model::{
    machine::PowerState,
    plan::PlanMachine,
    protection::ReplicationState,
    run::{MoveRequest, RunCommand, RunState, StepState},
};
use server::{
    clouds::simulator::World,
    recovery::reaper,
    services::{groups, moves, plans, runs},
    store::{copies, members, points},
};

fn runs_at(lab: &Lab, at: &World, off: &World, native: &str, counter: u64) {
    lab.assert_one_copy(native);
    assert_eq!(lab.state_at(at, native), Some(PowerState::Running), "it does not run there");
    assert_ne!(lab.state_at(off, native), Some(PowerState::Running), "the other copy runs");
    assert!(at.counter(native).unwrap() >= counter, "the counter went back");
}

/// Copies that were set aside: their names and states.
fn aside(at: &World) -> Vec<(String, PowerState)> {
    at.machine_names().into_iter().filter(|m| m.1.contains('~')).map(|m| (m.0, m.2)).collect()
}

/// The change of the way back and its event.
async fn a_full_disk_leaves_both_undone(life: &Life, group: &str) {
    life.sql("CREATE TRIGGER full BEFORE INSERT ON audit WHEN NEW.action = 'group.reprotect' BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        .await;
    groups::reprotect(&life.node, &admin(), group).await.unwrap_err();
    life.sql("DROP TRIGGER full").await;
    let members = groups::get(&life.node, group).await.unwrap().members;
    assert!(members.iter().all(|m| m.replication.state == ReplicationState::Recovered), "{members:?}");
}

#[test]
fn the_circle_from_a_lost_site_and_back_again_and_again() {
    let lab = Lab::new("circle");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        let ids = life.protect(&lab, &natives).await;
        let group = format!("{}-group", lab.name);
        let first = PlanMachine { priority: 1, ..PlanMachine::with_defaults(ids[0].clone()) };
        let plan = life.plan(&lab, vec![first], |_| {}).await;
        let early = groups::reprotection(&life.node, &group).await.unwrap();
        assert!(early.refused.unwrap().contains("None of its machines was recovered"));
        lab.source().crash();
        assert_succeeded(&life.over(&life.fail_over(true).await.id).await);
        let away = groups::reprotection(&life.node, &group).await.unwrap();
        assert!(away.refused.unwrap().contains("does not answer"), "berlin is still away");
        lab.source().restore();
        let counters: Vec<u64> = natives.iter().map(|n| lab.target().counter(n).unwrap()).collect();
        a_full_disk_leaves_both_undone(&life, &group).await;

        life.reprotect(&lab, &ids).await;
        let shown = groups::get(&life.node, &group).await.unwrap();
        assert_eq!((shown.protected_site.as_str(), shown.target_cloud_id), ("dublin", lab.cloud("berlin")));
        let found = plans::check(&life.node, &admin(), &plan).await.unwrap();
        assert!(!found.problems.iter().any(model::Problem::blocks), "{:?}", found.problems);
        assert_eq!((found.protected_site.as_str(), found.spec.machines[0].priority), ("dublin", 1), "the plan did not follow");
        let back = life.fail_over_from("dublin", false).await.unwrap();
        let end = life.over(&back.id).await;
        assert_succeeded(&end);
        assert_eq!(end.run.outcome.as_ref().unwrap().rpa_ms, Some(0), "a planned failback loses nothing");
        for (native, counter) in natives.iter().zip(&counters) {
            runs_at(&lab, &lab.source(), &lab.target(), native, *counter);
            assert!(lab.source().counter(native).unwrap() >= lab.target().counter(native).unwrap(), "what was written at dublin is lost");
        }
        let kept = aside(&lab.source());
        assert_eq!(kept.len(), 2, "the old copies were not kept: {kept:?}");
        for (native, state) in &kept {
            assert_eq!(*state, PowerState::Stopped);
            assert!(lab.source().by_hand(native, PowerState::Running).is_err(), "it is not locked");
        }

        life.reprotect(&lab, &ids).await;
        let again = life.fail_over(false).await;
        assert_succeeded(&life.over(&again.id).await);
        for native in &natives {
            runs_at(&lab, &lab.target(), &lab.source(), native, lab.source().counter(native).unwrap());
        }
        for id in &ids {
            let member = members::get(&life.node.db, id).await.unwrap().unwrap();
            let all = copies::of_lineage(&life.node.db, &member.lineage).await.unwrap();
            assert_eq!(all.iter().filter(|c| c.role == "active").count(), 1, "{all:?}");
        }
    });
}

#[test]
fn an_old_copy_that_runs_is_never_set_aside() {
    let lab = Lab::new("runsthere");
    let life = lab.boot();
    let natives = lab.running[..1].to_vec();
    life.block_on(async {
        let ids = life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        lab.source().crash();
        assert_succeeded(&life.over(&life.fail_over(true).await.id).await);
        lab.source().restore();
        life.reprotect(&lab, &ids).await;
        lab.source().by_hand(&natives[0], PowerState::Running).unwrap();
        let refused = life.fail_over_from("dublin", false).await.unwrap_err();
        assert!(refused.message.contains("is not off"), "{}", refused.message);
        assert_eq!(lab.state_at(&lab.source(), &natives[0]), Some(PowerState::Running));
        assert!(aside(&lab.source()).is_empty());
    });
}

#[test]
fn a_machine_that_was_moved_moves_back_and_its_points_are_let_go() {
    let lab = Lab::new("moveback");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        assert_succeeded(&life.over(&life.start_move(&lab, &native).await.id).await);
        let there = server::inventory::machine_id(&lab.cloud("dublin"), &native);
        let lineage = copies::get(&life.node.db, &there).await.unwrap().unwrap().lineage;
        let counter = lab.target().counter(&native).unwrap();
        server::inventory::refresh(&life.node, &lab.cloud("dublin"), &native).await.unwrap();
        let request = MoveRequest { machine_id: there.clone(), target_cloud_id: lab.cloud("berlin"), ..move_request(&lab, &native) };
        let found = moves::preflight(&life.node, &admin(), &request).await.unwrap();
        assert!(!found.problems.iter().any(model::Problem::blocks), "{:?}", found.problems);
        assert!(found.problems.iter().any(|p| p.what.contains("set aside")), "{:?}", found.problems);
        let run = moves::start(&life.node, &admin(), &request).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        runs_at(&lab, &lab.source(), &lab.target(), &native, counter);
        // The copy at dublin goes: what it was based on is held no longer.
        let held = |at: String| {
            let (node, lineage) = (life.node.clone(), lineage.clone());
            async move {
                let all = points::page_of_lineage(&node.db, &lineage, None, 100).await.unwrap();
                all.iter().filter(|p| p.held && p.cloud_id == at).count()
            }
        };
        assert_eq!(held(lab.cloud("dublin")).await, 1);
        // Not while the node locks it.
        soon("it is removed", || async { reaper::remove_now(&life.node, &there).await.unwrap() }).await;
        assert_eq!(lab.state_at(&lab.target(), &native), None);
        assert_eq!(held(lab.cloud("dublin")).await, 0, "it is held for ever");
        assert_eq!(held(lab.cloud("berlin")).await, 1, "what the active copy is based on was let go");
        let active = server::inventory::machine_id(&lab.cloud("berlin"), &native);
        assert!(!reaper::remove_now(&life.node, &active).await.unwrap(), "the active copy was removed");
        runs_at(&lab, &lab.source(), &lab.target(), &native, counter);
    });
}

#[test]
fn a_failed_check_is_tried_again_after_the_end_of_the_run() {
    let lab = Lab::new("reopen");
    let life = lab.boot();
    let natives = lab.running[..1].to_vec();
    life.block_on(async {
        let ids = life.protect(&lab, &natives).await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let health = model::plan::HealthCheck::Tcp { address: Some("127.0.0.1".into()), port };
        let sick = PlanMachine { health, health_timeout_seconds: 1, ..PlanMachine::with_defaults(ids[0].clone()) };
        life.plan(&lab, vec![sick], |_| {}).await;
        lab.source().crash();
        let run = life.fail_over(true).await;
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::SucceededWithErrors, "{}", told(&end));
        let key = end.steps.iter().find(|s| s.kind == "health").unwrap().key.clone();
        assert!(end.actions.iter().any(|a| a.name == format!("retry_step:{key}") && a.refused.is_none()));
        // It is well now.
        let _well = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        runs::command(&life.node, &admin(), &run.id, &RunCommand::RetryStep { step: key.clone() }).await.unwrap();
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert!(end.run.outcome.unwrap().machines[0].recovered);
        let again = runs::command(&life.node, &admin(), &run.id, &RunCommand::RetryStep { step: key }).await;
        assert!(again.is_err(), "it did not fail");
    });
}

#[test]
fn a_script_that_fails_waits_for_somebody_unless_the_plan_says_otherwise() {
    use model::plan::{Callout, CalloutAction, CalloutError};
    for on_error in [CalloutError::Wait, CalloutError::GoOn] {
        let lab = Lab::new("script");
        let life = lab.boot();
        let natives = lab.running[..1].to_vec();
        let folder = lab.path().join("callouts");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("fail"), "#!/bin/sh\nexit 3\n").unwrap();
        std::fs::set_permissions(folder.join("fail"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        life.block_on(async {
            life.protect(&lab, &natives).await;
            life.plan(&lab, vec![], |spec| {
                let action = CalloutAction::Script { program: "fail".into(), args: vec![], timeout_seconds: 20 };
                spec.callouts = vec![Callout { name: "Network".into(), before_priority: 1, action, on_error }];
            })
            .await;
            lab.source().crash();
            let run = life.fail_over(true).await;
            let seen = life.settled(&run.id).await;
            if on_error == CalloutError::GoOn {
                assert_eq!(seen.run.state, RunState::SucceededWithErrors, "{}", told(&seen));
                return;
            }
            assert_eq!(seen.run.state, RunState::Waiting, "{}", told(&seen));
            assert!(seen.steps.iter().all(|s| s.kind != "start" || s.state == StepState::Pending), "it was started all the same");
            let skip = RunCommand::SkipStep { step: "callout.1.1".into(), reason: "done by hand".into() };
            runs::command(&life.node, &admin(), &run.id, &skip).await.unwrap();
            life.over(&run.id).await;
            lab.assert_moved(&natives[0], 0);
        });
    }
}
