//! Cancelled at any time before the cutover, the source is as if nothing had been; after it the answer is a clear no.

use super::support::*;
use model::{
    machine::PowerState,
    run::{RunCommand, RunState},
};
use server::{
    inventory,
    services::runs,
    store::{copies, members},
};
use std::time::Duration;

/// Cancels a move when its node has made `at` changes; answers whether the cancel was taken.
fn cancel_at(at: u64) -> (bool, bool) {
    let lab = Lab::new("cancel");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let seen = |lab: &Lab| {
            let lab = lab.cloud("berlin");
            let native = native.clone();
            let guard = life.node.clouds.get(&lab).unwrap();
            async move { guard.cloud().inventory().one(&native).await.unwrap().unwrap() }
        };
        let before = seen(&lab).await;
        let run = life.start_move(&lab, &native).await;
        let mut ended = false;
        while life.crash.count.load(std::sync::atomic::Ordering::SeqCst) < at && !ended {
            ended = life.detail(&run.id).await.run.state.is_over();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let taken = runs::command(&life.node, &admin(), &run.id, &RunCommand::Cancel).await.is_ok();
        let end = life.over(&run.id).await;
        if taken {
            assert_eq!(end.run.state, RunState::Cancelled, "{}", told(&end));
            lab.assert_untouched(&native);
            let after = seen(&lab).await;
            assert_eq!((after.autostart, after.locked), (before.autostart, before.locked), "cancelled at {at}");
            soon("nothing is left at the target", || async {
                // Points of a retired member are removed in the background.
                lab.target().leftovers() == (0, 0) || members_gone(&life, &lab, &native).await
            })
            .await;
            assert!(copies::get(&life.node.db, &inventory::machine_id(&lab.cloud("dublin"), &native)).await.unwrap().is_none());
        } else {
            assert_succeeded(&end);
            lab.assert_moved(&native, 0);
        }
        (taken, ended)
    })
}

async fn members_gone(life: &life::Life, lab: &Lab, native: &str) -> bool {
    members::of_machine(&life.node.db, &lab.machine_id(native)).await.unwrap().is_none()
}

#[test]
fn a_move_can_be_cancelled_at_any_time_before_the_cutover() {
    let mut taken = 0;
    for at in 0..200 {
        let (cancelled, ended) = cancel_at(at);
        taken += u32::from(cancelled);
        if ended || !cancelled {
            break;
        }
    }
    assert!(taken > 10, "only {taken} cancels were taken");
}

#[test]
fn a_planned_failover_that_is_cancelled_starts_its_sources_again() {
    let lab = Lab::new("fcancel");
    let life = lab.boot();
    let natives = lab.running[..2].to_vec();
    life.block_on(async {
        life.protect(&lab, &natives).await;
        life.plan(&lab, vec![], |_| {}).await;
        // Nothing can be made at the target: the run cannot come to its cutover.
        lab.target().fail("create", 1, 1000, server::clouds::simulator::Fault::Slow(Duration::from_secs(2)));
        let run = life.fail_over(false).await;
        soon("both are off", || async { natives.iter().all(|n| lab.state_at(&lab.source(), n).is_some_and(PowerState::is_off)) }).await;
        runs::command(&life.node, &admin(), &run.id, &RunCommand::Cancel).await.unwrap();
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Cancelled, "{}", told(&end));
        for native in &natives {
            lab.assert_untouched(native);
        }
    });
}
