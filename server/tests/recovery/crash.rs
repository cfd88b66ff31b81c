//! The node is killed after every durable write and every change at a cloud; the next one goes on to the same end.

use super::support::*;
use model::{Id, machine::PowerState, run::RunDetail};
use std::time::Duration;

/// More points than any of these runs has.
const MOST: u64 = 400;

pub enum Then {
    /// The next node goes on.
    GoOn,
    /// And what was last written down as done got lost: that step is done twice.
    LoseTheLastOutcome,
}

/// Runs until the crash; answers the run that was begun before it, and whether the node died.
pub fn until_crash(life: &life::Life, begin: impl Future<Output = Id>) -> (Id, bool) {
    life.block_on(async {
        let id = begin.await;
        let died = tokio::select! {
            () = life.crash.hit.notified() => true,
            () = async {
                loop {
                    if life.detail(&id).await.run.state.is_over() { break }
                    tokio::time::sleep(Duration::from_millis(15)).await;
                }
            } => false,
        };
        (id, died)
    })
}

pub fn go_on(lab: &Lab, id: &str, then: &Then) -> RunDetail {
    let life = lab.boot();
    life.block_on(async {
        if matches!(then, Then::LoseTheLastOutcome) {
            let last = "SELECT key FROM steps WHERE state = 'succeeded' ORDER BY finished_at DESC, ordinal DESC LIMIT 1";
            life.sql(&format!("UPDATE steps SET state = 'running', result = NULL WHERE run_id = '{id}' AND key = ({last})")).await;
        }
        life.expire_leases().await;
        life.over(id).await
    })
}

/// Killed after every so manieth write: `make` prepares a lab, `begin` starts the run, `check` looks at the end (and is told where
/// the node died).
pub fn everywhere(step: u64, then: &Then, make: impl Fn() -> Lab, begin: impl AsyncFn(&life::Life, &Lab) -> Id, check: impl Fn(&Lab, u64)) {
    let mut at = 1;
    loop {
        assert!(at < MOST, "the run never came to its end");
        let lab = make();
        let life = lab.boot_to_crash(at);
        // The node that made the lab was killed in the middle of a cycle, maybe: nobody waits for its lease here.
        life.block_on(life.expire_leases());
        let (id, died) = until_crash(&life, begin(&life, &lab));
        life.kill();
        if died {
            assert_succeeded(&go_on(&lab, &id, then));
        }
        check(&lab, at);
        if !died {
            return;
        }
        at += step;
    }
}

fn moved_everywhere(test: &str, step: u64, then: &Then) {
    let begin = async |life: &life::Life, lab: &Lab| life.start_move(lab, &lab.running[0]).await.id;
    everywhere(
        step,
        then,
        || Lab::new(test),
        begin,
        |lab, at| {
            // The source's counter stands still once it is off: nothing that it wrote may be missing.
            let native = &lab.running[0];
            lab.assert_moved(native, lab.source().counter(native).unwrap());
            let names: Vec<_> = lab.target().machine_names();
            assert_eq!(names.len(), 1, "killed at {at}: {names:?}");
            assert_eq!(lab.target().leftovers().1, 0, "killed at {at}: an upload is left");
        },
    );
}

fn failed_over_everywhere(test: &str, step: u64, then: &Then, lost: bool) {
    let make = || {
        let lab = Lab::new(test);
        let first = lab.boot();
        first.block_on(async {
            first.protect(&lab, &lab.running[..2]).await;
            first.plan(&lab, vec![], |_| {}).await;
        });
        first.kill();
        if lost {
            lab.source().crash();
        }
        lab
    };
    let begin = async |life: &life::Life, _: &Lab| life.fail_over(lost).await.id;
    everywhere(step, then, make, begin, |lab, at| {
        for native in &lab.running[..2] {
            lab.assert_one_copy(native);
            let written = lab.source().counter(native).unwrap();
            assert!(lost || lab.target().counter(native).unwrap() >= written, "killed at {at}: writes before the stop were lost");
            assert_eq!(lab.state_at(&lab.target(), native), Some(PowerState::Running), "killed at {at}");
        }
        assert_eq!(lab.target().machine_names().len(), 2, "killed at {at}: copies are left");
    });
}

#[test]
fn a_move_survives_a_kill_after_every_write() {
    moved_everywhere("mkill", 1, &Then::GoOn);
}

#[test]
fn a_move_does_every_step_twice() {
    moved_everywhere("mtwice", 2, &Then::LoseTheLastOutcome);
}

#[test]
fn a_failover_survives_a_kill_after_every_write() {
    failed_over_everywhere("fkill", 1, &Then::GoOn, true);
}

#[test]
fn a_failover_does_every_step_twice() {
    failed_over_everywhere("ftwice", 2, &Then::LoseTheLastOutcome, true);
}

#[test]
fn a_failover_of_a_living_site_survives_a_kill_after_every_write() {
    failed_over_everywhere("lkill", 1, &Then::GoOn, false);
}

#[test]
fn a_failover_of_a_living_site_does_every_step_twice() {
    failed_over_everywhere("ltwice", 2, &Then::LoseTheLastOutcome, false);
}

/// Failed over and protected in the other direction: the next failover sets the old copies aside.
fn failed_back_everywhere(test: &str, step: u64, then: &Then) {
    let make = || {
        let lab = Lab::new(test);
        let first = lab.boot();
        first.block_on(async {
            let ids = first.protect(&lab, &lab.running[..1]).await;
            first.plan(&lab, vec![], |_| {}).await;
            assert_succeeded(&first.over(&first.fail_over(false).await.id).await);
            first.reprotect(&lab, &ids).await;
        });
        first.kill();
        lab
    };
    let begin = async |life: &life::Life, _: &Lab| life.fail_over_from("dublin", false).await.unwrap().id;
    everywhere(step, then, make, begin, |lab, at| {
        let native = &lab.running[0];
        lab.assert_one_copy(native);
        assert_eq!(lab.state_at(&lab.source(), native), Some(PowerState::Running), "killed at {at}");
        assert!(lab.source().counter(native).unwrap() >= lab.target().counter(native).unwrap(), "killed at {at}: writes were lost");
        let aside = lab.source().machine_names().into_iter().filter(|m| m.1.contains('~')).count();
        assert_eq!(aside, 1, "killed at {at}: the old copy");
    });
}

#[test]
fn a_failback_survives_a_kill_after_every_write() {
    failed_back_everywhere("bkill", 1, &Then::GoOn);
}

#[test]
fn a_failback_does_every_step_twice() {
    failed_back_everywhere("btwice", 2, &Then::LoseTheLastOutcome);
}

/// One machine that failed: crashed at a cloud that answers, or together with it.
fn recovered_everywhere(test: &str, step: u64, then: &Then, lost: bool) {
    let make = || {
        let lab = Lab::new(test);
        let first = lab.boot();
        first.block_on(first.protect(&lab, &lab.running[..2]));
        first.kill();
        if lost {
            lab.source().crash();
        } else {
            lab.source().by_hand(&lab.running[0], PowerState::Crashed).unwrap();
        }
        lab
    };
    let begin = async |life: &life::Life, lab: &Lab| super::recover::begin(life, lab, &lab.running[0], lost, None).await.unwrap().id;
    everywhere(step, then, make, begin, |lab, at| {
        let native = &lab.running[0];
        lab.assert_one_copy(native);
        let written = lab.source().counter(native).unwrap();
        assert!(lost || lab.target().counter(native).unwrap() >= written, "killed at {at}: writes before the crash were lost");
        assert_eq!(lab.state_at(&lab.target(), native), Some(PowerState::Running), "killed at {at}");
        assert_eq!(lab.target().machine_names().len(), 1, "killed at {at}: copies are left, or the other one was touched");
    });
}

#[test]
fn a_recovery_elsewhere_survives_a_kill_after_every_write() {
    recovered_everywhere("rkill", 1, &Then::GoOn, false);
}

#[test]
fn a_recovery_elsewhere_does_every_step_twice() {
    recovered_everywhere("rtwice", 2, &Then::LoseTheLastOutcome, false);
}

#[test]
fn a_recovery_from_a_silent_cloud_survives_a_kill_after_every_write() {
    recovered_everywhere("rlkill", 1, &Then::GoOn, true);
}

/// A failover of a living site is cancelled when its sources are off; the node dies at any point of the way back.
#[test]
fn a_cancel_survives_a_kill_after_every_write() {
    let mut at = 1;
    loop {
        assert!(at < MOST, "the run never came to its end");
        let lab = Lab::new("ckill");
        let native = lab.running[0].clone();
        let first = lab.boot();
        let id = first.block_on(async {
            first.protect(&lab, std::slice::from_ref(&native)).await;
            first.plan(&lab, vec![], |_| {}).await;
            lab.target().fail("create", 1, 1, server::clouds::simulator::Fault::Slow(Duration::from_millis(300)));
            let run = first.fail_over(false).await;
            let making = |d: &RunDetail| d.steps.iter().any(|s| s.kind == "create" && s.attempt > 0);
            first.until(&run.id, making).await;
            run.id
        });
        first.kill();
        let life = lab.boot_to_crash(at);
        life.block_on(async {
            let cancel = model::run::RunCommand::Cancel;
            server::services::runs::command(&life.node, &admin(), &id, &cancel).await.unwrap();
            life.expire_leases().await;
        });
        let (_, died) = until_crash(&life, async { id.clone() });
        life.kill();
        if died {
            let end = go_on(&lab, &id, &Then::GoOn);
            assert_eq!(end.run.state, model::run::RunState::Cancelled, "killed at {at}: {}", told(&end));
        }
        lab.assert_untouched(&native);
        if !died {
            return;
        }
        at += 1;
    }
}
