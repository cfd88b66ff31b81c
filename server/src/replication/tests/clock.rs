//! The wall clock is set while replication runs: nothing stops, nothing is deleted, and no age is told that nobody knows.

use super::support::{Lab, POLICY, lab, until};
use crate::{
    inventory::alarms,
    replication,
    state::{clock, now},
    store::{machines, plans},
};
use model::protection::ReplicationState;

const HOUR: i64 = 3_600_000;

async fn after_the_first_point(name: &str) -> Lab {
    let lab = lab(name, 1).await;
    replication::start(&lab.node);
    until("a first point", async || lab.newest().await.is_some()).await;
    lab
}

#[tokio::test]
async fn set_back_it_goes_on_and_the_lag_is_unknown_until_the_next_point() {
    let lab = after_the_first_point("clock-back").await;
    let first = lab.newest().await.unwrap();
    clock::set(-HOUR);
    let shown = lab.row().await.shown(None).replication;
    if shown.newest_point_at == Some(first.taken_at) {
        assert_eq!(shown.lag_ms(now()), None, "a point from the future is not a fresh one");
        assert!(shown.in_breach(&POLICY, now()));
    }
    lab.write(1 << 20, "after it was set back");
    until("a point after it", async || lab.newest().await.unwrap().seq > first.seq).await;
    let newest = lab.newest().await.unwrap();
    assert!(newest.taken_at < first.taken_at, "by the clock it is older");
    let told = [
        lab.row().await.newest_point_at,
        machines::members(&lab.node.db).await.unwrap()[0].newest_point_at,
        plans::protected(&lab.node.db, None).await.unwrap()[0].newest_point_at,
    ];
    assert!(told.iter().all(|at| at.is_some_and(|at| at <= now())), "everybody means the same point: {told:?}");
    assert!(lab.row().await.shown(None).replication.lag_ms(now()).is_some());
    lab.node.stopping.cancel();
}

#[tokio::test]
async fn set_back_no_pause_after_a_failure_outlives_it() {
    let lab = after_the_first_point("clock-pause").await;
    lab.a.cut();
    until("a failure", async || lab.row().await.state == ReplicationState::Failing).await;
    clock::set(-HOUR);
    lab.a.restore();
    lab.write(1 << 20, "after the return");
    until("it flows again", async || lab.row().await.state == ReplicationState::Replicating).await;
    lab.node.stopping.cancel();
}

#[tokio::test]
async fn ahead_no_recovery_point_is_deleted_for_its_age() {
    let lab = lab("clock-ahead", 0).await;
    alarms::acknowledge_clock(&lab.node);
    assert!(alarms::clock_for_ages(&lab.node).is_some());
    // Full ones: nothing keeps an earlier point but the policy.
    let point = async |text: &str| {
        lab.a.lose_bitmaps();
        lab.write(1 << 20, text);
        lab.cycle().await.unwrap();
    };
    point("one").await;
    point("two").await;
    clock::set(10 * 24 * HOUR);
    point("three").await;
    assert_eq!(lab.rows().await.len(), 3, "all but the newest are ten days old, says a clock that jumped");
    alarms::acknowledge_clock(&lab.node);
    point("four").await;
    assert_eq!(lab.rows().await.len(), 2, "somebody said that the first two are ten days old");
    lab.assert_no_leftovers().await;
}
