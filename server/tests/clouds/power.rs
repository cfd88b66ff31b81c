//! Starting, stopping, locking.

use super::harness::{beds, until};
use model::{cloud::Capability, machine::PowerState};
use server::clouds::{StopMode, error::Kind};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn power_is_what_was_asked_for_and_asking_twice_does_no_harm() {
    for bed in beds() {
        let id = bed.machine("suite-power", &["mem=96"]).await.native_id;
        let power = bed.source.power().unwrap();
        for _ in 0..2 {
            power.start(&id).await.unwrap();
            assert_eq!(power.state(&id).await.unwrap(), PowerState::Running);
        }
        power.reset(&id).await.unwrap();
        for _ in 0..2 {
            power.stop(&id, StopMode::Hard).await.unwrap();
            assert!(power.state(&id).await.unwrap().is_off());
        }
        // A cloud without such a notion answers that it starts nothing by itself.
        let has_autostart = bed.source.inventory().one(&id).await.unwrap().unwrap().autostart.is_some();
        assert!(!power.set_autostart(&id, false).await.unwrap());
        for on in [true, false, false].into_iter().filter(|_| has_autostart) {
            assert_eq!(power.set_autostart(&id, on).await.unwrap(), on);
            assert_eq!(bed.source.inventory().one(&id).await.unwrap().unwrap().autostart, Some(on));
        }
        assert_eq!(power.state("00000000-0000-4000-8000-000000000000").await.unwrap_err().kind, Kind::NotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_is_asked_shuts_down() {
    for bed in beds() {
        let id = bed.machine("suite-graceful", &["mem=96"]).await.native_id;
        let power = bed.source.power().unwrap();
        power.start(&id).await.unwrap();
        if let Some(lab) = &bed.lab {
            lab.run(&["wait", "suite-graceful"]);
        }
        // A guest that still boots may miss the first time: asking again must do no harm.
        let off = || async {
            power.stop(&id, StopMode::Graceful).await.unwrap();
            power.state(&id).await.unwrap() == PowerState::Stopped
        };
        until("the guest is off", Duration::from_secs(60), off).await;
        power.stop(&id, StopMode::Graceful).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_machine_does_not_start_and_says_why() {
    for bed in beds() {
        if !bed.source.capabilities().contains(&Capability::StartLock) {
            continue;
        }
        let before = bed.machine("suite-lock", &["mem=96"]).await;
        let id = &before.native_id;
        let power = bed.source.power().unwrap();
        power.stop(id, StopMode::Hard).await.unwrap();
        for _ in 0..2 {
            power.lock(id, "moved to dublin").await.unwrap();
        }
        let locked = bed.source.inventory().one(id).await.unwrap().unwrap();
        assert_eq!(locked.locked.as_deref(), Some("moved to dublin"));
        assert_eq!(locked.disks.len(), before.disks.len(), "the lock is no disk of the machine");
        let refused = power.start(id).await.unwrap_err();
        assert!(refused.kind == Kind::Conflict && refused.message.contains("moved to dublin"), "{refused:?}");
        if let Some(lab) = &bed.lab {
            assert!(!lab.try_run(&["virsh", "berlin", "start", "suite-lock"]), "not by another tool either");
        }
        for _ in 0..2 {
            power.unlock(id).await.unwrap();
        }
        assert_eq!(bed.source.inventory().one(id).await.unwrap().unwrap().locked, None);
        power.start(id).await.unwrap();
        assert_eq!(power.lock(id, "x").await.unwrap_err().kind, Kind::Conflict, "not while it runs");
        power.stop(id, StopMode::Hard).await.unwrap();
    }
}
