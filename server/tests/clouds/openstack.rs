//! What only an OpenStack has: machines that change the kind of their cloud, points as images, hashes instead of a
//! record of changes. Runs with `CF_CUMULUS_*` (`eval "$(e2e/lab/openstack env)"`) beside the lab's sites.
#![cfg(feature = "openstack")]

use super::{
    copy::Chain,
    harness::{Bed, cumulus, everything, libvirt, until},
};
use model::{Mapping, machine::PowerState};
use server::clouds::{Cloud, CreateRequest, OpenPoint, Settings, StopMode, error::Kind, registry};
use std::{collections::BTreeMap, time::Duration};

pub async fn off(cloud: &dyn Cloud, id: &str) {
    let power = cloud.power().unwrap();
    let off = || async {
        power.stop(id, StopMode::Graceful).await.unwrap();
        power.state(id).await.unwrap().is_off()
    };
    until("off", Duration::from_secs(90), off).await;
}

/// What an earlier run that failed has left.
pub async fn forget(cloud: &dyn Cloud, name: &str) {
    for one in everything(cloud.inventory()).await.into_iter().filter(|one| one.name == name) {
        let power = cloud.power().unwrap();
        power.unlock(&one.native_id).await.unwrap();
        power.stop(&one.native_id, StopMode::Hard).await.unwrap();
        cloud.machines().unwrap().delete(&one.native_id, true).await.unwrap();
    }
}

/// libvirt → OpenStack → libvirt, by the contract alone; the guest's counter is the proof.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_changes_the_kind_of_its_cloud_and_comes_back() {
    let (Some(sites), Some(external)) = (libvirt(), cumulus()) else { return };
    let name = "suite-abroad";
    forget(&*external.target, name).await;
    let there = libvirt().unwrap().between(None, Some(external.target.clone()));
    let machine = there.machine(name, &["mem=96", "tags=a,b"]).await;
    let lab = there.lab.as_ref().unwrap();
    there.source.power().unwrap().start(&machine.native_id).await.unwrap();
    lab.run(&["wait", name]);
    let mut chain = Chain::new(&there, &machine.native_id);
    let first = chain.cycle().await;
    let seen = there.figure(name, "counter");
    off(&*there.source, &machine.native_id).await;
    let delta = chain.cycle().await;
    assert!(first.full && !delta.full && delta.bytes <= first.bytes, "{} then {}", first.bytes, delta.bytes);

    let (target, sink) = (there.target.machines().unwrap(), there.target.disk_sink().unwrap());
    let request_in = chain.create_request().await;
    let problems = target.check_create(&request_in.spec, &[], &[], None).await.unwrap();
    assert!(problems.iter().all(|one| !one.blocks()), "{problems:?}");
    let made = target.create(&request_in).await.unwrap();
    assert_eq!(target.create(&request_in).await.unwrap(), made, "a second time with the same token");
    assert_eq!(target.find(&request_in.token).await.unwrap().as_deref(), Some(made.as_str()));
    let new = there.target.inventory().one(&made).await.unwrap().unwrap();
    assert_eq!((new.state, &new.name, new.disks[0].size_bytes), (PowerState::Stopped, &machine.name, 1 << 30));
    assert_eq!((&new.nics[0].mac, &new.nics[0].addresses), (&machine.nics[0].mac, &machine.nics[0].addresses));
    assert!(!machine_answers(&there, name), "it was made, and must not run");
    let other = CreateRequest { token: "another".into(), ..request_in.clone() };
    assert_eq!(target.create(&other).await.unwrap_err().kind, Kind::Conflict);
    assert_eq!(sink.delete(&first.point).await.unwrap_err().kind, Kind::Conflict, "the next is based on it");

    let power = there.target.power().unwrap();
    power.start(&made).await.unwrap();
    assert_eq!(power.state(&made).await.unwrap(), PowerState::Running);
    lab.run(&["wait", name]);
    assert!(there.figure(name, "counter_at_boot") >= seen, "nothing is lost");
    assert_eq!(target.delete(&made, true).await.unwrap_err().kind, Kind::Conflict, "not while it runs");
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert!(!sink.exists(&request_in.point).await.unwrap(), "the machine has a disk of its own");

    let back = sites.between(Some(external.source.clone()), None);
    come_back(&back, name, &made).await;
    there.source.disk_source().unwrap().tidy(&machine.native_id, &[]).await.unwrap();
}

fn machine_answers(bed: &Bed, name: &str) -> bool {
    bed.lab.as_ref().unwrap().try_run(&["counter", name])
}

/// The lab's cloud may be without block storage.
pub async fn has_volumes(cloud: &dyn Cloud) -> bool {
    cloud.inventory().resources().await.unwrap().pools.iter().any(|pool| pool.kind == "cinder")
}

async fn come_back(back: &Bed, name: &str, id: &str) {
    let mut chain = Chain::new(back, id);
    let first = chain.cycle().await;
    let seen = back.figure(name, "counter");
    off(&*back.source, id).await;
    let delta = chain.cycle().await;
    assert!(first.full && !delta.full && delta.bytes < first.bytes, "only what differs: {} then {}", first.bytes, delta.bytes);
    assert!(chain.cycle().await.bytes == 0, "nothing wrote since");
    let power = back.source.power().unwrap();
    power.lock(id, "moved to dublin").await.unwrap();
    let target = back.target.machines().unwrap();
    let request = chain.create_request().await;
    assert_eq!((request.spec.native_kind.as_str(), request.spec.tags.join(",")), ("libvirt", "a,b".into()), "it goes back as what it was");
    let made = target.create(&request).await.unwrap();
    back.target.power().unwrap().start(&made).await.unwrap();
    back.lab.as_ref().unwrap().run(&["wait", name]);
    assert!(back.figure(name, "counter_at_boot") >= seen, "nothing is lost on the way back");
    back.target.power().unwrap().stop(&made, StopMode::Hard).await.unwrap();
    target.delete(&made, true).await.unwrap();
    power.unlock(id).await.unwrap();
    back.source.disk_source().unwrap().tidy(id, &[]).await.unwrap();
    for _ in 0..2 {
        back.source.machines().unwrap().delete(id, true).await.unwrap();
    }
    assert!(back.source.inventory().one(id).await.unwrap().is_none());
    back.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_leaves_in_the_middle_is_removed_by_the_next() {
    let (Some(sites), Some(external)) = (libvirt(), cumulus()) else { return };
    let there = sites.between(None, Some(external.target.clone()));
    let machine = there.machine("suite-torn-abroad", &["mem=96"]).await;
    let mut chain = Chain::new(&there, &machine.native_id);
    let first = chain.cycle().await;
    for _ in 0..2 {
        let mut source = chain.open().await;
        let mut request = chain.begin_request(&mut *source).await;
        request.parent = None;
        let sink = there.target.disk_sink().unwrap().begin(request).await.unwrap();
        drop((source, sink));
    }
    chain.last = None;
    let next = chain.cycle().await;
    let sink = there.target.disk_sink().unwrap();
    assert!(sink.exists(&first.point).await.unwrap() && sink.exists(&next.point).await.unwrap());
    let flat = sink.shorten(std::slice::from_ref(&next.point)).await.unwrap().point;
    assert_eq!(sink.shorten(std::slice::from_ref(&next.point)).await.unwrap().point, flat, "a second time");
    sink.tidy(&chain.lineage, std::slice::from_ref(&flat)).await.unwrap();
    assert!(sink.exists(&flat).await.unwrap() && !sink.exists(&first.point).await.unwrap());
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert!(!sink.exists(&flat).await.unwrap());
    there.source.disk_source().unwrap().tidy(&machine.native_id, &[]).await.unwrap();
    let nothing = OpenPoint { token: "t".into(), since: None, others: vec![] };
    let missing = external.source.disk_source().unwrap().open("00000000-0000-4000-8000-000000000000", nothing).await;
    assert_eq!(missing.err().unwrap().kind, Kind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_addresses_are_told_apart() {
    if cumulus().is_none() {
        return;
    }
    let get = |name: &str| std::env::var(format!("CF_CUMULUS_{name}")).unwrap();
    let probe = |change: &[(&str, &str)]| {
        let mut fields: BTreeMap<String, String> = [
            ("auth_url", get("URL")),
            ("credential_id", get("CREDENTIAL_ID")),
            ("credential_secret", get("CREDENTIAL_SECRET")),
            ("insecure", "true".into()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into();
        fields.extend(change.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let cloud = registry::open("openstack", Settings { fields, ..Settings::default() }).unwrap();
        async move { cloud.probe().await }
    };
    let report = probe(&[]).await.unwrap();
    assert!(report.ok && report.identity.as_deref() == Some("crossfade in project crossfade (member, reader)"), "{report:?}");
    assert_eq!(probe(&[("credential_secret", "wrong")]).await.unwrap_err().kind, Kind::Auth);
    let refused = probe(&[("auth_url", &format!("http://{}:1/v3", get("IP")))]).await.unwrap_err();
    assert!(refused.kind == Kind::Transient && refused.message.contains("nothing listens there"), "{refused}");
    assert_eq!(probe(&[("region", "Nowhere")]).await.unwrap_err().kind, Kind::Unsupported);
}

/// What a mapping names must be there; nothing is guessed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_said_before() {
    let (Some(sites), Some(external)) = (libvirt(), cumulus()) else { return };
    let machine = sites.machine("suite-way", &["mem=96", "disks=2"]).await;
    let mut spec = sites.source.machines().unwrap().describe(&machine.native_id).await.unwrap();
    let target = external.target.machines().unwrap();
    let blockers = async |spec: &server::clouds::MachineSpec, networks: &[Mapping]| {
        let all = target.check_create(spec, networks, &[], None).await.unwrap();
        all.into_iter().filter(|one| one.blocks()).map(|one| one.what).collect::<Vec<_>>().join(" ")
    };
    let several = blockers(&spec, &[]).await;
    assert!(if has_volumes(&*external.target).await { several.is_empty() } else { several.contains("no block storage") }, "{several}");
    spec.disks.truncate(1);
    assert_eq!(blockers(&spec, &[]).await, "");
    let elsewhere = [Mapping { from: "svc".into(), to: "nowhere".into() }];
    assert!(blockers(&spec, &elsewhere).await.contains("no network 'nowhere'"));
    spec.memory_mib = 1 << 20;
    assert!(blockers(&spec, &[]).await.contains("no flavour has that"));
    spec.memory_mib = 96;
    spec.native = spec.native.replace("<kernel>", "<kernel>/elsewhere");
    assert!(blockers(&spec, &[]).await.contains("no image of that name"));
}
