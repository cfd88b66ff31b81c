//! What a lost site finds when it returns: its copies are superseded, and its own hypervisor does not start them.

use super::support::*;
use model::{
    machine::PowerState,
    run::{MoveRequest, RunState},
};
use server::{
    clouds::{error::Kind, simulator::Fault},
    inventory::alarms,
    services::{audit, moves, plans},
    store::copies,
};

/// Fails the first site over, which stays dark.
async fn lost(life: &life::Life, lab: &Lab, natives: &[String]) {
    life.protect(lab, natives).await;
    life.plan(lab, vec![], |_| {}).await;
    lab.source().crash();
    let run = life.fail_over(true).await;
    assert_succeeded(&life.over(&run.id).await);
}

async fn locked(life: &life::Life, lab: &Lab, native: &str) -> Option<String> {
    let guard = life.node.clouds.get(&lab.cloud("berlin"))?;
    guard.cloud().inventory().one(native).await.ok()??.locked
}

async fn locks_told(life: &life::Life) -> usize {
    let all = audit::list(&life.node, audit::Filter::default(), None, 200).await.unwrap().items;
    all.iter().filter(|e| e.action == "machine.lock").count()
}

fn raised(life: &life::Life, kind: &str) -> bool {
    alarms::active(&life.node).iter().any(|a| a.kind == kind)
}

#[test]
fn a_site_that_returns_finds_its_copies_locked() {
    let lab = Lab::new("locked");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        lost(&life, &lab, &natives).await;
        assert_eq!(locks_told(&life).await, 0, "nobody can lock what does not answer");
        lab.source().restore();
        for native in &natives {
            soon("it is locked", || async { locked(&life, &lab, native).await.is_some() }).await;
            let why = locked(&life, &lab, native).await.unwrap();
            assert!(why.contains("dublin"), "it does not say where the active copy is: {why}");
            let refused = lab.source().by_hand(native, PowerState::Running).unwrap_err();
            assert!(refused.message.contains("superseded"), "{refused}");
            lab.assert_one_copy(native);
        }
        soon("both are in the audit trail", || async { locks_told(&life).await == 2 }).await;
        // Seen as locked by now, and left alone.
        let id = lab.machine_id(&natives[0]);
        soon("it is shown", || async {
            server::store::machines::get(&life.node.db, &id).await.unwrap().unwrap().observed.locked.is_some()
        })
        .await;
        for _ in 0..3 {
            server::recovery::keeper::sweep(&life.node, &Default::default()).await;
        }
        assert_eq!(locks_told(&life).await, 2);
    });
}

#[test]
fn a_copy_that_runs_is_a_split_brain_and_is_left_to_a_person() {
    let lab = Lab::new("stubborn");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lost(&life, &lab, std::slice::from_ref(&native)).await;
        lab.source().restore();
        soon("it is locked", || async { locked(&life, &lab, &native).await.is_some() }).await;
        lab.source().break_lock_and_start(&native);
        soon("the alarm", || async { raised(&life, "split_brain") }).await;
        assert_eq!(lab.state_at(&lab.source(), &native), Some(PowerState::Running), "a running copy was touched");
        lab.source().by_hand(&native, PowerState::Stopped).unwrap();
        soon("it is locked again", || async { locked(&life, &lab, &native).await.is_some() }).await;
        soon("the alarm is over", || async { !raised(&life, "split_brain") }).await;
        soon("both are told", || async { locks_told(&life).await == 2 }).await;
    });
}

#[test]
fn its_autostart_is_taken_away_again() {
    let lab = Lab::new("autostart");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lost(&life, &lab, std::slice::from_ref(&native)).await;
        let off = || async {
            let guard = life.node.clouds.get(&lab.cloud("berlin")).unwrap();
            guard.cloud().inventory().one(&native).await.is_ok_and(|o| o.unwrap().autostart == Some(false))
        };
        lab.source().restore();
        soon("it is locked", || async { locked(&life, &lab, &native).await.is_some() }).await;
        lab.source().set_autostart_by_hand(&native, true);
        soon("it is off again", off).await;
        soon("the alarm is over", || async { !raised(&life, "autostart_on_copy") }).await;
    });
}

#[test]
fn a_cloud_that_lies_or_fails_is_asked_again_and_said_to() {
    let lab = Lab::new("liar");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lost(&life, &lab, std::slice::from_ref(&native)).await;
        lab.source().fail("lock", 1, 1, Fault::Lie);
        lab.source().fail("lock", 2, 1, Fault::Error(Kind::Permanent, "not now (scripted)".into()));
        lab.source().restore();
        soon("somebody is told", || async { raised(&life, "old_copy_not_locked") }).await;
        soon("it is locked at last", || async { locked(&life, &lab, &native).await.is_some() }).await;
        soon("the alarm is over", || async { !raised(&life, "old_copy_not_locked") }).await;
        soon("once in the audit trail", || async { locks_told(&life).await == 1 }).await;
    });
}

#[test]
fn a_node_killed_while_it_locks_leaves_no_gap() {
    for at in 1.. {
        let lab = Lab::new("lkill");
        let first = lab.boot();
        let native = lab.running[0].clone();
        first.block_on(lost(&first, &lab, std::slice::from_ref(&native)));
        first.kill();
        lab.source().restore();
        lab.source().set_autostart_by_hand(&native, true);
        let life = lab.boot_to_crash(at);
        let died = life.block_on(async {
            tokio::select! {
                () = life.crash.hit.notified() => true,
                () = soon("it is told", || async { locks_told(&life).await == 1 }) => false,
            }
        });
        life.kill();
        let life = lab.boot();
        life.block_on(async {
            // The claim of the dead runs out by itself; here it does so at once.
            life.sql("UPDATE copies SET locking_until = 0").await;
            soon("it is locked", || async { locked(&life, &lab, &native).await.is_some() }).await;
            soon("it is told", || async { locks_told(&life).await > 0 }).await;
            assert_eq!(locks_told(&life).await, 1, "killed at {at}");
        });
        if !died {
            return;
        }
    }
}

/// From the second site to the first, where the old copy lies.
fn back(lab: &Lab, native: &str) -> MoveRequest {
    MoveRequest {
        machine_id: server::inventory::machine_id(&lab.cloud("dublin"), native),
        target_cloud_id: lab.cloud("berlin"),
        ..move_request(lab, native)
    }
}

async fn moved_there(life: &life::Life, lab: &Lab, native: &str) {
    let run = life.start_move(lab, native).await;
    assert_succeeded(&life.over(&run.id).await);
    soon("the new copy is seen running", || async {
        let id = server::inventory::machine_id(&lab.cloud("dublin"), native);
        let seen = server::store::machines::get(&life.node.db, &id).await.unwrap();
        seen.is_some_and(|m| m.observed.state == PowerState::Running)
    })
    .await;
}

fn assert_back(lab: &Lab, native: &str, counter: u64) {
    lab.assert_one_copy(native);
    assert_eq!(lab.state_at(&lab.source(), native), Some(PowerState::Running), "it does not run where it came from");
    assert_eq!(lab.state_at(&lab.target(), native), Some(PowerState::Stopped));
    assert!(lab.source().counter(native).unwrap() >= counter, "the counter went back");
}

#[test]
fn a_machine_moves_back_to_where_its_old_copy_is_still_kept() {
    let lab = Lab::new("back");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        moved_there(&life, &lab, &native).await;
        assert!(locked(&life, &lab, &native).await.is_some());
        let found = moves::preflight(&life.node, &admin(), &back(&lab, &native)).await.unwrap();
        assert!(!found.problems.iter().any(model::Problem::blocks), "{:?}", found.problems);
        assert!(found.problems.iter().any(|p| p.what.contains("it is set aside under another name")), "{:?}", found.problems);
        let counter = lab.target().counter(&native).unwrap();
        let run = moves::start(&life.node, &admin(), &back(&lab, &native)).await.unwrap();
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert_back(&lab, &native, counter);
        assert_eq!(locked(&life, &lab, &native).await, None, "the active copy is locked");
        let roles: Vec<String> =
            copies::of_lineage(&life.node.db, &copies::get(&life.node.db, &lab.machine_id(&native)).await.unwrap().unwrap().lineage)
                .await
                .unwrap()
                .into_iter()
                .map(|c| c.role)
                .collect();
        assert_eq!(roles.iter().filter(|r| *r == "active").count(), 1, "{roles:?}");
        assert!(end.events.iter().any(|e| e.text.contains("was set aside")));
    });
}

#[test]
fn an_old_copy_that_runs_is_in_the_way() {
    let lab = Lab::new("runs");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        moved_there(&life, &lab, &native).await;
        lab.source().break_lock_and_start(&native);
        soon("it is seen", || async {
            let found = moves::preflight(&life.node, &admin(), &back(&lab, &native)).await.unwrap();
            found.problems.iter().any(|p| p.blocks() && p.what.contains("is not off"))
        })
        .await;
    });
}

#[test]
fn a_move_back_survives_a_kill_after_every_write() {
    for at in 1.. {
        let lab = Lab::new("bkill");
        let native = lab.running[0].clone();
        let first = lab.boot();
        first.block_on(moved_there(&first, &lab, &native));
        first.kill();
        let counter = lab.target().counter(&native).unwrap();
        let life = lab.boot_to_crash(at);
        let (id, died) = life.block_on(async {
            life.known().await;
            life.sql("UPDATE copies SET locking_until = 0").await;
            let id = moves::start(&life.node, &admin(), &back(&lab, &native)).await.unwrap().id;
            let died = tokio::select! {
                () = life.crash.hit.notified() => true,
                _ = life.over(&id) => false,
            };
            (id, died)
        });
        life.kill();
        let next = lab.boot();
        next.block_on(async {
            next.expire_leases().await;
            next.sql("UPDATE copies SET locking_until = 0").await;
            assert_succeeded(&next.over(&id).await);
        });
        assert_back(&lab, &native, counter);
        assert_eq!(lab.source().machine_names().iter().filter(|m| m.0 == native).count(), 1, "killed at {at}");
        if !died {
            return;
        }
    }
}

#[test]
fn after_a_failover_the_way_back_keeps_the_disks_of_the_lost_site() {
    let lab = Lab::new("failback");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lost(&life, &lab, std::slice::from_ref(&native)).await;
        lab.source().restore();
        soon("it is locked", || async { locked(&life, &lab, &native).await.is_some() }).await;
        // Out of the group, which points to the other direction, and back by a move.
        let group = format!("{}-group", lab.name);
        let member = server::store::members::in_group(&life.node.db, &group).await.unwrap().remove(0);
        server::replication::retire(&life.node, &member.id).await.unwrap();
        let found = moves::preflight(&life.node, &admin(), &back(&lab, &native)).await.unwrap();
        let told = found.problems.iter().find(|p| p.what.contains("it is set aside under another name")).unwrap();
        assert!(told.what.contains("with its disks"), "{}", told.what);
        let counter = lab.target().counter(&native).unwrap();
        let run = moves::start(&life.node, &admin(), &back(&lab, &native)).await.unwrap();
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Succeeded, "{}", super::support::told(&end));
        assert_back(&lab, &native, counter);
    });
}

#[test]
fn a_plan_for_the_way_back_says_what_becomes_of_the_old_copies() {
    let lab = Lab::new("ready");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        lost(&life, &lab, std::slice::from_ref(&native)).await;
        lab.source().restore();
        soon("it is locked", || async { locked(&life, &lab, &native).await.is_some() }).await;
        // Protected the other way round, to where the old copy lies.
        let (group, target) = (format!("{}-group", lab.name), lab.cloud("berlin"));
        life.sql(&format!("UPDATE members SET target_cloud_id = '{target}', state = 'waiting' WHERE group_id = '{group}'")).await;
        life.sql(&format!("DELETE FROM points WHERE lineage IN (SELECT lineage FROM members WHERE group_id = '{group}')")).await;
        let member = server::store::members::in_group(&life.node.db, &group).await.unwrap().remove(0);
        server::replication::cycle(&life.node, &member.id, |_| {}, tokio_util::sync::CancellationToken::new()).await.unwrap();
        let plan = plans::list(&life.node, 10, None).await.unwrap().items.remove(0);
        let checked = plans::check(&life.node, &admin(), &plan.id).await.unwrap();
        assert!(checked.problems.iter().any(|p| p.what.contains("it is set aside under another name")), "{:?}", checked.problems);
        assert!(!checked.problems.iter().any(|p| p.blocks() && p.what.contains("identity")), "{:?}", checked.problems);
        // And the failover goes that way.
        lab.target().crash();
        let radius = server::services::failover::blast_radius(&life.node, "dublin", &[], false).await.unwrap();
        assert!(radius.problems.iter().any(|p| p.what.contains("it is set aside under another name")), "{:?}", radius.problems);
        let request = model::run::FailoverRequest {
            confirm: "dublin".into(),
            statement: Some(server::recovery::statement("dublin")),
            ..Default::default()
        };
        let run = server::services::failover::start(&life.node, &admin(), "dublin", &request).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        assert_eq!(lab.state_at(&lab.source(), &native), Some(PowerState::Running));
        lab.assert_one_copy(&native);
    });
}
