//! Any to any: a machine with a known disk goes from each connected kind of cloud to each other one, by the contract
//! alone, and its disk is read back there and compared byte by byte. The figures that it prints are of `move_matrix`.

use super::{
    copy::{Chain, pieces},
    harness::{Bed, beds, everything, simulator},
};
use bytes::Bytes;
use model::{
    Mapping,
    machine::{Disk, Firmware, Nic},
};
use server::clouds::{BeginPoint, Cloud, CreateRequest, Extent, MachineSpec, OpenPoint, SinkDisk, StopMode};
use std::time::Instant;

const MIB: u64 = 1 << 20;

/// Which parts of a disk of how many bytes hold data.
struct Pattern {
    size: u64,
    used: Vec<Extent>,
}

/// A tenth of a small disk, in pieces that lie on no common boundary.
fn small() -> Pattern {
    let used = [(0, 3 * MIB + 4096), (17 * MIB, 2 * MIB), (40 * MIB + 12_288, MIB)];
    Pattern { size: 64 * MIB, used: used.map(|(offset, length)| Extent { offset, length, zero: false }).into() }
}

/// 200 MiB of 1 GiB, in a hundred places.
fn large() -> Pattern {
    let extent = |i: u64| Extent { offset: i * 10 * MIB, length: 2 * MIB, zero: false };
    Pattern { size: 1 << 30, used: (0..100).map(extent).collect() }
}

impl Pattern {
    fn bytes(&self) -> u64 {
        self.used.iter().map(|e| e.length).sum()
    }
    fn is_used(&self, offset: u64) -> bool {
        self.used.iter().any(|e| (e.offset..e.offset + e.length).contains(&offset))
    }
}

/// Every 4 KiB differ from all others, and do not compress.
fn block(offset: u64) -> Vec<u8> {
    let mut state = offset.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..512).flat_map(|_| next()).collect()
}

fn data(offset: u64, length: u32) -> Bytes {
    (0..u64::from(length) / 4096).flat_map(|i| block(offset + i * 4096)).collect::<Vec<u8>>().into()
}

fn spec(name: &str, size: u64) -> MachineSpec {
    let disk = Disk {
        key: "vda".into(),
        bus: "virtio".into(),
        size_bytes: size,
        allocated_bytes: None,
        format: None,
        source: None,
        pool: Some("images".into()),
        device: "disk".into(),
        read_only: false,
    };
    let mac = format!("52:54:00:{:02x}:{:02x}:{:02x}", rand::random::<u8>(), rand::random::<u8>(), rand::random::<u8>());
    MachineSpec {
        name: name.into(),
        uuid: Some(uuid::Uuid::new_v4().to_string()),
        vcpus: 1,
        memory_mib: 64,
        firmware: Firmware::Bios,
        arch: Some("x86_64".into()),
        guest_os: None,
        disks: vec![disk],
        nics: vec![Nic { mac, model: Some("virtio".into()), network: Some("here".into()), addresses: vec![], address_source: None }],
        tags: vec![],
        title: None,
        native_kind: "none".into(),
        native: String::new(),
        origins: vec![],
    }
}

async fn networks(cloud: &dyn Cloud, from: &str) -> Vec<Mapping> {
    let all = cloud.inventory().resources().await.unwrap().networks;
    let to = all.iter().find(|n| n.active).map(|n| n.name.clone()).unwrap();
    vec![Mapping { from: from.into(), to }]
}

/// What an earlier run that failed has left.
async fn forget(cloud: &dyn Cloud, name: &str) {
    for one in everything(cloud.inventory()).await.into_iter().filter(|one| one.name == name) {
        remove(cloud, &one.native_id).await;
    }
}

async fn remove(cloud: &dyn Cloud, id: &str) {
    let power = cloud.power().unwrap();
    power.unlock(id).await.unwrap();
    power.stop(id, StopMode::Hard).await.unwrap();
    cloud.machines().unwrap().delete(id, true).await.unwrap();
}

/// Makes it, and starts it once: some clouds put a disk in place only then.
async fn make(cloud: &dyn Cloud, request: &CreateRequest) -> String {
    let machines = cloud.machines().unwrap();
    let problems = machines.check_create(&request.spec, &request.networks, &[], None).await.unwrap();
    assert!(problems.iter().all(|p| !p.blocks()), "{}: {problems:?}", cloud.kind());
    let id = machines.create(request).await.unwrap();
    cloud.power().unwrap().start(&id).await.unwrap();
    cloud.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    id
}

/// A machine that was born at a cloud: from a point that nobody had sent before.
async fn born(bed: &Bed, name: &str, pattern: &Pattern) -> String {
    let (cloud, lineage) = (&bed.source, format!("b{:08x}", rand::random::<u32>()));
    let spec = spec(name, pattern.size);
    let shape = server::clouds::DiskShape { key: "vda".into(), size_bytes: pattern.size };
    let disks = vec![SinkDisk { shape, pool: Some("images".into()), extents: pattern.used.clone() }];
    let begin = BeginPoint { token: format!("{lineage}-1"), lineage: lineage.clone(), parent: None, disks, storage: vec![] };
    let mut point = cloud.disk_sink().unwrap().begin(begin).await.unwrap();
    for (offset, length) in pieces(&pattern.used) {
        point.write(0, offset, data(offset, length)).await.unwrap();
    }
    let point = point.commit().await.unwrap();
    let networks = networks(&**cloud, "here").await;
    make(&**cloud, &CreateRequest { token: format!("{lineage}-create"), lineage, spec, point, networks, storage: vec![], guest: None })
        .await
}

/// Reads the whole disk of a machine and holds it against the pattern.
async fn has(cloud: &dyn Cloud, id: &str, pattern: &Pattern) {
    let token = format!("r{:08x}", rand::random::<u32>());
    let source = cloud.disk_source().unwrap();
    let mut point = source.open(id, OpenPoint { token, since: None, others: vec![] }).await.unwrap();
    assert!(point.disks()[0].size_bytes >= pattern.size, "{} bytes", point.disks()[0].size_bytes);
    let extents = point.extents(0).await.unwrap();
    let seen = |offset: u64| extents.iter().any(|e| !e.zero && (e.offset..e.offset + e.length).contains(&offset));
    for e in &pattern.used {
        assert!(seen(e.offset) && seen(e.offset + e.length - 4096), "what was written at {} is not there", e.offset);
    }
    for (offset, length) in pieces(&extents) {
        let read = point.read(0, offset, length).await.unwrap();
        for (i, page) in read.chunks(4096).enumerate() {
            let at = offset + i as u64 * 4096;
            let good = if pattern.is_used(at) { page == block(at) } else { page.iter().all(|b| *b == 0) };
            assert!(good, "{}: the 4 KiB at {at} differ", cloud.kind());
        }
    }
    point.close(false).await.unwrap();
    source.tidy(id, &[]).await.unwrap();
}

async fn goes(bed: &Bed, pattern: &Pattern) {
    let (from, to) = (&*bed.source, &*bed.target);
    let name = format!("matrix-{}-{}", from.kind(), to.kind());
    forget(from, &name).await;
    forget(to, &name).await;
    let id = born(bed, &name, pattern).await;
    let begun = Instant::now();
    let mut chain = Chain::new(bed, &id);
    let done = chain.cycle().await;
    let mut spec = from.machines().unwrap().describe(&id).await.unwrap();
    spec.disks[0].pool = Some("images".into());
    // Where one host stands for both ends, nothing may be there twice.
    (spec.uuid, spec.name) = (Some(uuid::Uuid::new_v4().to_string()), name.clone());
    let network = spec.nics[0].network.clone().unwrap();
    // A description from the same kind: what it was before came with it.
    let was = spec.native_of(from.kind()).map(str::to_owned);
    let request = CreateRequest {
        token: format!("{}-create", chain.lineage),
        lineage: chain.lineage.clone(),
        spec,
        point: done.point,
        networks: networks(to, &network).await,
        storage: vec![],
        guest: None,
    };
    let made = make(to, &request).await;
    let took = begun.elapsed();
    has(to, &made, pattern).await;
    let seen = to.machines().unwrap().describe(&made).await.unwrap();
    assert!(was.is_some() && seen.native_of(from.kind()) == was.as_deref(), "{} knows what it was at {}", to.kind(), from.kind());
    assert!(seen.native_of(to.kind()).is_some(), "{} has no definition of its own", to.kind());
    let ratio = done.bytes as f64 / pattern.bytes() as f64;
    println!(
        "{{\"name\":\"move_matrix\",\"pair\":\"{} to {}\",\"ours\":{},\"reference\":{},\"ratio\":{ratio:.3},\"seconds\":{:.1}}}",
        from.kind(),
        to.kind(),
        done.bytes,
        pattern.bytes(),
        took.as_secs_f64()
    );
    from.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    remove(to, &made).await;
    remove(from, &id).await;
    to.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
}

async fn all_pairs(pattern: &Pattern) {
    let all: Vec<Bed> = beds().into_iter().filter(|bed| bed.kind != "simulator").collect();
    for from in &all {
        for to in all.iter().filter(|to| to.kind != from.kind) {
            let bed = simulator().between(Some(from.source.clone()), Some(to.target.clone()));
            goes(&bed, pattern).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_machine_goes_to_any_other_kind_of_cloud() {
    all_pairs(&small()).await;
}

/// Prints figures; asserts only what must hold at any speed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a benchmark: e2e/bench/move_matrix/run"]
async fn move_matrix() {
    all_pairs(&large()).await;
}
