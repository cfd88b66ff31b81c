//! One machine that is replicated to two targets: each gets what changed since its own point.

use super::{
    copy::{Chain, same},
    harness::{pairs, until},
    replication::{busy, hold},
};
use model::machine::PowerState;
use server::clouds::{PointRef, StopMode};
use std::time::Duration;

fn points(chain: &Chain<'_>) -> Vec<PointRef> {
    chain.last.iter().map(|(point, _)| point.clone()).collect()
}

/// One cycle of one of them, which leaves alone what the other goes on from. Answers its bytes.
async fn delta(chain: &mut Chain<'_>, other: &Chain<'_>) -> u64 {
    chain.others = points(other);
    let done = chain.cycle().await;
    assert!(!done.full, "the record of its point was taken away by the other target");
    done.bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_targets_goes_on_from_its_own_point() {
    for bed in pairs() {
        let name = "suite-two";
        let id = busy(&bed, name, &["disks=2"]).await;
        let (mut near, mut far) = (Chain::new(&bed, &id), Chain::new(&bed, &id));
        assert!(near.cycle().await.full);
        far.others = points(&near);
        assert!(far.cycle().await.full);
        let mut sent = 0;
        for _ in 0..3 {
            sent += delta(&mut near, &far).await;
        }
        let late = delta(&mut far, &near).await;
        assert!(sent == 0 || late > 0, "what went to the one before is new to the other");
        let power = bed.source.power().unwrap();
        if bed.lab.is_some() {
            hold(&bed, name, true);
            delta(&mut near, &far).await;
            delta(&mut far, &near).await;
            for chain in [&near, &far] {
                same(&format!("{name}.qcow2"), &chain.last.as_ref().unwrap().1);
            }
            hold(&bed, name, false);
            let off = || async {
                power.stop(&id, StopMode::Graceful).await.unwrap();
                power.state(&id).await.unwrap() == PowerState::Stopped
            };
            until("off", Duration::from_secs(60), off).await;
            delta(&mut far, &near).await;
            delta(&mut near, &far).await;
            for chain in [&near, &far] {
                same(&format!("{name}.qcow2"), &chain.last.as_ref().unwrap().1);
            }
            power.start(&id).await.unwrap();
            delta(&mut near, &far).await;
            delta(&mut far, &near).await;
        }
        // One of them ends: the other does not notice.
        bed.source.disk_source().unwrap().tidy(&id, &points(&near)).await.unwrap();
        near.others.clear();
        assert!(!near.cycle().await.full);
        bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
        power.stop(&id, StopMode::Hard).await.unwrap();
    }
}
