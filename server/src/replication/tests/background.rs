//! The scheduler at work: objectives are kept, pauses respected, and a cloud that comes back is used at once.

use super::support::{lab, sql, until};
use crate::{replication, state::now};
use model::{live::Topic, protection::ReplicationState};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_come_by_themselves_until_it_is_paused() {
    let lab = lab("bg", 1).await;
    replication::start(&lab.node);
    until("a first point", async || lab.newest().await.is_some()).await;
    lab.write(1 << 20, "x");
    until("a second point", async || lab.rows().await.len() >= 2).await;
    lab.assert_newest_equals_source().await;
    sql(&lab.node.db, "UPDATE groups SET paused = 1").await;
    lab.node.replication.slot(&lab.member).cancel();
    drop(lab.node.replication.slot(&lab.member).busy.lock().await);
    let count = lab.rows().await.len();
    lab.write(2 << 20, "not copied");
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert_eq!(lab.rows().await.len(), count);
    assert_eq!(lab.row().await.shown(None).replication.state, ReplicationState::Paused);
    sql(&lab.node.db, "UPDATE groups SET paused = 0").await;
    lab.node.replication.wake();
    until("a point after the pause", async || lab.rows().await.len() > count).await;
    lab.node.stopping.cancel();
    lab.node.tasks.close();
    tokio::time::timeout(std::time::Duration::from_secs(10), lab.node.tasks.wait()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_source_lets_the_lag_grow_and_its_return_is_used_at_once() {
    let lab = lab("bg-lost", 1).await;
    replication::start(&lab.node);
    until("a first point", async || lab.newest().await.is_some()).await;
    lab.a.cut();
    until("a failure", async || lab.row().await.state == ReplicationState::Failing).await;
    sql(&lab.node.db, "UPDATE clouds SET status = 'unreachable' WHERE id = 'bg-lost-a'").await;
    lab.node.live.publish(Topic::Cloud, "bg-lost-a", &());
    let last = lab.newest().await.unwrap().taken_at;
    until("a breach", async || now() - last > 5000).await;
    assert_eq!(lab.newest().await.unwrap().taken_at, last);
    lab.a.restore();
    lab.write(1 << 20, "after the return");
    sql(&lab.node.db, "UPDATE clouds SET status = 'ok'").await;
    let back = now();
    lab.node.live.publish(Topic::Cloud, "bg-lost-a", &());
    until("a point after the return", async || lab.newest().await.unwrap().taken_at > back).await;
    assert!(now() - back < 2000, "it took {} ms to resume", now() - back);
    assert_eq!(lab.row().await.state, ReplicationState::Replicating);
    lab.node.stopping.cancel();
}
