//! One machine, two targets: each goes on from its own point, and neither takes the other's away.

use super::support::{Lab, connect, lab, sql, until};
use crate::{
    clouds::simulator,
    replication::{self, Cycle, Result, lease::Held, prune, turn},
    state::{new_id, now},
    store::{
        members::{self, NewMember},
        points::{self, StoredPoint},
    },
};
use model::Id;
use tokio_util::sync::CancellationToken;

/// Answers the member that replicates the machine to a second cloud.
async fn further(lab: &Lab, cloud: &str) -> Id {
    connect(&lab.node, cloud, 0).await;
    let main = lab.row().await;
    sql(
        &lab.node.db,
        &format!(
            "INSERT INTO groups (id, name, protected_site, recovery_site, target_cloud_id, policy, networks, storage, created_at, main_id) \
             SELECT '{cloud}-g', 'tier at {cloud}', protected_site, '{cloud}', '{cloud}', policy, '[]', '[]', 0, id FROM groups WHERE id = 'g'"
        ),
    )
    .await;
    let new = NewMember {
        id: new_id(),
        group_id: Some(format!("{cloud}-g")),
        machine_id: main.machine_id,
        name: "m".into(),
        target_cloud_id: cloud.into(),
        storage: vec![],
        held_by: None,
        further: true,
    };
    members::insert(&lab.node.db, &new, &main.lineage, now()).await.unwrap().unwrap();
    new.id
}

async fn cycle(lab: &Lab, member: &str) -> Result<Cycle> {
    replication::cycle(&lab.node, member, |_| {}, CancellationToken::new()).await
}

async fn newest(lab: &Lab, member: &str) -> StoredPoint {
    points::newest(&lab.node.db, member).await.unwrap().unwrap()
}

async fn assert_shows_the_source(lab: &Lab, member: &str) {
    assert!(lab.disk_of(&newest(lab, member).await).await == lab.source_disk(), "the point of {member} differs from the source");
}

#[tokio::test]
async fn each_target_gets_what_changed_since_its_own_point() {
    let lab = lab("targets-two", 0).await;
    let other = further(&lab, "targets-two-c").await;
    assert!(lab.cycle().await.unwrap().full && cycle(&lab, &other).await.unwrap().full);
    lab.write(1 << 20, "one");
    assert!(!lab.cycle().await.unwrap().full);
    lab.write(2 << 20, "two");
    assert!(!lab.cycle().await.unwrap().full);
    // What was written before the other target's turn is not lost to it.
    let late = cycle(&lab, &other).await.unwrap();
    assert!(!late.full && late.bytes > 0);
    assert_shows_the_source(&lab, &other).await;
    lab.assert_newest_equals_source().await;
}

#[tokio::test]
async fn a_cycle_that_was_cut_off_costs_the_other_target_nothing() {
    let mut lab = lab("targets-cut", 0).await;
    let other = further(&lab, "targets-cut-c").await;
    lab.cycle().await.unwrap();
    cycle(&lab, &other).await.unwrap();
    for n in 0..12 {
        lab.write(3 << 20, &format!("{n}"));
        if lab.cycle_killed_at(n).await.is_some() {
            break;
        }
        lab.restart().await;
        connect(&lab.node, "targets-cut-c", 0).await;
        assert!(!cycle(&lab, &other).await.unwrap().full, "killed at {n}");
        assert_shows_the_source(&lab, &other).await;
        assert!(!lab.cycle().await.unwrap().full, "killed at {n}");
    }
}

#[tokio::test]
async fn a_machine_takes_one_cycle_at_a_time() {
    let lab = lab("targets-turn", 0).await;
    let other = further(&lab, "targets-turn-c").await;
    let node = lab.another_node();
    let held = Held::claim(&lab.node, &lab.member, None).await.unwrap().expect("free");
    assert!(Held::claim(&node, &other, None).await.unwrap().is_none(), "both at once");
    assert!(Held::claim(&lab.node, &other, None).await.unwrap().is_none(), "both at once, by one node");
    held.during(async { Ok(()) }).await.unwrap();
    assert!(Held::claim(&node, &other, None).await.unwrap().is_some());
}

#[tokio::test]
async fn the_end_of_one_target_leaves_the_other_as_it_is() {
    let lab = lab("targets-end", 0).await;
    let other = further(&lab, "targets-end-c").await;
    lab.cycle().await.unwrap();
    cycle(&lab, &other).await.unwrap();
    lab.write(0, "x");
    replication::retire(&lab.node, &other).await.unwrap();
    prune::doomed(&lab.node).await.unwrap();
    assert_eq!(simulator::world("targets-end-a").unwrap().tracked(&lab.native), 2, "the other target may have a point open now");
    assert_eq!(simulator::world("targets-end-c").unwrap().leftovers(), (0, 0));
    assert!(!lab.cycle().await.unwrap().full);
    assert_eq!(simulator::world("targets-end-a").unwrap().tracked(&lab.native), 1, "its record is gone with the next cycle");
    lab.assert_newest_equals_source().await;
}

#[tokio::test]
async fn a_run_takes_all_targets_of_a_machine_and_gives_them_back() {
    let lab = lab("targets-run", 0).await;
    let other = further(&lab, "targets-run-c").await;
    replication::hold(&lab.node, &lab.member, "run1").await.unwrap();
    turn::take(&lab.node, &other).await;
    assert!(points::newest(&lab.node.db, &other).await.unwrap().is_none(), "the background copied while a run had the machine");
    assert!(replication::hold(&lab.node, &other, "run2").await.is_err());
    replication::release(&lab.node, &lab.member, "run1").await.unwrap();
    turn::take(&lab.node, &other).await;
    assert!(points::newest(&lab.node.db, &other).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_background_serves_both() {
    let lab = lab("targets-both", 1).await;
    let other = further(&lab, "targets-both-c").await;
    replication::start(&lab.node);
    until("a point at each", async || lab.newest().await.is_some() && points::newest(&lab.node.db, &other).await.unwrap().is_some()).await;
    let (a, b) = (newest(&lab, &lab.member).await.taken_at, newest(&lab, &other).await.taken_at);
    lab.write(5 << 20, "both");
    until("newer ones", async || newest(&lab, &lab.member).await.taken_at > a && newest(&lab, &other).await.taken_at > b).await;
    lab.node.stopping.cancel();
    lab.node.tasks.close();
    lab.node.tasks.wait().await;
}
