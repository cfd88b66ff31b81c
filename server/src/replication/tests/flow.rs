//! The ordinary way, and what it must respect.

use super::support::{lab, until};
use crate::{
    replication::{self, Error},
    store::{members, points},
};
use model::{machine::PowerState, protection::ReplicationState};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn first_everything_then_only_what_changed() {
    let lab = lab("flow", 0).await;
    let first = lab.cycle().await.unwrap();
    assert!(first.full);
    lab.assert_newest_equals_source().await;
    lab.write(3 << 20, "a change");
    let second = lab.cycle().await.unwrap();
    assert!(!second.full);
    assert_eq!(second.bytes, 64 << 10, "one block");
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
    let row = lab.row().await;
    assert_eq!((row.state, row.points, row.last_cycle_bytes), (ReplicationState::Replicating, 2, Some(64 << 10)));
    assert_eq!(row.newest_point_at, Some(second.taken_at));
}

#[tokio::test]
async fn without_a_change_the_newest_point_shows_the_later_instant_too() {
    let lab = lab("flow-still", 0).await;
    let first = lab.cycle().await.unwrap();
    until("a later instant", async || crate::state::now() > first.taken_at).await;
    let second = lab.cycle().await.unwrap();
    assert_eq!(first.point_id, second.point_id);
    assert!(second.taken_at > first.taken_at);
    assert_eq!(lab.newest().await.unwrap().taken_at, second.taken_at);
    lab.write(0, "and it goes on incrementally");
    let third = lab.cycle().await.unwrap();
    assert!(!third.full);
    lab.assert_newest_equals_source().await;
}

#[tokio::test]
async fn retention_and_shortening_keep_the_chain_short_over_many_cycles() {
    let lab = lab("flow-chain", 0).await;
    for i in 0..60 {
        lab.write((i % 7) << 20, &format!("cycle {i}"));
        let cycle = lab.cycle().await.unwrap();
        assert_eq!(cycle.full, i == 0);
        assert!(lab.newest().await.unwrap().depth < 16);
        assert!(lab.would_expire().await.is_empty(), "what may go is gone");
    }
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
    assert!(lab.rows().await.len() <= 3 + 16);
}

#[tokio::test]
async fn a_held_point_and_what_it_is_based_on_stay() {
    let lab = lab("flow-held", 0).await;
    for i in 0..3 {
        lab.write(i << 20, "x");
        lab.cycle().await.unwrap();
    }
    let held = lab.newest().await.unwrap();
    let before = lab.disk_of(&held).await;
    replication::hold_point(&lab.node.db, &held.id).await.unwrap();
    for i in 0..40 {
        lab.write((i % 5) << 20, &format!("y{i}"));
        lab.cycle().await.unwrap();
    }
    assert!(lab.disk_of(&points::get(&lab.node.db, &held.id).await.unwrap().unwrap()).await == before);
    lab.assert_no_leftovers().await;
    replication::retire(&lab.node, &lab.member).await.unwrap();
    replication::prune::doomed(&lab.node).await.unwrap();
    while !replication::prune::doomed(&lab.node).await.unwrap().is_empty() {}
    let left = lab.rows().await;
    assert_eq!(left.len(), 3, "the held one and its two ancestors");
    assert!(left.iter().any(|p| p.id == held.id));
    lab.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_lost_record_of_changes_is_repaired_by_a_full_pass() {
    let lab = lab("flow-lost", 0).await;
    lab.cycle().await.unwrap();
    lab.a.lose_bitmaps();
    lab.write(5 << 20, "after the loss");
    let cycle = lab.cycle().await.unwrap();
    assert!(cycle.full);
    lab.assert_newest_equals_source().await;
    assert_eq!(lab.rows().await.len(), 2, "the earlier point stays usable");
    lab.write(5 << 20, "and again");
    assert!(!lab.cycle().await.unwrap().full);
    lab.assert_newest_equals_source().await;
}

#[tokio::test]
async fn a_run_takes_the_member_over_and_lets_go() {
    let lab = lab("flow-hold", 0).await;
    lab.cycle().await.unwrap();
    let (node, member) = (&lab.node, &lab.member);
    replication::hold(node, member, "run1").await.unwrap();
    replication::hold(node, member, "run1").await.unwrap();
    assert!(matches!(replication::hold(node, member, "run2").await, Err(Error::Conflict(_))));
    replication::turn::take(node, member).await;
    assert_eq!(lab.rows().await.len(), 1, "the background keeps out");
    lab.write(0, "final");
    let cycle = lab.cycle().await.unwrap();
    assert_eq!(lab.newest().await.unwrap().id, cycle.point_id);
    replication::release(node, member, "run2").await.unwrap();
    assert_eq!(lab.row().await.held_by.as_deref(), Some("run1"), "only the holder lets go");
    replication::release(node, member, "run1").await.unwrap();
    assert_eq!(lab.row().await.held_by, None);
}

#[tokio::test]
async fn a_cycle_that_lost_its_member_writes_nothing() {
    let lab = lab("flow-taken", 0).await;
    lab.cycle().await.unwrap();
    lab.write(0, "x");
    let job = lab.job().await;
    members::hold(&lab.node.db, &lab.member, "run1").await.unwrap();
    let outcome = replication::cycle::run(&job, &|_| {}, &CancellationToken::new()).await;
    assert!(matches!(outcome, Err(Error::Lost)), "{outcome:?}");
    assert_eq!(lab.rows().await.len(), 1);
    assert!(!lab.cycle().await.unwrap().full, "and nothing is lost by it");
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
}

#[tokio::test]
async fn a_move_adopts_and_retires_and_leaves_nothing() {
    let lab = lab("flow-adopt", 0).await;
    let (machine, target) = (lab.row().await.machine_id, lab.row().await.target_cloud_id);
    replication::retire(&lab.node, &lab.member).await.unwrap();
    let id = replication::adopt(&lab.node, &machine, &target, "run1", &[]).await.unwrap();
    assert_eq!(replication::adopt(&lab.node, &machine, &target, "run1", &[]).await.unwrap(), id, "a retry finds the same");
    assert!(matches!(replication::adopt(&lab.node, &machine, "elsewhere", "run1", &[]).await, Err(Error::Conflict(_))));
    assert!(matches!(replication::adopt(&lab.node, &machine, &target, "run2", &[]).await, Err(Error::Conflict(_))));
    let told = std::sync::Mutex::new(vec![]);
    let cycle = replication::cycle(&lab.node, &id, |t| told.lock().unwrap().push(t), CancellationToken::new()).await.unwrap();
    let last = *told.lock().unwrap().last().unwrap();
    assert_eq!((last.done, last.total), (cycle.bytes, cycle.bytes));
    replication::retire(&lab.node, &id).await.unwrap();
    replication::prune::doomed(&lab.node).await.unwrap();
    assert_eq!(lab.b.leftovers(), (0, 0));
}

#[tokio::test]
async fn a_stopped_machine_stays_current_without_churn_only_while_it_is_seen_stopped() {
    let lab = lab("flow-off", 0).await;
    lab.a.by_hand(&lab.native, PowerState::Stopped).unwrap();
    replication::turn::take(&lab.node, &lab.member).await;
    let first = lab.newest().await.unwrap();
    assert_eq!(lab.row().await.final_point_id, Some(first.id.clone()));
    until("a later instant", async || crate::state::now() > first.taken_at).await;
    // Nothing may even be opened at the source.
    lab.a.fail("open", 1, 100, crate::clouds::simulator::Fault::Error(crate::clouds::error::Kind::Permanent, "opened".into()));
    replication::turn::take(&lab.node, &lab.member).await;
    let second = lab.newest().await.unwrap();
    assert_eq!(second.id, first.id);
    assert!(second.taken_at > first.taken_at);
    lab.a.cut();
    replication::turn::take(&lab.node, &lab.member).await;
    assert_eq!(lab.newest().await.unwrap().taken_at, second.taken_at, "not seen: the lag grows");
    assert_eq!(lab.row().await.state, ReplicationState::Failing);
    lab.a.restore();
    lab.a.heal();
    lab.a.by_hand(&lab.native, PowerState::Paused).unwrap();
    lab.write(1 << 20, "it ran");
    replication::turn::take(&lab.node, &lab.member).await;
    assert_ne!(lab.newest().await.unwrap().id, first.id);
    lab.assert_newest_equals_source().await;
}
