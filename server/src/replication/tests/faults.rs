//! Every call of a cycle fails, is not answered, or lies: nothing is lost and it heals by itself.

use super::support::lab;
use crate::{
    clouds::{
        error::Kind,
        simulator::{self, Fault},
    },
    replication::turn,
};
use model::protection::ReplicationState;

const SOURCE: [&str; 6] = ["describe", "state", "open", "extents", "read", "close"];
const TARGET: [&str; 7] = ["tidy_sink", "begin", "write", "commit", "exists", "abort", "delete_point"];

#[tokio::test]
async fn every_call_failing_once_or_lying() {
    let lab = lab("faults", 0).await;
    for i in 0..5 {
        lab.write(i << 20, "seed");
        lab.cycle().await.unwrap();
    }
    let faults = [Fault::Error(Kind::Transient, "connection reset".into()), Fault::Unanswered, Fault::Lie];
    let ops = SOURCE.iter().map(|op| (&lab.a, op)).chain(TARGET.iter().map(|op| (&lab.b, op)));
    for (i, ((world, op), fault)) in ops.flat_map(|op| faults.iter().map(move |f| (op, f))).enumerate() {
        lab.write((i as u64 % 9) << 20, &format!("{op} {fault:?}"));
        world.fail(op, 1, 1, fault.clone());
        let committed = lab.newest().await.unwrap();
        let outcome = lab.cycle().await;
        if outcome.is_err() {
            let newest = lab.newest().await.unwrap();
            assert!(newest.id == committed.id || lab.disk_of(&newest).await == lab.source_disk(), "{op} {fault:?}");
        } else {
            lab.assert_newest_equals_source().await;
        }
        world.heal();
        lab.write(10 << 20, &format!("after {op} {fault:?}"));
        let cycle = lab.cycle().await.unwrap_or_else(|e| panic!("after {op} {fault:?}: {e}"));
        assert!(!cycle.full, "after {op} {fault:?} everything was copied again");
        lab.assert_newest_equals_source().await;
    }
    let lab = lab.restart_and_settle().await;
    lab.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_full_target_says_so_keeps_what_it_has_and_heals() {
    let lab = lab("faults-full", 0).await;
    turn::take(&lab.node, &lab.member).await;
    let committed = lab.source_disk();
    lab.b.fill();
    lab.write(1 << 20, "no room for it");
    turn::take(&lab.node, &lab.member).await;
    let row = lab.row().await;
    assert_eq!(row.state, ReplicationState::Failing);
    let message = row.last_error.unwrap();
    assert!(message.starts_with("No space left in the pool (simulated). Free space there"), "{message}");
    assert!(row.next_try_at > row.error_since);
    assert!(lab.disk_of(&lab.newest().await.unwrap()).await == committed);
    lab.b.heal();
    turn::take(&lab.node, &lab.member).await;
    let row = lab.row().await;
    assert_eq!((row.state, row.last_error, row.error_since), (ReplicationState::Replicating, None, None));
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_commit_that_was_a_lie_is_found_out() {
    let lab = lab("faults-lie", 0).await;
    lab.cycle().await.unwrap();
    lab.write(0, "x");
    lab.b.fail("commit", 1, 1, Fault::Lie);
    let error = lab.cycle().await.unwrap_err().to_string();
    assert!(error.contains("said that the recovery point was stored, but it is not there"), "{error}");
    assert_eq!(lab.rows().await.len(), 1);
    lab.cycle().await.unwrap();
    lab.assert_newest_equals_source().await;
}

#[tokio::test]
async fn a_cancelled_cycle_leaves_both_ends_as_they_were() {
    let lab = lab("faults-cancel", 2).await;
    lab.cycle().await.unwrap();
    lab.write(1 << 20, "x");
    for wait in [1, 5, 9, 13] {
        let cancel = tokio_util::sync::CancellationToken::new();
        let (outcome, ()) = tokio::join!(crate::replication::cycle(&lab.node, &lab.member, |_| {}, cancel.clone()), async {
            tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
            cancel.cancel();
        });
        if outcome.is_err() {
            assert_eq!(lab.b.leftovers().1, 0, "an upload was left");
        }
    }
    assert!(!lab.cycle().await.unwrap().full);
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
}

#[tokio::test]
async fn points_that_somebody_removed_at_the_target_are_shown_as_missing() {
    let lab = lab("faults-gone", 0).await;
    for i in 0..3 {
        lab.write(i << 20, "x");
        lab.cycle().await.unwrap();
    }
    let sink = lab.node.clouds.get("faults-gone-b").unwrap();
    for point in &lab.rows().await[..2] {
        sink.cloud().disk_sink().unwrap().delete(&point.sink_ref).await.unwrap();
    }
    lab.write(0, "y");
    let error = lab.cycle().await.unwrap_err().to_string();
    assert!(error.starts_with("2 recovery points are missing at faults-gone-b"), "{error}");
    let missing = |rows: &[crate::store::points::StoredPoint]| rows.iter().filter(|p| p.missing_since.is_some()).count();
    assert_eq!((lab.rows().await.len(), missing(&lab.rows().await)), (3, 2));
    assert!(lab.cycle().await.unwrap().full);
    assert_eq!(missing(&lab.rows().await), 2);
    // What stays away goes for its age.
    let gone = lab.rows().await.into_iter().filter(|p| p.missing_since.is_some()).map(|p| p.id).collect::<Vec<_>>();
    for id in &gone {
        crate::store::points::doom(&lab.node.db, id).await.unwrap();
    }
    crate::replication::prune::doomed(&lab.node).await.unwrap();
    crate::replication::prune::doomed(&lab.node).await.unwrap();
    assert_eq!(missing(&lab.rows().await), 0);
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_pool_that_is_away_for_a_while_costs_no_recovery_point() {
    let lab = lab("faults-pool", 0).await;
    for i in 0..3 {
        lab.write(i << 20, "x");
        lab.cycle().await.unwrap();
    }
    let world = simulator::world("faults-pool-b").unwrap();
    let before = lab.rows().await;
    world.unplug_pool(true);
    lab.write(0, "y");
    let error = lab.cycle().await.unwrap_err().to_string();
    assert!(error.starts_with("3 recovery points are missing"), "{error}");
    assert_eq!(crate::replication::newest(&lab.node.db, &lab.member).await.unwrap(), None, "nothing is recovered from what is away");
    let shown = crate::store::members::get(&lab.node.db, &lab.member).await.unwrap().unwrap().shown(None).replication;
    assert_eq!((shown.points, shown.missing, shown.newest_point_at), (0, 3, None));
    assert!(lab.cycle().await.is_err(), "there is no pool");
    world.unplug_pool(false);
    lab.cycle().await.unwrap();
    let after = lab.rows().await;
    assert!(before.iter().all(|p| after.iter().any(|q| q.id == p.id && q.missing_since.is_none())), "one was forgotten");
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
}
