//! The wall clock is set while a run is under way, or while an old copy is kept.

use super::support::*;
use model::{machine::PowerState, run::StepState};
use server::{clouds::simulator::Fault, inventory::alarms, recovery::reaper, state::clock};
use std::time::Instant;

const DAY: i64 = 86_400_000;

/// A guest that takes its time; the clock jumps ahead by a day while it does.
#[test]
fn a_jump_ahead_takes_no_guest_its_power() {
    let lab = Lab::new("jump");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        // Deaf to the first request, so that only the grace decides.
        lab.source().fail("shutdown", 1, 1, Fault::Lie);
        let run = life.start_move(&lab, &native).await;
        life.until(&run.id, |d| d.steps.iter().any(|s| s.kind == "stop_source" && s.state == StepState::Running)).await;
        soon("it was asked", || async { lab.state_at(&lab.source(), &native) == Some(PowerState::ShuttingDown) }).await;
        let begun = Instant::now();
        clock::set(DAY);
        let off = || async { lab.state_at(&lab.source(), &native) == Some(PowerState::Stopped) };
        soon("it is off", off).await;
        let took = begun.elapsed().as_secs_f64();
        assert!(took > 3.5, "its power was taken after {took:.1} s of 5 s");
        assert_succeeded(&life.over(&run.id).await);
        clock::set(-DAY);
    });
}

#[test]
fn an_old_copy_is_not_removed_by_a_clock_that_jumped() {
    let lab = Lab::new("keep");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        alarms::acknowledge_clock(&life.node);
        let run = life.start_move(&lab, &native).await;
        assert_succeeded(&life.over(&run.id).await);
        let kept = || lab.state_at(&lab.source(), &native).is_some();
        clock::set(DAY);
        reaper::sweep(&life.node).await;
        assert!(kept(), "the hour that it is kept for is not over");
        clock::set(-DAY);
        reaper::sweep(&life.node).await;
        assert!(kept());
        clock::set(DAY);
        alarms::acknowledge_clock(&life.node);
        reaper::sweep(&life.node).await;
        assert!(!kept(), "somebody said that the day has passed");
        clock::set(-DAY);
    });
}

/// The lease of a dead node was written by a clock that was an hour ahead.
#[test]
fn a_lease_of_another_clock_holds_nothing() {
    let lab = Lab::new("lease");
    let native = lab.running[0].clone();
    let one = lab.boot_to_crash(12);
    let id = one.block_on(async {
        let run = one.start_move(&lab, &native).await;
        one.crash.hit.notified().await;
        run.id
    });
    one.kill();
    let two = lab.boot();
    two.block_on(async {
        two.sql("UPDATE runs SET lease_until = lease_until + 3600000").await;
        assert_succeeded(&two.over(&id).await);
    });
    lab.assert_moved(&native, 0);
}
