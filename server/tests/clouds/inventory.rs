//! What a cloud shows.

use super::harness::{beds, everything, until};
use model::machine::PowerState;
use server::clouds::{Change, StopMode};
use std::{collections::BTreeSet, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_who_it_is() {
    for bed in beds() {
        let report = bed.source.probe().await.unwrap();
        assert!(report.ok && report.version.is_some() && report.host.is_some(), "{report:?}");
        assert_eq!(report.machines, Some(everything(bed.source.inventory()).await.len() as u32));
        if bed.kind == "libvirt" {
            assert_eq!(report.fingerprint.map(|f| f.len()), Some(64));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_machine_is_listed_once_and_found_alone() {
    for bed in beds() {
        bed.machine("suite-inv", &["disks=2", "tags=prod,tier=db"]).await;
        let all = everything(bed.source.inventory()).await;
        let ids: BTreeSet<_> = all.iter().map(|one| &one.native_id).collect();
        assert_eq!(ids.len(), all.len());
        let one = &all[0];
        assert_eq!(bed.source.inventory().one(&one.native_id).await.unwrap().unwrap().name, one.name);
        assert!(bed.source.inventory().one("00000000-0000-4000-8000-000000000000").await.unwrap().is_none());
        if bed.lab.is_some() {
            let found = bed.find("suite-inv").await;
            assert_eq!(found.tags, ["prod", "tier=db"]);
            assert_eq!(found.disks.iter().map(|d| d.size_bytes).collect::<Vec<_>>(), [1 << 30, 1 << 30]);
            assert!(found.disks.iter().all(|d| d.allocated_bytes.is_some_and(|n| n > 0) && d.pool.as_deref() == Some("images")));
            assert!(found.nics[0].mac.starts_with("52:54:00:"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_machines_can_be_put_on_is_there() {
    for bed in beds() {
        let all = bed.source.inventory().resources().await.unwrap();
        assert!(!all.hosts.is_empty() && all.hosts[0].cpus > 0 && all.hosts[0].memory_mib > 0, "{all:?}");
        assert!(all.networks.iter().any(|n| n.active) && all.pools.iter().any(|p| p.active && p.total_bytes > 0), "{all:?}");
        let capacity = bed.source.inventory().capacity().await.unwrap();
        assert!(capacity.memory_free_mib > 0 && capacity.storage_bytes > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_told() {
    for bed in beds() {
        let machine = bed.machine("suite-watch", &["mem=96"]).await;
        let Some(mut changes) = bed.source.inventory().watch().await.unwrap() else { continue };
        let power = bed.source.power().unwrap();
        power.stop(&machine.native_id, StopMode::Hard).await.unwrap();
        power.start(&machine.native_id).await.unwrap();
        let seen = async {
            while let Some(change) = changes.recv().await {
                if matches!(&change, Change::Machine(one) if one.native_id == machine.native_id && one.state == PowerState::Running) {
                    return;
                }
            }
            panic!("the stream ended");
        };
        tokio::time::timeout(Duration::from_secs(5), seen).await.expect("told within 5 s");
        power.stop(&machine.native_id, StopMode::Hard).await.unwrap();
        until("stopped", Duration::from_secs(5), || async { power.state(&machine.native_id).await.unwrap() == PowerState::Stopped }).await;
    }
}
