//! What should happen, when nothing goes wrong but a site.

use super::support::*;
use model::{
    machine::PowerState,
    plan::{Callout, CalloutAction, CalloutError, HealthCheck, PlanMachine},
    run::{RunCommand, RunState, StepState},
};
use server::{
    services::{failover, moves, runs},
    store::{copies, members},
};
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_move_loses_nothing_and_leaves_one_copy() {
    let lab = Lab::new("move");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let found = moves::preflight(&life.node, &admin(), &move_request(&lab, &native)).await.unwrap();
        assert!(!found.problems.iter().any(model::Problem::blocks), "{:?}", found.problems);
        let before = lab.source().counter(&native).unwrap();
        let run = life.start_move(&lab, &native).await;
        let first = life.detail(&run.id).await;
        assert!(!first.events.is_empty(), "the run has no first event");
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        lab.assert_moved(&native, before);
        let at_source = lab.source().counter(&native).unwrap();
        assert!(lab.target().counter(&native).unwrap() >= at_source, "writes before the stop were lost");
        let outcome = end.run.outcome.unwrap();
        assert_eq!(outcome.rpa_ms, Some(0), "a planned move loses nothing");
        assert!(outcome.downtime_ms.is_some() && outcome.rta_ms.is_some());
        assert!(lab.source().by_hand(&native, PowerState::Running).is_err(), "the old copy is not locked");
    });
}

#[test]
fn a_stopped_machine_moves_and_stays_stopped() {
    let lab = Lab::new("cold");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.source().by_hand(&native, PowerState::Stopped).unwrap();
        let run = life.start_move(&lab, &native).await;
        assert_succeeded(&life.over(&run.id).await);
        assert_eq!(lab.state_at(&lab.target(), &native), Some(PowerState::Stopped));
    });
}

#[test]
fn a_lost_site_comes_up_in_order_and_the_sites_swap() {
    let lab = Lab::new("failover");
    let life = lab.boot();
    let natives = lab.running[..3].to_vec();
    life.block_on(async {
        let ids = life.protect(&lab, &natives).await;
        let with = |i: usize, priority| PlanMachine { priority, ..PlanMachine::with_defaults(ids[i].clone()) };
        life.plan(&lab, vec![with(0, 2), with(1, 1), PlanMachine { after: vec![ids[0].clone()], ..with(2, 2) }], |_| {}).await;
        lab.source().crash();
        let blast = failover::blast_radius(&life.node, "berlin", &[], false).await.unwrap();
        assert!(!blast.site_answers && blast.machines.len() == 3, "{blast:?}");
        assert_eq!(blast.statement.as_deref(), Some("I have made sure that berlin is powered off"));
        let run = life.fail_over(true).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        let at = |i: usize| end.steps.iter().find(|s| s.key == format!("{}.start", &natives[i][..8])).unwrap().started_at.unwrap();
        let well = |i: usize| end.steps.iter().find(|s| s.key == format!("{}.health", &natives[i][..8])).unwrap().finished_at.unwrap();
        assert!(well(1) <= at(0) && well(0) <= at(2), "the order of the plan was not kept");
        for native in &natives {
            lab.assert_moved(native, 0);
        }
        assert_eq!(end.statement.as_deref(), Some("I have made sure that berlin is powered off"));
        for (id, native) in ids.iter().zip(&natives) {
            let member = members::get(&life.node.db, id).await.unwrap().unwrap();
            assert_eq!(member.state, model::protection::ReplicationState::Recovered);
            assert_eq!(member.machine_id, server::inventory::machine_id(&lab.cloud("dublin"), native));
            let copy = copies::get(&life.node.db, &lab.machine_id(native)).await.unwrap().unwrap();
            assert_eq!(copy.role, "superseded");
            assert!(life.newest(id).await.unwrap().held, "the point below a running machine is not held");
        }
        let group = server::store::groups::get(&life.node.db, &format!("{}-group", lab.name)).await.unwrap().unwrap();
        assert_eq!((group.protected_site.as_str(), group.recovery_site.as_str()), ("dublin", "berlin"));
        // The old site returns: its copies stay down.
        lab.source().restore();
        for native in &natives {
            lab.assert_moved(native, 0);
        }
    });
}

#[test]
fn a_site_that_answers_is_stopped_first_and_loses_nothing() {
    let lab = Lab::new("planned");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        let run = life.fail_over(false).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert_eq!(end.run.outcome.unwrap().rpa_ms, Some(0));
        for native in &natives {
            let before = lab.source().counter(native).unwrap();
            lab.assert_moved(native, before);
        }
    });
}

#[test]
fn a_machine_that_fails_takes_only_its_own_with_it() {
    let lab = Lab::new("partial");
    let life = lab.boot();
    let natives = lab.running[..3].to_vec();
    life.block_on(async {
        let ids = life.protect(&lab, &natives).await;
        let nowhere = HealthCheck::Tcp { address: Some("127.0.0.1".into()), port: 1 };
        let bad = PlanMachine { health: nowhere, health_timeout_seconds: 1, ..PlanMachine::with_defaults(ids[0].clone()) };
        let needs = PlanMachine { after: vec![ids[0].clone()], ..PlanMachine::with_defaults(ids[1].clone()) };
        life.plan(&lab, vec![bad, needs], |_| {}).await;
        lab.source().crash();
        let run = life.fail_over(true).await;
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::SucceededWithErrors, "{}", told(&end));
        let state = |i: usize, verb: &str| end.steps.iter().find(|s| s.key == format!("{}.{verb}", &natives[i][..8])).unwrap().clone();
        assert_eq!(state(0, "health").state, StepState::Failed);
        assert_eq!(state(1, "start").state, StepState::Skipped);
        assert!(state(1, "start").message.unwrap().contains("health"), "the reason is not told");
        assert_eq!(state(2, "health").state, StepState::Succeeded);
        let good: Vec<bool> = end.run.outcome.unwrap().machines.iter().map(|m| m.recovered).collect();
        assert_eq!(good.iter().filter(|g| **g).count(), 1);
    });
}

#[test]
fn prompts_and_scripts_are_steps() {
    let lab = Lab::new("callouts");
    let life = lab.boot();
    let natives = lab.running[..1].to_vec();
    let folder = lab.path().join("callouts");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("tell"), "#!/bin/sh\necho \"site $CROSSFADE_SITE $1\"\n").unwrap();
    std::fs::set_permissions(folder.join("tell"), std::fs::Permissions::from_mode(0o755)).unwrap();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |spec| {
            let script = CalloutAction::Script { program: "tell".into(), args: vec!["; touch /tmp/x".into()], timeout_seconds: 20 };
            let prompt = CalloutAction::Prompt { question: "Is the network there?".into() };
            spec.callouts = vec![
                Callout { name: "Tell".into(), before_priority: 1, action: script, on_error: CalloutError::Wait },
                Callout { name: "Ask".into(), before_priority: 2, action: prompt, on_error: CalloutError::Wait },
            ];
        })
        .await;
        lab.source().crash();
        let run = life.fail_over(true).await;
        let asks = life.settled(&run.id).await;
        assert_eq!(asks.run.state, RunState::Waiting, "{}", told(&asks));
        // Copies are made at once, whatever is asked; only the start waits.
        soon("its copy is made", || async { lab.state_at(&lab.target(), &natives[0]).is_some() }).await;
        assert_eq!(lab.state_at(&lab.target(), &natives[0]), Some(PowerState::Stopped), "it did not wait for the answer");
        assert!(asks.events.iter().any(|e| e.text == "site berlin ; touch /tmp/x"), "the output is not in the log");
        let answer = RunCommand::Answer { step: "callout.1.2".into(), proceed: true, comment: "yes".into() };
        runs::command(&life.node, &admin(), &run.id, &answer).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
    });
}

/// Ten moves at once must not open ten jobs at one hypervisor; all of them come through.
#[test]
fn first_copies_of_many_moves_take_turns() {
    let lab = Lab::new("turns");
    let life = lab.boot();
    let natives = lab.running.clone();
    life.block_on(async {
        let turn = life.node.replication.turn(&lab.cloud("berlin"), life.node.limits.cycles_per_cloud);
        let held = turn.clone().acquire_many_owned(3).await.unwrap();
        let mut ids = vec![];
        for native in &natives {
            ids.push(life.start_move(&lab, native).await.id);
        }
        let waits = |d: &model::run::RunDetail| d.events.iter().any(|e| e.text.contains("waiting for a turn"));
        for id in &ids {
            assert!(!life.until(id, waits).await.run.state.is_over());
        }
        drop(held);
        for id in &ids {
            assert_succeeded(&life.over(id).await);
        }
        assert_eq!(turn.available_permits(), 3);
    });
}
