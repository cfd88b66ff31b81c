//! Machines with several disks at an OpenStack: images, volumes of block storage, and both. The guest counts on each disk.
#![cfg(feature = "openstack")]

use super::{
    copy::Chain,
    harness::{Bed, cumulus, libvirt, until},
    openstack::{forget, has_volumes, off},
};
use model::{Mapping, machine::PowerState};
use server::clouds::{CreateRequest, OpenPoint, StopMode, error::Kind};
use std::time::Duration;

/// The sites and the cloud, where it has block storage.
async fn both() -> Option<(Bed, Bed)> {
    let (sites, external) = (libvirt()?, cumulus()?);
    has_volumes(&*external.target).await.then_some((sites, external))
}

fn counters(bed: &Bed, name: &str) -> (u64, u64) {
    (bed.figure(name, "counter_at_boot"), bed.figure(name, "counter2_at_boot"))
}

/// There with the first disk as `to` says, and back; whatever the guest wrote to either disk comes along.
async fn there_and_back(name: &str, to: &str) {
    let Some((sites, external)) = both().await else { return };
    forget(&*external.target, name).await;
    let there = libvirt().unwrap().between(None, Some(external.target.clone()));
    let machine = there.machine(name, &["mem=96", "disks=2"]).await;
    let lab = there.lab.as_ref().unwrap();
    there.source.power().unwrap().start(&machine.native_id).await.unwrap();
    lab.run(&["wait", name]);
    let mut chain = Chain::new(&there, &machine.native_id);
    chain.cycle().await;
    let seen = there.figure(name, "counter");
    off(&*there.source, &machine.native_id).await;
    chain.cycle().await;

    let (target, sink) = (there.target.machines().unwrap(), there.target.disk_sink().unwrap());
    let mut asked = chain.create_request().await;
    asked.storage = vec![Mapping { from: "images".into(), to: to.into() }];
    let problems = target.check_create(&asked.spec, &[], &asked.storage, None).await.unwrap();
    assert!(problems.iter().all(|one| !one.blocks()), "{problems:?}");
    let made = target.create(&asked).await.unwrap();
    assert_eq!(target.create(&asked).await.unwrap(), made, "a second time with the same token");
    let new = there.target.inventory().one(&made).await.unwrap().unwrap();
    assert_eq!((new.state, new.disks.iter().map(|disk| disk.size_bytes).collect::<Vec<_>>()), (PowerState::Stopped, vec![1 << 30; 2]));
    assert_eq!(new.disks[0].pool.as_deref(), Some(to));
    assert!(!lab.try_run(&["counter", name]), "it was made, and must not run");

    let power = there.target.power().unwrap();
    power.start(&made).await.unwrap();
    lab.run(&["wait", name]);
    let (first, second) = counters(&there, name);
    assert!(first >= seen && second >= seen, "nothing is lost: {seen}, then {first} and {second}");
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert!(!sink.exists(&asked.point).await.unwrap(), "the machine has disks of its own");
    assert_eq!(new.disks.len(), there.target.inventory().one(&made).await.unwrap().unwrap().disks.len(), "and they stay");
    there.source.disk_source().unwrap().tidy(&machine.native_id, &[]).await.unwrap();
    back(&sites.between(Some(external.source.clone()), None), name, &made).await;
}

/// From the cloud to the sites; then nothing of it is left there.
async fn back(back: &Bed, name: &str, id: &str) {
    let found = back.source.disk_source().unwrap().check(id).await.unwrap();
    assert!(found.iter().any(|one| one.what.contains("2 disks")), "instants of their own: {found:?}");
    let mut chain = Chain::new(back, id);
    let first = chain.cycle().await;
    // What its snapshots take is known by now.
    chain.cycle().await;
    let running = chain.create_request().await;
    let seen = back.figure(name, "counter");
    off(&*back.source, id).await;
    one_instant(back, name, running).await;
    let delta = chain.cycle().await;
    assert!(first.full && !delta.full && delta.bytes < first.bytes, "only what differs: {} then {}", first.bytes, delta.bytes);
    assert_eq!(chain.cycle().await.bytes, 0, "nothing wrote since");
    let target = back.target.machines().unwrap();
    let asked = chain.create_request().await;
    let made = target.create(&asked).await.unwrap();
    back.target.power().unwrap().start(&made).await.unwrap();
    back.lab.as_ref().unwrap().run(&["wait", name]);
    let (first, second) = counters(back, name);
    assert!(first >= seen && second >= seen, "nothing is lost on the way back: {seen}, then {first} and {second}");
    back.target.power().unwrap().stop(&made, StopMode::Hard).await.unwrap();
    target.delete(&made, true).await.unwrap();
    // It was read while it was stopped, and still starts.
    let power = back.source.power().unwrap();
    power.start(id).await.unwrap();
    back.lab.as_ref().unwrap().run(&["wait", name]);
    assert_eq!(back.source.machines().unwrap().delete(id, true).await.unwrap_err().kind, Kind::Conflict, "not while it runs");
    power.stop(id, StopMode::Hard).await.unwrap();
    back.source.disk_source().unwrap().tidy(id, &[]).await.unwrap();
    for _ in 0..2 {
        back.source.machines().unwrap().delete(id, true).await.unwrap();
    }
    back.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
}

/// The copy's own counters differ by the one write in flight at most.
async fn one_instant(back: &Bed, name: &str, mut asked: CreateRequest) {
    let (source, target) = (back.source.disk_source().unwrap(), back.target.machines().unwrap());
    asked.token.push_str("-running");
    let made = target.create(&asked).await.unwrap();
    back.target.power().unwrap().start(&made).await.unwrap();
    back.lab.as_ref().unwrap().run(&["wait", name]);
    let (first, second) = counters(back, name);
    let id = back.find(name).await.native_id;
    let told = source.check(&id).await.unwrap();
    println!("{name}: {first} and {second}; {}", told[0].what);
    assert!(first > 0 && first.abs_diff(second) <= 1, "one instant: {first} and {second}");
    assert!(told[0].what.contains("It is paused for about "), "{told:?}");
    back.target.power().unwrap().stop(&made, StopMode::Hard).await.unwrap();
    target.delete(&made, true).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_disks_go_there_as_image_and_volume_and_come_back() {
    there_and_back("suite-two", "image").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_disks_go_there_as_volumes_and_come_back() {
    there_and_back("suite-vols", "files").await;
}

/// Born there, booting from a volume.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_volumes_comes_from_there() {
    let Some((sites, external)) = both().await else { return };
    let name = "suite-born";
    let machine = external.machine(name, &["mem=96", "disks=2", "root=volume"]).await;
    let keys: Vec<_> = machine.disks.iter().map(|disk| (disk.key.as_str(), disk.size_bytes, disk.pool.as_deref())).collect();
    assert_eq!(keys, [("vda", 1 << 30, Some("files")), ("vdb", 1 << 30, Some("files"))]);
    external.source.power().unwrap().start(&machine.native_id).await.unwrap();
    sites.lab.as_ref().unwrap().run(&["wait", name]);
    let bed = sites.between(Some(external.source.clone()), None);
    let mut chain = Chain::new(&bed, &machine.native_id);
    assert!(chain.cycle().await.full);
    let delta = chain.cycle().await;
    assert!(!delta.full && delta.bytes > 0, "it writes all the time: {}", delta.bytes);
    let spec = bed.source.machines().unwrap().describe(&machine.native_id).await.unwrap();
    assert_eq!((spec.native_kind.as_str(), spec.disks.len()), ("openstack", 2));
    bed.source.disk_source().unwrap().tidy(&machine.native_id, &[]).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    forget(&*external.source, name).await;
}

/// The call is dropped while it is paused, and a node is killed over it.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_not_left_paused() {
    let Some((sites, external)) = both().await else { return };
    let name = "suite-held";
    let machine = external.machine(name, &["mem=96", "disks=2", "root=volume"]).await;
    let (id, cloud) = (machine.native_id.as_str(), external.source.clone());
    cloud.power().unwrap().start(id).await.unwrap();
    sites.lab.as_ref().unwrap().run(&["wait", name]);
    let status = async || cloud.inventory().one(id).await.unwrap().unwrap().native["status"].as_str().unwrap().to_owned();
    let source = cloud.disk_source().unwrap();
    {
        let opening = source.open(id, OpenPoint { token: "held".into(), since: None, others: vec![] });
        let paused = async { until("paused", Duration::from_secs(30), async || status().await == "PAUSED").await };
        tokio::select! { _ = opening => panic!("it was open before it was seen paused"), () = paused => {} }
        assert!(cloud.power().unwrap().state(id).await.unwrap() == PowerState::Running, "it goes on by itself");
    }
    until("on again", Duration::from_secs(30), async || status().await == "ACTIVE").await;
    let maker = external.maker.as_ref().unwrap();
    // The other way round than a node would: a client of the cloud's makes notes of what is not paused, too.
    maker.run(&["client", "server", "set", "--property", "crossfade_paused=1", id]);
    maker.run(&["client", "server", "pause", id]);
    until("paused", Duration::from_secs(30), async || status().await == "PAUSED").await;
    source.tidy(id, &[]).await.unwrap();
    assert_eq!(status().await, "ACTIVE", "what a killed node left is ended");
    maker.run(&["client", "server", "pause", id]);
    until("paused", Duration::from_secs(30), async || status().await == "PAUSED").await;
    source.tidy(id, &[]).await.unwrap();
    assert_eq!(status().await, "PAUSED", "and somebody else's pause is not");
    maker.run(&["client", "server", "unpause", id]);
    until("on again", Duration::from_secs(30), async || status().await == "ACTIVE").await;
    forget(&*cloud, name).await;
}
