//! Every call of every kind to either cloud fails once, for good or without an answer; a retry brings the run to its end.

use super::support::*;
use model::run::{RunCommand, RunState, StepState};
use server::{
    clouds::{error::Kind, simulator::Fault},
    services::runs,
};

const OPS: [(&str, &str); 11] = [
    ("berlin", "state"),
    ("berlin", "stop"),
    ("berlin", "set_autostart"),
    ("berlin", "lock"),
    ("berlin", "open"),
    ("berlin", "tidy"),
    ("dublin", "begin"),
    ("dublin", "commit"),
    ("dublin", "find"),
    ("dublin", "create"),
    ("dublin", "start"),
];

fn world(lab: &Lab, site: &str) -> std::sync::Arc<server::clouds::simulator::World> {
    if site == "berlin" { lab.source() } else { lab.target() }
}

/// Retries whatever waits, until the run is over.
async fn to_the_end(life: &life::Life, id: &str) -> model::run::RunDetail {
    for _ in 0..20 {
        let d = life.settled(id).await;
        if d.run.state.is_over() {
            return d;
        }
        for step in d.steps.iter().filter(|s| s.state == StepState::Failed) {
            let retry = RunCommand::RetryStep { step: step.key.clone() };
            // Somebody else may have been faster: the next look tells.
            let _ = runs::command(&life.node, &admin(), id, &retry).await;
        }
        // A source of which it could not be seen whether it is off: nobody states what nobody knows.
        for step in d.steps.iter().filter(|s| s.state == StepState::Waiting) {
            let no = RunCommand::Answer { step: step.key.clone(), proceed: false, comment: String::new() };
            let _ = runs::command(&life.node, &admin(), id, &no).await;
        }
        life.until(id, |d| d.run.state != RunState::Waiting).await;
    }
    panic!("it never ends:\n{}", told(&life.detail(id).await));
}

fn moves_in_spite_of(test: &str, fault: fn() -> Fault) {
    for (site, op) in OPS {
        let lab = Lab::new(test);
        let life = lab.boot();
        let native = lab.running[0].clone();
        life.block_on(async {
            let counter = lab.source().counter(&native).unwrap();
            let run = life.start_move(&lab, &native).await;
            world(&lab, site).fail(op, 1, 1, fault());
            let end = to_the_end(&life, &run.id).await;
            assert_eq!(end.run.state, RunState::Succeeded, "{site} {op}: {}", told(&end));
            lab.assert_moved(&native, counter);
            assert_eq!(lab.target().machine_names().len(), 1, "{site} {op}");
        });
    }
}

/// The same for a failover of a site that answers: each machine ends up running exactly once, at one place or the other.
fn fails_over_in_spite_of(test: &str, fault: fn() -> Fault) {
    for (site, op) in OPS.into_iter().chain([("dublin", "check_create"), ("dublin", "exists"), ("dublin", "state")]) {
        let lab = Lab::new(test);
        let life = lab.boot();
        let natives = lab.running[..2].to_vec();
        life.block_on(async {
            life.protect(&lab, &natives).await;
            life.plan(&lab, vec![], |_| {}).await;
            // One call of it is the press's own look.
            let nth = if op == "state" && site == "berlin" {
                2
            } else if op == "check_create" {
                3
            } else {
                1
            };
            world(&lab, site).fail(op, nth, 1, fault());
            let run = life.fail_over(false).await;
            let mut end = to_the_end(&life, &run.id).await;
            // What was handed over and did not start is tried again after the end of the run.
            let failed = end.steps.iter().find(|s| s.kind == "start" && s.state == StepState::Failed).map(|s| s.key.clone());
            if let Some(step) = failed {
                runs::command(&life.node, &admin(), &run.id, &RunCommand::RetryStep { step }).await.unwrap();
                end = to_the_end(&life, &run.id).await;
                assert_eq!(end.run.state, RunState::Succeeded, "{site} {op}: {}", told(&end));
            }
            for native in &natives {
                lab.assert_one_copy(native);
                let written = lab.source().counter(native).unwrap();
                if lab.state_at(&lab.source(), native) == Some(model::machine::PowerState::Running) {
                    continue;
                }
                let there = lab.state_at(&lab.target(), native);
                assert_eq!(there, Some(model::machine::PowerState::Running), "{site} {op}: it runs nowhere: {}", told(&end));
                assert!(lab.target().counter(native).unwrap() >= written, "{site} {op}: writes were lost");
            }
        });
    }
}

#[test]
fn a_living_site_never_loses_a_machine_to_a_call_that_fails_for_good() {
    fails_over_in_spite_of("lpermanent", || Fault::Error(Kind::Permanent, "refused (scripted)".into()));
}

#[test]
fn a_living_site_never_loses_a_machine_to_a_call_without_an_answer() {
    fails_over_in_spite_of("lunknown", || Fault::Unanswered);
}

#[test]
fn a_call_that_fails_for_good_is_retried_by_a_person() {
    moves_in_spite_of("permanent", || Fault::Error(Kind::Permanent, "refused (scripted)".into()));
}

#[test]
fn a_call_without_an_answer_may_have_happened() {
    moves_in_spite_of("unknown", || Fault::Unanswered);
}

#[test]
fn a_call_that_fails_for_a_moment_heals_by_itself() {
    moves_in_spite_of("transient", || Fault::Error(Kind::Transient, "busy (scripted)".into()));
}

#[test]
fn a_cloud_that_lies_is_not_believed() {
    let lab = Lab::new("lie");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.source().fail("lock", 1, 1, Fault::Lie);
        let run = life.start_move(&lab, &native).await;
        let end = to_the_end(&life, &run.id).await;
        assert_succeeded(&end);
        assert!(end.events.iter().any(|e| e.text.contains("does not show it")), "the lie about the lock went unseen");
        assert!(lab.source().by_hand(&native, model::machine::PowerState::Running).is_err());
    });
}

#[test]
fn a_guest_that_is_deaf_loses_its_power() {
    let lab = Lab::new("deaf");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.source().fail("shutdown", 1, 1, Fault::Lie);
        let mut request = move_request(&lab, &native);
        request.stop_timeout_seconds = 1;
        let run = server::services::moves::start(&life.node, &admin(), &request).await.unwrap();
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert!(end.events.iter().any(|e| e.text.contains("taking its power away")));
        lab.assert_moved(&native, 0);
    });
}
