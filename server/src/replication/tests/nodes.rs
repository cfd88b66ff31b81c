//! Several nodes on one store: a member's cycle is run by exactly one of them.

use super::support::{Lab, lab, sql, until};
use crate::{
    clouds::simulator::Fault,
    replication::{self, Error, cycle, lease::Held, turn},
    state::Node,
    store::members,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

async fn end(nodes: &[&Node]) {
    for node in nodes {
        node.stopping.cancel();
        node.tasks.close();
    }
    for node in nodes {
        tokio::time::timeout(Duration::from_secs(15), node.tasks.wait()).await.unwrap();
    }
}

async fn owner(lab: &Lab) -> Option<String> {
    lab.row().await.owner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_and_one_of_them_copies() {
    let lab = lab("nodes-two", 1).await;
    let other = lab.another_node();
    replication::start(&lab.node);
    replication::start(&other);
    until("a first point", async || lab.newest().await.is_some()).await;
    let first = owner(&lab).await;
    for i in 0..3 {
        let count = lab.rows().await.len();
        lab.write(i << 20, &format!("{i}"));
        until("another point", async || lab.rows().await.len() > count).await;
        assert_eq!(owner(&lab).await, first, "it changed hands without need");
    }
    assert!(lab.rows().await.iter().skip(1).all(|p| p.seq >= 1) && lab.row().await.last_error.is_none());
    lab.assert_newest_equals_source().await;
    end(&[&lab.node, &other]).await;
    lab.assert_no_leftovers().await;
    assert_eq!(owner(&lab).await, None, "nobody waits for nodes that stopped in order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_gone_is_followed_when_its_lease_ends() {
    let lab = lab("nodes-gone", 1).await;
    let other = lab.another_node();
    // This one claims, and is never heard of again.
    Held::claim(&lab.node, &lab.member, None).await.unwrap().unwrap();
    assert!(Held::claim(&other, &lab.member, None).await.unwrap().is_none(), "two at once");
    turn::take(&other, &lab.member).await;
    assert!(lab.newest().await.is_none());
    lab.expire_leases().await;
    replication::start(&other);
    until("the other one copies", async || lab.newest().await.is_some()).await;
    assert_eq!(owner(&lab).await.as_ref(), Some(&other.name));
    end(&[&other]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stalled_writes_nothing_any_more() {
    let lab = lab("nodes-stalled", 0).await;
    lab.cycle().await.unwrap();
    lab.write(0, "x");
    let stalled = lab.job().await;
    lab.expire_leases().await;
    let other = lab.another_node();
    let taken = Held::claim(&other, &lab.member, None).await.unwrap().unwrap();
    let outcome = cycle::run(&stalled, &|_| {}, &CancellationToken::new()).await;
    assert!(matches!(outcome, Err(Error::Lost)), "{outcome:?}");
    assert_eq!(lab.rows().await.len(), 1);
    assert!(!members::set_state(&lab.node.db, &stalled.claim, model::protection::ReplicationState::Resync).await.unwrap());
    taken.during(async { Ok(()) }).await.unwrap();
    turn::take(&other, &lab.member).await;
    lab.assert_newest_equals_source().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_on_one_node_ends_the_cycle_on_the_other() {
    let lab = lab("nodes-run", 1).await;
    lab.cycle().await.unwrap();
    lab.write(0, "x");
    // Its cycle would take for ever.
    lab.b.fail("write", 1, 1, Fault::Hang);
    let (node, member) = (lab.node.clone(), lab.member.clone());
    let cycle = tokio::spawn(async move { turn::take(&node, &member).await });
    until("it is under way", async || lab.b.leftovers().1 > 0).await;
    let other = lab.another_node();
    let begun = std::time::Instant::now();
    replication::hold(&other, &lab.member, "run1").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "it waited for the lease to end: {:?}", begun.elapsed());
    cycle.await.unwrap();
    let done = replication::cycle(&other, &lab.member, |_| {}, CancellationToken::new()).await.unwrap();
    assert_eq!(lab.newest().await.unwrap().id, done.point_id);
    lab.assert_newest_equals_source().await;
    lab.assert_no_leftovers().await;
    replication::release(&other, &lab.member, "run1").await.unwrap();
    sql(&lab.node.db, "UPDATE members SET owner = NULL").await;
}
