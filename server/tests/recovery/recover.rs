//! Recover elsewhere: one machine that failed, from its recovery points. What is well is left alone, what may still run
//! is stopped first, and what cannot be proved to be off takes a typed statement.

use super::support::*;
use model::{
    machine::PowerState,
    placement::Verdict,
    recovery::RecoverRequest,
    run::{Run, StepState},
};
use server::{services::recover, store::copies};

pub async fn begin(life: &life::Life, lab: &Lab, native: &str, statement: bool, point_id: Option<String>) -> server::error::Result<Run> {
    let statement = statement.then(|| server::recovery::statement("berlin"));
    let request = RecoverRequest { confirm: native[..8].into(), statement, point_id, target_cloud_id: None };
    recover::start(&life.node, &admin(), &lab.machine_id(native), &request).await
}

#[test]
fn a_crashed_machine_comes_up_elsewhere_with_what_it_wrote_last() {
    let lab = Lab::new("rcrash");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        life.protect(&lab, &lab.running[..2]).await;
        lab.source().by_hand(&native, PowerState::Crashed).unwrap();
        let seen = recover::look(&life.node, &lab.machine_id(&native), None).await.unwrap();
        assert!(seen.source_answers && seen.statement.is_none(), "{seen:?}");
        assert_eq!((seen.failed.as_str(), seen.rows[0].verdict, seen.rows[0].bytes), ("It has crashed.", Verdict::Can, Some(0)));
        assert!(seen.best.unwrap().contains("nothing has to be sent"));
        let run = begin(&life, &lab, &native, false, None).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        assert_eq!(lab.state_at(&lab.target(), &native), Some(PowerState::Running));
        assert_eq!(lab.state_at(&lab.target(), &lab.running[1]), None, "the other machine of the group is left alone");
        assert!(lab.target().counter(&native).unwrap() >= lab.source().counter(&native).unwrap(), "nothing is lost");
        assert!(lab.source().by_hand(&native, PowerState::Running).is_err(), "the old copy is locked");
        let old = copies::get(&life.node.db, &lab.machine_id(&native)).await.unwrap().unwrap();
        assert_eq!(old.role, "superseded");
        let again = begin(&life, &lab, &native, false, None).await.unwrap_err();
        assert!(again.message.contains("not the active copy"), "{}", again.message);
    });
    lab.assert_one_copy(&native);
}

#[test]
fn a_paused_machine_is_switched_off_before_its_copy_runs() {
    let lab = Lab::new("rpause");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        life.protect(&lab, std::slice::from_ref(&native)).await;
        lab.source().by_hand(&native, PowerState::Paused).unwrap();
        let begun = std::time::Instant::now();
        let run = begin(&life, &lab, &native, false, None).await.unwrap();
        assert_succeeded(&life.over(&run.id).await);
        assert!(begun.elapsed().as_secs() < 20, "what is paused is not asked to go down for half a minute");
        assert_eq!(lab.state_at(&lab.source(), &native), Some(PowerState::Stopped));
        assert_eq!(lab.state_at(&lab.target(), &native), Some(PowerState::Running));
    });
    lab.assert_one_copy(&native);
}

#[test]
fn what_is_well_or_not_protected_is_left_as_it_is() {
    let lab = Lab::new("rwell");
    let life = lab.boot();
    let (native, other) = (lab.running[0].clone(), lab.running[1].clone());
    life.block_on(async {
        life.protect(&lab, std::slice::from_ref(&native)).await;
        let well = begin(&life, &lab, &native, false, None).await.unwrap_err();
        assert!(well.message.contains("has not failed"), "{}", well.message);
        // A statement does not make a machine fail whose cloud says that it runs.
        assert!(begin(&life, &lab, &native, true, None).await.unwrap_err().message.contains("has not failed"));
        lab.source().by_hand(&other, PowerState::Crashed).unwrap();
        let none = begin(&life, &lab, &other, false, None).await.unwrap_err();
        assert!(none.message.contains("no recovery point"), "{}", none.message);
        lab.source().by_hand(&native, PowerState::Crashed).unwrap();
        let id = lab.machine_id(&native);
        let wrong =
            async |request: RecoverRequest| recover::start(&life.node, &admin(), &id, &request).await.unwrap_err().fields[0].field.clone();
        let good = RecoverRequest { confirm: native[..8].into(), ..RecoverRequest::default() };
        assert_eq!(wrong(RecoverRequest { confirm: "db".into(), ..good.clone() }).await, "confirm");
        assert_eq!(wrong(RecoverRequest { target_cloud_id: Some(lab.cloud("berlin")), ..good.clone() }).await, "target_cloud_id");
        assert_eq!(wrong(RecoverRequest { point_id: Some("none".into()), ..good.clone() }).await, "point_id");
        // Its recovery cloud is away: it is not given up for nothing.
        lab.target().cut();
        let kept = recover::start(&life.node, &admin(), &id, &good).await.unwrap_err();
        assert!(kept.message.contains("was left as it is"), "{}", kept.message);
    });
    assert_eq!(lab.state_at(&lab.source(), &native), Some(PowerState::Crashed));
}

#[test]
fn a_silent_cloud_takes_the_typed_statement() {
    let lab = Lab::new("rlost");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        life.protect(&lab, std::slice::from_ref(&native)).await;
        lab.source().crash();
        let seen = recover::look(&life.node, &lab.machine_id(&native), None).await.unwrap();
        assert_eq!((seen.source_answers, seen.statement.as_deref()), (false, Some("I have made sure that berlin is powered off")));
        let refused = begin(&life, &lab, &native, false, None).await.unwrap_err();
        assert_eq!(refused.fields[0].field, "statement");
        let run = begin(&life, &lab, &native, true, None).await.unwrap();
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert!(end.statement.is_some());
        assert_eq!(lab.state_at(&lab.target(), &native), Some(PowerState::Running));
    });
    lab.assert_one_copy(&native);
}

#[test]
fn from_a_chosen_point_nothing_is_copied() {
    let lab = Lab::new("rpoint");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let member = life.protect(&lab, std::slice::from_ref(&native)).await.remove(0);
        let point = life.newest(&member).await.unwrap();
        lab.source().guest_write(&native, 0, 1 << 20, b"after the point").unwrap();
        lab.source().by_hand(&native, PowerState::Crashed).unwrap();
        let run = begin(&life, &lab, &native, false, Some(point.id.clone())).await.unwrap();
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert!(!end.steps.iter().any(|s| s.kind == "sync"), "{}", told(&end));
        assert!(end.steps.iter().all(|s| s.state == StepState::Succeeded), "{}", told(&end));
        assert_eq!(end.run.outcome.unwrap().machines[0].point_taken_at, Some(point.taken_at));
    });
}
