//! A source pool that runs full: the cycle is lost, never the machine.

use super::{
    copy::Chain,
    harness::{Bed, Lab, libvirt, until},
};
use model::machine::PowerState;
use server::clouds::{OpenPoint, StopMode};
use std::time::Duration;

const FOLDER: &str = "/var/lib/libvirt/small";

fn sh(lab: &Lab, script: &str) -> String {
    lab.run(&["in", "berlin", "sh", "-c", script])
}

/// A machine of 64 MiB, all of it written over and over, whose disk lies in a pool in memory.
async fn machine(bed: &Bed, lab: &Lab, name: &str) -> String {
    let id = bed.machine(name, &["mem=96", "size=64M", "dirty=4096"]).await.native_id;
    sh(lab, &format!("mount -o remount,size=200m {FOLDER}; cp /var/lib/libvirt/images/{name}.qcow2 {FOLDER}/"));
    let xml = lab.run(&["virsh", "berlin", "dumpxml", "--inactive", name]);
    // Files in memory cannot be read past the cache.
    let xml = xml.replace("/var/lib/libvirt/images/", &format!("{FOLDER}/")).replace("cache='none'", "cache='writeback'");
    let file = tempfile::Builder::new().suffix(".xml").tempfile().unwrap();
    std::fs::write(file.path(), xml).unwrap();
    lab.run(&["virsh", "berlin", "define", file.path().to_str().unwrap()]);
    lab.run(&["virsh", "berlin", "pool-refresh", "small"]);
    bed.source.power().unwrap().start(&id).await.unwrap();
    lab.run(&["wait", name]);
    id
}

fn counter(lab: &Lab, name: &str) -> u64 {
    let status: serde_json::Value = serde_json::from_str(&lab.run(&["counter", name])).unwrap();
    status["counter"].as_u64().unwrap()
}

async fn goes_on_writing(bed: &Bed, lab: &Lab, name: &str, id: &str) {
    assert_eq!(bed.source.power().unwrap().state(id).await.unwrap(), PowerState::Running);
    let before = counter(lab, name);
    until("it goes on writing", Duration::from_secs(20), || async { counter(lab, name) > before + 3 }).await;
}

/// Leaves so many MiB.
fn fill(lab: &Lab, left: u64) {
    let free = sh(lab, &format!("rm -f {FOLDER}/filler; df --output=avail -k {FOLDER} | tail -1"));
    let free: u64 = free.trim().parse().unwrap();
    sh(lab, &format!("head -c {}K /dev/zero > {FOLDER}/filler", free - left * 1024));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_source_pool_ends_the_cycle_and_not_the_machine() {
    let Some(bed) = libvirt() else { return };
    let lab = bed.lab.as_ref().unwrap();
    let name = "suite-room";
    let id = machine(&bed, lab, name).await;
    let written =
        || async { sh(lab, &format!("du -k {FOLDER}/{name}.qcow2")).split_whitespace().next().unwrap().parse::<u64>().unwrap() > 48 << 10 };
    until("its disk is written", Duration::from_secs(120), written).await;
    let mut chain = Chain::new(&bed, &id);
    assert!(chain.cycle().await.full);
    // Room enough to begin, not enough for all that is overwritten while the point is open.
    fill(lab, 36);
    let mut open = chain.open().await;
    let extents = open.extents(0).await.unwrap();
    let begun = std::time::Instant::now();
    let ended = loop {
        assert!(begun.elapsed() < Duration::from_secs(90), "nobody ended it: {}", sh(lab, &format!("df -k {FOLDER}; ls -ls {FOLDER}")));
        let first = extents.iter().find(|e| !e.zero).unwrap();
        match open.read(0, first.offset, first.length.min(64 << 10) as u32).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(error) => break error,
        }
    };
    println!("ended after {:?}: {ended}", begun.elapsed());
    assert!(ended.message.contains("ended early") && ended.message.contains("'small'"), "{ended}");
    open.close(false).await.unwrap();
    goes_on_writing(&bed, lab, name, &id).await;
    // Below the margin none is begun.
    fill(lab, 12);
    let (token, since) = (chain.token(), chain.last.as_ref().map(|(point, _)| point.clone()));
    let refused =
        bed.source.disk_source().unwrap().open(&id, OpenPoint { token, since, others: vec![] }).await.err().expect("it was begun");
    println!("refused: {refused}");
    assert!(refused.message.contains("No recovery point is begun below 16 MiB"), "{refused}");
    goes_on_writing(&bed, lab, name, &id).await;
    let left = sh(lab, &format!("rm {FOLDER}/filler; ls {FOLDER}"));
    assert!(!left.contains(".scratch"), "{left}");
    assert!(!chain.cycle().await.full, "it goes on from the point before");
    bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    lab.forget(name);
    sh(lab, &format!("rm -f {FOLDER}/*; mount -o remount,size=64m {FOLDER}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_points_impossible_is_told_before() {
    let Some(bed) = libvirt() else { return };
    let lab = bed.lab.as_ref().unwrap();
    let name = "suite-snap";
    let id = bed.machine(name, &["mem=96"]).await.native_id;
    let disks = bed.source.disk_source().unwrap();
    assert_eq!(disks.check(&id).await.unwrap(), []);
    lab.run(&["virsh", "berlin", "snapshot-create-as", name, "before-upgrade"]);
    let found = disks.check(&id).await.unwrap();
    assert!(found.len() == 1 && found[0].blocks() && found[0].what.contains("1 snapshots"), "{found:?}");
    lab.run(&["virsh", "berlin", "snapshot-delete", name, "before-upgrade"]);
    assert_eq!(disks.check(&id).await.unwrap(), []);
    lab.forget(name);
}
