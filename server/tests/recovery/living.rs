//! A failover of a site that still answers: its machines run, so nothing may be switched off for nothing, nothing that
//! was written may be left out silently, and what cannot be handed over runs on where it was.

use super::support::*;
use model::{
    machine::PowerState,
    plan::PlanMachine,
    run::{PointChoice, RunCommand, RunDetail, RunState, StepState},
};
use server::{
    clouds::{error::Kind, simulator::Fault},
    services::{failover, plans, runs},
    store::members,
};

fn refuse() -> Fault {
    Fault::Error(Kind::Permanent, "refused (scripted)".into())
}

fn step<'a>(d: &'a RunDetail, native: &str, verb: &str) -> &'a model::run::Step {
    let key = format!("{}.{verb}", &native[..8]);
    d.steps.iter().find(|s| s.key == key).unwrap_or_else(|| panic!("no {key}:\n{}", told(d)))
}

#[test]
fn nothing_is_stopped_while_the_recovery_site_does_not_answer() {
    let lab = Lab::new("noroom");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        lab.target().cut();
        let blast = failover::blast_radius(&life.node, "berlin", &[], false).await.unwrap();
        assert!(blast.site_answers && blast.problems.iter().any(model::Problem::blocks), "{:?}", blast.problems);
        let refused = life.fail_over_from("berlin", false).await.unwrap_err();
        assert!(refused.message.contains("was left as it is"), "{}", refused.message);
        natives.iter().for_each(|n| lab.assert_untouched(n));
        // The same is only a warning when the site is lost: whatever can be done is.
        lab.source().crash();
        let blast = failover::blast_radius(&life.node, "berlin", &[], false).await.unwrap();
        assert!(!blast.problems.iter().any(model::Problem::blocks), "{:?}", blast.problems);
        assert!(blast.problems.iter().any(|p| p.severity == model::Severity::Warning));
        assert!(life.fail_over_from("berlin", true).await.is_ok());
    });
}

#[test]
fn a_target_that_turns_out_not_to_be_ready_keeps_the_source_from_being_stopped() {
    let lab = Lab::new("ready");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        // The press looks once at each machine's place; what comes after that is the run.
        lab.target().fail("check_create", 3, 1000, refuse());
        let run = life.fail_over(false).await;
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Failed, "{}", told(&end));
        natives.iter().for_each(|n| lab.assert_untouched(n));
        assert_eq!(step(&end, &natives[0], "stop").state, StepState::Skipped);
    });
}

#[test]
fn what_was_stopped_and_cannot_be_made_elsewhere_is_started_again() {
    let lab = Lab::new("back");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        lab.target().fail("create", 1, 1000, refuse());
        let run = life.fail_over(false).await;
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Failed, "{}", told(&end));
        for native in &natives {
            lab.assert_untouched(native);
            assert_eq!(step(&end, native, "stop").state, StepState::Succeeded, "it was stopped");
            let back = step(&end, native, "back");
            assert!(back.message.as_ref().unwrap().contains("runs at"), "{back:?}");
        }
        let machines = end.run.outcome.unwrap().machines;
        assert!(machines.iter().all(|m| !m.recovered && m.message.as_ref().unwrap().contains("was not handed over")), "{machines:?}");
        let member = members::of_machine(&life.node.db, &lab.machine_id(&natives[0])).await.unwrap().unwrap();
        assert_eq!(member.held_by, None, "it is not protected any more");
    });
}

/// A failover of one machine whose last changes cannot be copied: it waits, and offers what can be done.
async fn stuck(lab: &Lab, life: &life::Life, native: &str) -> RunDetail {
    life.protect(lab, &[native.to_owned()]).await;
    life.plan(lab, vec![], |_| {}).await;
    // Without a write since its point there is nothing to copy, and nothing that could fail.
    let protected = lab.source().counter(native).unwrap();
    soon("it has written since its point", || async { lab.source().counter(native).unwrap() > protected }).await;
    lab.target().fail("begin", 1, 1000, refuse());
    let run = life.fail_over(false).await;
    let waits = life.settled(&run.id).await;
    assert_eq!(waits.run.state, RunState::Waiting, "{}", told(&waits));
    let fin = step(&waits, native, "final");
    assert_eq!(fin.state, StepState::Failed);
    assert!(fin.message.as_ref().unwrap().contains("starts from the older point of"), "{fin:?}");
    assert_eq!(step(&waits, native, "create").state, StepState::Pending, "an older point was taken silently");
    for offer in ["retry_step", "skip_step", "give_up"] {
        let name = format!("{offer}:{}.final", &native[..8]);
        assert!(waits.actions.iter().any(|a| a.name == name && a.refused.is_none()), "{offer} is not offered");
    }
    waits
}

#[test]
fn an_older_point_is_taken_only_when_somebody_says_so() {
    let lab = Lab::new("older");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let waits = stuck(&lab, &life, &native).await;
        let step = step(&waits, &native, "final").key.clone();
        let skip = RunCommand::SkipStep { step, reason: "the link is gone for days".into() };
        runs::command(&life.node, &admin(), &waits.run.id, &skip).await.unwrap();
        let end = life.over(&waits.run.id).await;
        assert_eq!(end.run.state, RunState::SucceededWithErrors, "{}", told(&end));
        lab.assert_moved(&native, 0);
        assert!(end.run.outcome.unwrap().rpa_ms.unwrap() > 0, "the loss is not told");
    });
}

#[test]
fn a_final_sync_that_is_given_up_leaves_the_machine_where_it_was() {
    let lab = Lab::new("giveup");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let waits = stuck(&lab, &life, &native).await;
        let no = RunCommand::Answer { step: step(&waits, &native, "final").key.clone(), proceed: false, comment: String::new() };
        runs::command(&life.node, &admin(), &waits.run.id, &no).await.unwrap();
        let end = life.over(&waits.run.id).await;
        assert_eq!(end.run.state, RunState::Failed, "{}", told(&end));
        lab.assert_untouched(&native);
    });
}

#[test]
fn a_final_sync_that_is_tried_again_loses_nothing() {
    let lab = Lab::new("again");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let waits = stuck(&lab, &life, &native).await;
        lab.target().heal();
        let retry = RunCommand::RetryStep { step: step(&waits, &native, "final").key.clone() };
        runs::command(&life.node, &admin(), &waits.run.id, &retry).await.unwrap();
        let end = life.over(&waits.run.id).await;
        assert_succeeded(&end);
        assert_eq!(end.run.outcome.unwrap().rpa_ms, Some(0));
        lab.assert_moved(&native, lab.source().counter(&native).unwrap());
    });
}

#[test]
fn a_site_that_answers_again_after_the_press_loses_nothing() {
    let lab = Lab::new("awake");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        life.protect(&lab, std::slice::from_ref(&native)).await;
        life.plan(&lab, vec![], |_| {}).await;
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        // The one look before the press gets no answer; the next one does.
        lab.source().fail("state", 1, 1, Fault::Error(Kind::Transient, "no route to host (scripted)".into()));
        let run = life.fail_over(true).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        let written = lab.source().counter(&native).unwrap();
        lab.assert_moved(&native, written);
        assert_eq!(end.run.outcome.as_ref().unwrap().rpa_ms, Some(0), "{}", told(&end));
        assert!(end.events.iter().any(|e| e.text.contains("had run on")), "{}", told(&end));
    });
}

#[test]
fn a_machine_that_was_off_is_made_there_and_left_off() {
    let lab = Lab::new("wasoff");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        let ids = life.protect(&lab, &natives).await;
        let always = PlanMachine { always_start: true, ..PlanMachine::with_defaults(ids[1].clone()) };
        life.plan(&lab, vec![always], |_| {}).await;
        for native in &natives {
            lab.source().by_hand(native, PowerState::Stopped).unwrap();
            server::inventory::refresh(&life.node, &lab.cloud("berlin"), native).await.unwrap();
        }
        let blast = failover::blast_radius(&life.node, "berlin", &[], false).await.unwrap();
        assert_eq!(blast.machines.iter().filter(|m| m.starts).count(), 1);
        let run = life.fail_over(false).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert_eq!(lab.state_at(&lab.target(), &natives[0]), Some(PowerState::Stopped), "it was off");
        assert_eq!(lab.state_at(&lab.target(), &natives[1]), Some(PowerState::Running), "the plan always starts it");
    });
}

#[test]
fn a_machine_that_is_protected_anew_keeps_its_place_in_the_plan() {
    let lab = Lab::new("anew");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let old = life.protect(&lab, std::slice::from_ref(&native)).await.remove(0);
        let first = PlanMachine { priority: 1, ..PlanMachine::with_defaults(old.clone()) };
        let plan = life.plan(&lab, vec![first], |_| {}).await;
        server::replication::retire(&life.node, &old).await.unwrap();
        let left = plans::get(&life.node, &plan).await.unwrap();
        assert!(left.problems.iter().any(|p| p.blocks() && p.what.contains("names it")), "{:?}", left.problems);
        let new = life.member(&lab, &native).await;
        assert_ne!(new, old);
        let found = plans::get(&life.node, &plan).await.unwrap();
        assert_eq!(found.spec.machines[0].member_id, new);
        let blast = failover::blast_radius(&life.node, "berlin", &[], false).await.unwrap();
        assert_eq!(blast.machines[0].priority, 1, "its place was lost");
        assert!(!blast.problems.iter().any(model::Problem::blocks), "{:?}", blast.problems);
    });
}

#[test]
fn an_older_recovery_point_can_be_chosen() {
    let lab = Lab::new("chosen");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let id = life.protect(&lab, std::slice::from_ref(&native)).await.remove(0);
        life.plan(&lab, vec![], |_| {}).await;
        let clean = life.newest(&id).await.unwrap();
        let before = lab.source().counter(&native).unwrap();
        lab.source().guest_write(&native, 0, 1 << 20, b"encrypted, pay here").unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        life.cycle(&id).await;
        assert_ne!(life.newest(&id).await.unwrap().id, clean.id);
        let choose = |point: &str| vec![PointChoice { member_id: id.clone(), point_id: point.into() }];
        let request = |points| model::run::FailoverRequest { confirm: "berlin".into(), points, ..Default::default() };
        let wrong = failover::start(&life.node, &admin(), "berlin", &request(choose("nonsense"))).await.unwrap_err();
        assert_eq!(wrong.fields[0].field, "points[0].point_id");
        let run = failover::start(&life.node, &admin(), "berlin", &request(choose(&clean.id))).await.unwrap();
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        let there = lab.target().disk(&native, 0).unwrap();
        assert!(!String::from_utf8_lossy(&there.read(1 << 20, 19)).contains("encrypted"), "the damage came along");
        assert!(lab.target().counter(&native).unwrap() >= before.saturating_sub(10));
        let outcome = end.run.outcome.unwrap();
        assert!(outcome.rpa_ms.unwrap() >= 1000, "the loss is not told: {outcome:?}");
    });
}
