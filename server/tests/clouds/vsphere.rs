//! What only vSphere has: certificates, sessions that end, privileges, adapters. Runs with `CF_VIENNA_URL` and the like
//! (`eval "$(e2e/lab/vsphere env)"`), against VMware's simulator: no guest runs there.
#![cfg(feature = "vsphere")]

use super::{
    copy::Chain,
    harness::{Bed, everything, until, vcenter, vcenters},
};
use model::{Mapping, cloud::Capability, machine::PowerState};
use server::clouds::{Change, Cloud, CreateRequest, MachineSpec, Observed, Settings, StopMode, error::Kind, registry};
use std::{sync::Arc, time::Duration};

fn lab(bed: &Bed, args: &[&str]) -> String {
    bed.maker.as_ref().unwrap().run(args)
}

fn open(change: &[(&str, &str)], fingerprint: Option<String>) -> Arc<dyn Cloud> {
    let mut fields = vcenter("VIENNA").unwrap();
    fields.extend(change.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    registry::open("vsphere", Settings { fields, fingerprint, ..Settings::default() }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_certificates_and_addresses_are_told_apart() {
    if vcenters().is_none() {
        return;
    }
    let report = open(&[], None).probe().await.unwrap();
    let fingerprint = report.fingerprint.clone();
    assert!(report.ok && report.problems.is_empty() && fingerprint.as_ref().is_some_and(|f| f.len() == 64), "{report:?}");
    assert!(report.version.is_some_and(|v| v.starts_with("VMware vCenter Server")) && report.host_id.is_some());
    assert_eq!(report.identity.as_deref(), std::env::var("CF_VSPHERE_USER").ok().as_deref());
    // Pinned: whoever signed it.
    assert!(open(&[("ca", "")], fingerprint.clone()).probe().await.unwrap().ok);
    let refused = async |change: &[(&str, &str)], pin: Option<String>| open(change, pin).probe().await.unwrap_err();
    let other = refused(&[], Some("00".repeat(32))).await;
    assert!(other.kind == Kind::Identity && other.message.contains("another certificate"), "{other}");
    let unknown = refused(&[("ca", "")], None).await;
    assert!(unknown.kind == Kind::Identity && unknown.seen == fingerprint, "it can be compared and accepted: {unknown:?}");
    let wrong = refused(&[("password", "wrong")], None).await;
    assert!(wrong.kind == Kind::Auth && wrong.message.contains("user or password is wrong"), "{wrong}");
    let nobody = refused(&[("url", "https://127.0.0.1:1")], None).await;
    assert!(nobody.kind == Kind::Transient && nobody.message.contains("nothing listens there"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn adapters_networks_and_pages_are_seen() {
    let Some(bed) = vcenters() else { return };
    let seen = bed.source.inventory().resources().await.unwrap();
    assert!(seen.hbas.iter().any(|h| h.name.contains("FCoE over vmnic0")) && seen.hbas.iter().any(|h| h.vports), "{:?}", seen.hbas);
    assert!(
        seen.networks.iter().any(|n| n.kind == "distributed") && seen.networks.iter().any(|n| n.kind == "standard"),
        "{:?}",
        seen.networks
    );
    assert!(bed.source.capabilities().contains(&Capability::FibreChannel));
    let machine = bed.machine("suite-vs-nic", &["mem=128"]).await;
    assert_eq!((machine.memory_mib, machine.disks.len(), machine.disks[0].size_bytes), (128, 1, 64 << 20));
    let network = machine.nics[0].network.clone().unwrap();
    assert!(seen.networks.iter().any(|n| n.name == network), "{network}");
    lab(&bed, &["forget", "suite-vs-nic"]);
}

/// A change is told (how soon: e2e/bench/vsphere_5000), and a machine that goes is told to be gone.
#[tokio::test(flavor = "multi_thread")]
async fn changes_come_by_themselves() {
    let Some(bed) = vcenters() else { return };
    let machine = bed.machine("suite-vs-watch", &["mem=96"]).await;
    let mut changes = bed.source.inventory().watch().await.unwrap().unwrap();
    bed.source.power().unwrap().start(&machine.native_id).await.unwrap();
    heard(&mut changes, |c| matches!(c, Change::Machine(one) if one.native_id == machine.native_id && one.state == PowerState::Running))
        .await;
    // Silence costs nothing: one question is kept open, and nobody asks anything else.
    let requests = || lab(&bed, &["lab", "vienna", "requests"]).trim().parse::<u32>().unwrap();
    let before = requests();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(requests() <= before + 2, "{} requests", requests() - before);
    bed.source.power().unwrap().stop(&machine.native_id, StopMode::Hard).await.unwrap();
    lab(&bed, &["forget", "suite-vs-watch"]);
    heard(&mut changes, |c| matches!(c, Change::Gone(id) if *id == machine.native_id)).await;
}

async fn heard(changes: &mut tokio::sync::mpsc::Receiver<Change>, so: impl Fn(&Change) -> bool) {
    let wait = async {
        while let Some(change) = changes.recv().await {
            if so(&change) {
                return;
            }
        }
        panic!("the stream ended");
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_ended_is_begun_again() {
    let Some(bed) = vcenters() else { return };
    let machine = bed.machine("suite-vs-session", &["mem=96"]).await;
    let mut changes = bed.source.inventory().watch().await.unwrap().unwrap();
    lab(&bed, &["lab", "vienna", "sign-out"]);
    assert!(!everything(bed.source.inventory()).await.is_empty());
    lab(&bed, &["lab", "vienna", "sign-out"]);
    bed.source.power().unwrap().start(&machine.native_id).await.unwrap();
    // The question that was open is answered in the old session; the next one finds that it is over.
    heard(&mut changes, |c| matches!(c, Change::Relist)).await;
    lab(&bed, &["forget", "suite-vs-session"]);
}

/// The files that hold a machine's disks, which both vCenters have on this machine.
fn files(bed: &Bed, name: &str, site: &str) -> Vec<Vec<u8>> {
    let listed = lab(bed, &["disk", name, &format!("at={site}")]);
    listed.split_whitespace().map(|path| std::fs::read(path).unwrap()).collect()
}

fn same(bed: &Bed, name: &str) {
    let (source, target) = (files(bed, name, "vienna"), files(bed, name, "zurich"));
    assert!(!source.is_empty() && source.len() == target.len(), "{} and {} disks", source.len(), target.len());
    for (number, (a, b)) in source.iter().zip(&target).enumerate() {
        assert!(a.len() == b.len() && a == b, "disk {number} differs: {} and {} bytes", a.len(), b.len());
    }
}

/// A machine with two disks that writes all the time.
async fn busy(bed: &Bed, name: &str) -> String {
    lab(bed, &["forget", name, "at=zurich"]);
    lab(bed, &["machine", name, "disks=2", "dirty=2048", "fill=8"]);
    let id = bed.find(name).await.native_id;
    bed.source.power().unwrap().start(&id).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_goes_to_another_vcenter_with_all_that_it_wrote() {
    let Some(bed) = vcenters() else { return };
    let name = "suite-vs-move";
    let id = busy(&bed, name).await;
    assert_eq!(bed.source.disk_source().unwrap().check(&id).await.unwrap(), []);
    let mut chain = Chain::new(&bed, &id);
    let first = chain.cycle().await;
    let source = chain.open_written().await;
    let delta = chain.finish(source).await.unwrap();
    assert!(first.full && !delta.full && delta.bytes > 0 && delta.bytes < first.bytes, "{} then {}", first.bytes, delta.bytes);
    chain.open_written().await.close(false).await.unwrap();
    bed.off(&id).await;
    let last = chain.cycle().await;
    assert!(!last.full && last.bytes > 0);
    assert_eq!(chain.cycle().await.bytes, 0, "nothing wrote since");

    let (target, sink) = (bed.target.machines().unwrap(), bed.target.disk_sink().unwrap());
    let request = chain.create_request().await;
    let problems = target.check_create(&request.spec, &[], &[], None).await.unwrap();
    assert!(problems.iter().all(|one| !one.blocks()), "{problems:?}");
    assert_eq!(target.find(&request.token).await.unwrap(), None);
    let made = target.create(&request).await.unwrap();
    assert_eq!(target.create(&request).await.unwrap(), made, "a second time with the same token");
    assert_eq!(target.find(&request.token).await.unwrap().as_deref(), Some(made.as_str()));
    same(&bed, name);
    let (old, new) = (bed.find(name).await, bed.target.inventory().one(&made).await.unwrap().unwrap());
    assert_eq!((new.state, &new.name, &new.title), (PowerState::Stopped, &old.name, &old.title));
    let shape = |one: &Observed| {
        let disks: Vec<_> = one.disks.iter().map(|d| (d.key.clone(), d.size_bytes)).collect();
        let nics: Vec<_> = one.nics.iter().map(|n| (n.mac.clone(), n.model.clone(), n.network.clone())).collect();
        (disks, nics, one.vcpus, one.memory_mib)
    };
    assert_eq!(shape(&new), shape(&old));
    let other = CreateRequest { token: "another".into(), ..request.clone() };
    assert_eq!(target.create(&other).await.unwrap_err().kind, Kind::Conflict);
    assert!(target.check_create(&request.spec, &[], &[], None).await.unwrap().iter().any(|one| one.blocks()));
    let replaced = target.check_create(&request.spec, &[], &[], Some(&made)).await.unwrap();
    assert!(replaced.iter().all(|one| !one.blocks()), "one that gives way is not in the way: {replaced:?}");

    let power = bed.target.power().unwrap();
    power.start(&made).await.unwrap();
    assert_eq!(target.delete(&made, true).await.unwrap_err().kind, Kind::Conflict, "not while it runs");
    power.stop(&made, StopMode::Hard).await.unwrap();
    power.lock(&made, "superseded").await.unwrap();
    for _ in 0..2 {
        assert_eq!(target.set_aside(&made, "aside").await.unwrap(), made);
    }
    let aside = bed.target.inventory().one(&made).await.unwrap().unwrap();
    assert!(aside.name.starts_with("suite-vs-move~") && aside.locked.as_deref() == Some("superseded"), "{aside:?}");
    let again = CreateRequest { token: "again".into(), ..request.clone() };
    let second = target.create(&again).await.unwrap();
    for id in [&made, &second, &made] {
        target.delete(id, true).await.unwrap();
    }
    assert!(everything(bed.target.inventory()).await.iter().all(|one| one.native_id != made && one.native_id != second));
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert!(!sink.exists(&request.point).await.unwrap());
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    lab(&bed, &["forget", name]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_leaves_in_the_middle_is_removed_by_the_next_point() {
    let Some(bed) = vcenters() else { return };
    let id = busy(&bed, "suite-vs-torn").await;
    let mut chain = Chain::new(&bed, &id);
    let first = chain.cycle().await;
    for _ in 0..2 {
        let mut source = chain.open_written().await;
        let mut request = chain.begin_request(&mut *source).await;
        request.parent = None;
        let mut sink = bed.target.disk_sink().unwrap().begin(request).await.unwrap();
        // In the middle of an upload.
        let extents = source.extents(0).await.unwrap();
        let data = source.read(0, extents[0].offset, extents[0].length.min(64 << 10) as u32).await.unwrap();
        sink.write(0, extents[0].offset, data).await.unwrap();
        drop((source, sink));
    }
    let next = chain.cycle().await;
    assert!(!next.full, "the point before still counts");
    let sink = bed.target.disk_sink().unwrap();
    assert!(sink.exists(&first.point).await.unwrap() && sink.exists(&next.point).await.unwrap());
    assert_eq!(sink.delete(&first.point).await.unwrap_err().kind, Kind::Conflict, "the next is based on it");
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    assert!(chain.cycle().await.full, "its record is gone");
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert!(!sink.exists(&first.point).await.unwrap());
    lab(&bed, &["forget", "suite-vs-torn"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_shortened_and_shows_the_same() {
    let Some(bed) = vcenters() else { return };
    let name = "suite-vs-short";
    let id = busy(&bed, name).await;
    let mut chain = Chain::new(&bed, &id);
    let mut points = vec![];
    for round in 0..4 {
        if round == 3 {
            bed.off(&id).await;
        }
        points.insert(0, chain.cycle().await.point);
        if round < 3 {
            chain.open_written().await.close(false).await.unwrap();
        }
    }
    let sink = bed.target.disk_sink().unwrap();
    let short = sink.shorten(&points).await.unwrap();
    assert_eq!(sink.shorten(&points).await.unwrap(), short, "again, as after a crash before the row was written");
    for one in points.iter().take(short.on.unwrap_or(points.len())) {
        sink.delete(one).await.unwrap();
    }
    assert!(sink.exists(&short.point).await.unwrap());
    if let Some(on) = short.on {
        assert_eq!(sink.delete(&points[on]).await.unwrap_err().kind, Kind::Conflict, "it rests on this one");
    }
    let reference = chain.last.take().unwrap().0;
    chain.last = Some((reference, short.point.clone()));
    let request = chain.create_request().await;
    let made = bed.target.machines().unwrap().create(&request).await.unwrap();
    same(&bed, name);
    bed.target.machines().unwrap().delete(&made, true).await.unwrap();
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    lab(&bed, &["forget", name]);
}

/// As with kill -9: nothing is aborted, and the lease is not kept alive any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_making_was_killed_is_made_by_the_next_attempt() {
    let Some(bed) = vcenters() else { return };
    let name = "suite-vs-killed";
    lab(&bed, &["forget", name, "at=zurich"]);
    lab(&bed, &["machine", name, "disks=2", "fill=48"]);
    let mut chain = Chain::new(&bed, &bed.find(name).await.native_id);
    chain.cycle().await;
    let request = chain.create_request().await;
    let life = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (own, other) = (request.clone(), vcenters().unwrap().target.clone());
    life.spawn(async move { other.machines().unwrap().create(&own).await });
    let maker = bed.maker.as_ref().unwrap();
    until("it is being made", Duration::from_secs(20), || async { maker.try_run(&["disk", name, "at=zurich"]) }).await;
    life.shutdown_background();
    let machines = bed.target.machines().unwrap();
    assert_eq!(machines.find(&request.token).await.unwrap(), None);
    assert!(everything(bed.target.inventory()).await.iter().all(|one| one.name != name), "it is no machine yet");
    let made = machines.create(&request).await.unwrap();
    same(&bed, name);
    machines.delete(&made, true).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    lab(&bed, &["forget", name]);
}

/// What is mapped must be there, and a host must be large enough.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_said_before() {
    let Some(bed) = vcenters() else { return };
    let id = busy(&bed, "suite-vs-way").await;
    let spec = bed.source.machines().unwrap().describe(&id).await.unwrap();
    let target = bed.target.machines().unwrap();
    let blockers = async |spec: &MachineSpec, networks: &[Mapping], storage: &[Mapping]| {
        let all = target.check_create(spec, networks, storage, None).await.unwrap();
        all.into_iter().filter(|one| one.blocks()).map(|one| one.what).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(blockers(&spec, &[], &[]).await, "");
    let network = spec.nics[0].network.clone().unwrap();
    assert!(blockers(&spec, &[Mapping { from: network, to: "nowhere".into() }], &[]).await.contains("no network 'nowhere'"));
    let pool = spec.disks[0].pool.clone().unwrap();
    assert!(blockers(&spec, &[], &[Mapping { from: pool, to: "nowhere".into() }]).await.contains("no datastore 'nowhere'"));
    let large = MachineSpec { memory_mib: 1 << 20, ..spec.clone() };
    assert!(blockers(&large, &[], &[]).await.contains("the largest host has"));
    lab(&bed, &["forget", "suite-vs-way"]);
}

/// A place that is mapped onto its own name was chosen by nobody: it lies where the settings say, point and machine alike.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_chose_a_place_for_lies_on_the_datastore_of_the_settings() {
    let Some(bed) = vcenters() else { return };
    let (name, copy) = ("suite-vs-place", "suite-vs-placed");
    let id = busy(&bed, name).await;
    lab(&bed, &["forget", copy]);
    let bed = bed.between(None, Some(open(&[("datastore", "LocalDS_1")], None)));
    let own = vec![Mapping { from: "images".into(), to: "images".into() }];
    let mut chain = Chain { storage: own.clone(), ..Chain::new(&bed, &id) };
    chain.cycle().await;
    let mut request = CreateRequest { storage: own, ..chain.create_request().await };
    request.spec.name = copy.into();
    for disk in &mut request.spec.disks {
        disk.pool = Some("images".into());
    }
    let machines = bed.target.machines().unwrap();
    let made = machines.create(&request).await.unwrap();
    let seen = bed.target.inventory().one(&made).await.unwrap().unwrap();
    assert!(seen.disks.iter().all(|disk| disk.pool.as_deref() == Some("LocalDS_1")), "{:?}", seen.disks);
    machines.delete(&made, true).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    lab(&bed, &["forget", name]);
}

/// Disks that rest on a snapshot of somebody are no files of their own: the host sends them under an export lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_with_snapshots_is_read_by_an_export_lease() {
    let Some(bed) = vcenters() else { return };
    let name = "suite-vs-export";
    let id = busy(&bed, name).await;
    lab(&bed, &["snapshot", name]);
    let found = bed.source.disk_source().unwrap().check(&id).await.unwrap();
    assert!(found.len() == 1 && !found[0].blocks() && found[0].what.contains("1 snapshots"), "{found:?}");
    let mut chain = Chain::new(&bed, &id);
    let first = chain.cycle().await;
    chain.open_written().await.close(false).await.unwrap();
    bed.off(&id).await;
    let last = chain.cycle().await;
    assert!(first.full && !last.full && last.bytes > 0 && last.bytes < first.bytes, "{} then {}", first.bytes, last.bytes);
    let made = bed.target.machines().unwrap().create(&chain.create_request().await).await.unwrap();
    same(&bed, name);
    bed.target.machines().unwrap().delete(&made, true).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    lab(&bed, &["forget", name]);
}
