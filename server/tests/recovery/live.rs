//! Live migration: the machine never stops, is at one place at any time, and a dead node changes nothing of that.

use super::support::*;
use model::{
    Id,
    machine::PowerState,
    run::{MoveMode, MoveRequest, RunCommand, RunState, StepState},
};
use server::{
    clouds::{error::Kind, simulator::Fault},
    inventory,
    services::{moves, runs},
    store::{copies, members},
};

fn request(lab: &Lab, native: &str) -> MoveRequest {
    MoveRequest { mode: MoveMode::Live, ..move_request(lab, native) }
}

async fn begin(life: &life::Life, lab: &Lab, native: &str) -> Id {
    moves::start(&life.node, &admin(), &request(lab, native)).await.unwrap().id
}

fn there(lab: &Lab, native: &str) -> Id {
    inventory::machine_id(&lab.cloud("dublin"), native)
}

async fn command(life: &life::Life, id: &str, command: RunCommand) {
    runs::command(&life.node, &admin(), id, &command).await.unwrap();
}

/// Until the step is done or under way.
async fn step_is(life: &life::Life, id: &str, kind: &str, state: StepState) {
    life.until(id, |d| d.steps.iter().any(|s| s.kind == kind && s.state == state)).await;
}

#[test]
fn a_machine_moves_without_stopping() {
    let lab = Lab::new("live");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let found = moves::preflight(&life.node, &admin(), &request(&lab, &native)).await.unwrap();
        assert!(found.mode == MoveMode::Live && !found.problems.iter().any(model::Problem::blocks), "{found:?}");
        let counter = lab.source().counter(&native).unwrap();
        let id = begin(&life, &lab, &native).await;
        let end = life.over(&id).await;
        assert_succeeded(&end);
        assert!(!end.steps.iter().any(|s| s.kind == "stop_source" || s.kind == "start"), "{}", told(&end));
        lab.assert_moved(&native, counter);
        assert!(lab.source().by_hand(&native, PowerState::Running).is_err(), "the old copy is not locked");
        let old = copies::get(&life.node.db, &lab.machine_id(&native)).await.unwrap().unwrap();
        assert!(old.role == "superseded" && old.keep_until.is_some());
        assert_eq!(copies::get(&life.node.db, &there(&lab, &native)).await.unwrap().unwrap().role, "active");
        assert!(members::of_machine(&life.node.db, &there(&lab, &native)).await.unwrap().is_none(), "it was only moved");
    });
}

#[test]
fn a_machine_that_is_off_is_not_migrated() {
    let lab = Lab::new("lcold");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.source().by_hand(&native, PowerState::Stopped).unwrap();
        let refused = moves::start(&life.node, &admin(), &request(&lab, &native)).await.unwrap_err();
        assert!(refused.message.contains("Move it cold"), "{}", refused.message);
    });
}

#[test]
fn cancelled_on_its_way_it_runs_on_where_it_was() {
    let lab = Lab::new("lcancel");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.source().hold_migrations(true);
        let id = begin(&life, &lab, &native).await;
        soon("it is on its way", || async { lab.state_at(&lab.target(), &native) == Some(PowerState::Paused) }).await;
        let shown = life.until(&id, |d| d.steps.iter().any(|s| s.transfer.is_some_and(|t| t.total > 0))).await;
        assert_eq!(shown.run.state, RunState::Running);
        command(&life, &id, RunCommand::Cancel).await;
        let end = life.over(&id).await;
        assert_eq!(end.run.state, RunState::Cancelled, "{}", told(&end));
        lab.assert_untouched(&native);
        assert!(copies::get(&life.node.db, &there(&lab, &native)).await.unwrap().is_none());
        assert!(members::of_machine(&life.node.db, &lab.machine_id(&native)).await.unwrap().is_none());
        // And it can be done again.
        lab.source().hold_migrations(false);
        let id = begin(&life, &lab, &native).await;
        assert_succeeded(&life.over(&id).await);
        lab.assert_moved(&native, 0);
    });
}

#[test]
fn cancelled_when_it_has_arrived_it_stays_and_that_is_said() {
    let lab = Lab::new("llate");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lab.source().hold_migrations(true);
        let id = begin(&life, &lab, &native).await;
        step_is(&life, &id, "migrate", StepState::Running).await;
        command(&life, &id, RunCommand::Pause).await;
        lab.source().hold_migrations(false);
        step_is(&life, &id, "migrate", StepState::Succeeded).await;
        command(&life, &id, RunCommand::Cancel).await;
        let end = life.over(&id).await;
        assert_eq!(end.run.state, RunState::Cancelled, "{}", told(&end));
        assert!(end.events.iter().any(|e| e.text.contains("Not everything is as it was")), "a lie at the end");
        lab.assert_moved(&native, 0);
        assert_eq!(copies::get(&life.node.db, &there(&lab, &native)).await.unwrap().unwrap().role, "active");
        assert_eq!(copies::get(&life.node.db, &lab.machine_id(&native)).await.unwrap().unwrap().role, "superseded");
        let guard = life.node.clouds.get(&lab.cloud("berlin")).unwrap();
        soon("the old copy is locked", || async { guard.cloud().inventory().one(&native).await.unwrap().unwrap().locked.is_some() }).await;
    });
}

#[test]
fn one_that_breaks_is_tried_again() {
    for fault in [Fault::Error(Kind::Transient, "broken (scripted)".into()), Fault::Unanswered, Fault::Error(Kind::Unknown, "?".into())] {
        let lab = Lab::new("lbreak");
        let life = lab.boot();
        let native = lab.running[0].clone();
        life.block_on(async {
            lab.source().fail("migrate", 1, 1, fault);
            let id = begin(&life, &lab, &native).await;
            assert_succeeded(&life.over(&id).await);
            lab.assert_moved(&native, 0);
        });
    }
}

#[test]
fn its_way_back_needs_no_hand() {
    let lab = Lab::new("lback");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let id = begin(&life, &lab, &native).await;
        assert_succeeded(&life.over(&id).await);
        soon("it is seen", || async { inventory::row(&life.node, &there(&lab, &native)).is_some_and(|r| r.state == PowerState::Running) })
            .await;
        let back = MoveRequest { machine_id: there(&lab, &native), target_cloud_id: lab.cloud("berlin"), ..request(&lab, &native) };
        let run = moves::start(&life.node, &admin(), &back).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        lab.assert_one_copy(&native);
        assert_eq!(lab.state_at(&lab.source(), &native), Some(PowerState::Running));
    });
}

/// `outlive`: the clouds go on without the node, as libvirt does.
fn killed_everywhere(test: &str, outlive: bool) {
    for at in 1..200 {
        let lab = Lab::new(test);
        let native = lab.running[0].clone();
        let life = lab.boot_to_crash(at);
        lab.source().migrations_outlive(outlive);
        let (id, died) = life.block_on(async {
            let id = begin(&life, &lab, &native).await;
            let died = tokio::select! {
                () = life.crash.hit.notified() => true,
                _ = life.over(&id) => false,
            };
            (id, died)
        });
        life.kill();
        if died {
            let next = lab.boot();
            next.block_on(async {
                next.expire_leases().await;
                assert_succeeded(&next.over(&id).await);
            });
        }
        lab.assert_moved(&native, 0);
        assert_eq!(lab.target().machine_names().len(), 1, "killed at {at}");
        if !died {
            return;
        }
    }
    panic!("the run never came to its end");
}

#[test]
fn a_node_killed_anywhere_finds_it_where_it_is() {
    killed_everywhere("lkillo", true);
}

#[test]
fn a_migration_that_ended_with_its_node_begins_anew() {
    killed_everywhere("lkilld", false);
}
