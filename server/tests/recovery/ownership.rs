//! Two nodes, two runs, two copies: only ever one.

use super::support::*;
use model::{
    machine::PowerState,
    run::{FailoverRequest, RunState, StepState},
};
use server::services::{failover, moves};
use std::time::{Duration, Instant};

#[test]
fn two_nodes_race_for_a_run_and_one_drives_it() {
    let lab = Lab::new("race");
    let (one, two) = (lab.boot(), lab.boot());
    let native = lab.running[0].clone();
    let id = one.block_on(async { one.start_move(&lab, &native).await.id });
    let end = two.block_on(two.over(&id));
    assert_succeeded(&end);
    assert_eq!(end.run.epoch, 1, "the run changed hands without need");
    lab.assert_moved(&native, 0);
}

#[test]
fn a_tab_at_another_node_sees_the_run_to_its_end() {
    let lab = Lab::new("follow");
    let (one, two) = (lab.boot(), lab.boot());
    let native = lab.running[0].clone();
    // Both may drive it; the tab of either hears of its end.
    let mut heard = [&one, &two].map(|life| life.node.live.subscribe(None).1);
    let id = one.block_on(async { one.start_move(&lab, &native).await.id });
    assert_succeeded(&two.block_on(two.over(&id)));
    for (life, heard) in [&one, &two].into_iter().zip(&mut heard) {
        life.block_on(async {
            let end = async {
                loop {
                    let event = heard.recv().await.unwrap();
                    if event.topic == model::live::Topic::Run && event.data["state"] == "succeeded" {
                        return;
                    }
                }
            };
            tokio::time::timeout(Duration::from_secs(10), end).await.expect("the end was not told");
        });
    }
}

#[test]
fn when_the_driver_dies_another_takes_over_by_its_lease_alone() {
    let lab = Lab::new("takeover");
    let native = lab.running[0].clone();
    let one = lab.boot_to_crash(12);
    let two = lab.boot();
    // Only the first one may take it.
    let id = one.block_on(async {
        let run = one.start_move(&lab, &native).await;
        one.crash.hit.notified().await;
        run.id
    });
    one.kill();
    let begun = Instant::now();
    let end = two.block_on(two.over(&id));
    assert_succeeded(&end);
    assert!(begun.elapsed() < Duration::from_secs(20));
    lab.assert_moved(&native, 0);
}

#[test]
fn a_machine_is_in_one_run_at_a_time() {
    let lab = Lab::new("twice");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let caller = admin();
        let request = move_request(&lab, &native);
        let (a, b) = tokio::join!(moves::start(&life.node, &caller, &request), moves::start(&life.node, &caller, &request));
        assert!(a.is_ok() != b.is_ok(), "both or none of two clicks began a run");
        let (won, lost) = if a.is_ok() { (a, b) } else { (b, a) };
        assert!(lost.unwrap_err().message.contains("Another run"));
        let id = won.unwrap().id;
        assert_succeeded(&life.over(&id).await);
        lab.assert_moved(&native, 0);
    });
}

#[test]
fn a_second_copy_is_not_started_while_the_first_can_be_seen_alive() {
    let lab = Lab::new("split");
    let life = lab.boot();
    let natives = lab.running[..1].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |spec| {
            let action = model::plan::CalloutAction::Prompt { question: "Now?".into() };
            spec.callouts =
                vec![model::plan::Callout { name: "Ask".into(), before_priority: 1, action, on_error: model::plan::CalloutError::Wait }];
        })
        .await;
        // The link is cut, the machines run on. Somebody states what is not so.
        lab.source().cut();
        let run = life.fail_over(true).await;
        life.settled(&run.id).await;
        lab.source().restore();
        let go = model::run::RunCommand::Answer { step: "callout.1.1".into(), proceed: true, comment: String::new() };
        server::services::runs::command(&life.node, &admin(), &run.id, &go).await.unwrap();
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Failed, "{}", told(&end));
        let start = end.steps.iter().find(|s| s.kind == "start").unwrap();
        assert_eq!(start.state, StepState::Failed);
        assert!(start.message.as_ref().unwrap().contains("is alive"), "{:?}", start.message);
        assert_eq!(lab.state_at(&lab.target(), &natives[0]), Some(PowerState::Stopped));
        lab.assert_one_copy(&natives[0]);
    });
}

#[test]
fn a_lost_site_takes_the_typed_name_and_statement() {
    let lab = Lab::new("typed");
    let life = lab.boot();
    let natives = lab.running[..1].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        lab.source().crash();
        let ask = |confirm: &str, statement: Option<&str>| {
            let request = FailoverRequest { confirm: confirm.into(), statement: statement.map(Into::into), ..FailoverRequest::default() };
            let node = life.node.clone();
            async move { failover::start(&node, &admin(), "berlin", &request).await }
        };
        assert_eq!(ask("Berlin", None).await.unwrap_err().fields[0].field, "confirm");
        assert_eq!(ask("berlin", Some("yes")).await.unwrap_err().fields[0].field, "statement");
        assert!(ask("berlin", Some("I have made sure that berlin is powered off")).await.is_ok());
        let again = ask("berlin", Some("I have made sure that berlin is powered off")).await.unwrap_err();
        assert!(again.message.contains("Another run"), "{}", again.message);
    });
}
