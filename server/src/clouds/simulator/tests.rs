use super::{
    super::{BeginPoint, Change, Cloud, CreateRequest, OpenPoint, Settings, SinkDisk, SinkRef, StopMode, error::Kind},
    Fault, World, open, world,
};
use model::machine::PowerState;
use std::{sync::Arc, time::Duration};

fn cloud(name: &str, more: &[(&str, &str)]) -> (Arc<dyn Cloud>, Arc<World>) {
    let base = [("world", name), ("machines", "20"), ("site", name)];
    let fields = base.iter().chain(more).map(|(k, v)| ((*k).into(), (*v).into()));
    let settings = Settings { fields: fields.collect(), ..Settings::default() };
    (open(settings).unwrap(), world(name).unwrap())
}

async fn first_running(cloud: &dyn Cloud) -> String {
    let page = cloud.inventory().list(None).await.unwrap();
    page.machines.into_iter().find(|m| m.state == PowerState::Running).unwrap().native_id
}

async fn shapes(cloud: &dyn Cloud) -> Vec<(String, PowerState, u32, u64, Vec<String>)> {
    let machines = cloud.inventory().list(None).await.unwrap().machines;
    let mut shapes: Vec<_> = machines.into_iter().map(|m| (m.name, m.state, m.vcpus, m.memory_mib, m.tags)).collect();
    shapes.sort_by(|a, b| a.0.cmp(&b.0));
    shapes
}

/// One cycle by the contract alone: what the replication engine does.
async fn cycle(from: &dyn Cloud, to: &dyn Cloud, id: &str, token: &str, last: Option<(&str, &SinkRef)>) -> (SinkRef, bool, u64) {
    let since = last.map(|(point, _)| super::super::PointRef(point.into()));
    let mut point = from.disk_source().unwrap().open(id, OpenPoint { token: token.into(), since, others: vec![] }).await.unwrap();
    let parent = last.filter(|_| point.incremental()).map(|(_, sink)| sink.clone());
    let shapes = point.disks().to_vec();
    let mut disks = vec![];
    for (i, shape) in shapes.into_iter().enumerate() {
        disks.push(SinkDisk { shape, pool: None, extents: point.extents(i).await.unwrap() });
    }
    let begin = BeginPoint { token: token.into(), lineage: "L".into(), parent, disks: disks.clone(), storage: vec![] };
    let mut upload = to.disk_sink().unwrap().begin(begin).await.unwrap();
    let mut bytes = 0;
    for (i, disk) in disks.iter().enumerate() {
        for e in disk.extents.iter().filter(|e| !e.zero) {
            let data = point.read(i, e.offset, u32::try_from(e.length).unwrap()).await.unwrap();
            bytes += data.len() as u64;
            upload.write(i, e.offset, data).await.unwrap();
        }
    }
    let (incremental, sink) = (point.incremental(), upload.commit().await.unwrap());
    point.close(true).await.unwrap();
    (sink, incremental, bytes)
}

async fn create(to: &dyn Cloud, spec: super::super::MachineSpec, point: &SinkRef) -> String {
    let request = CreateRequest {
        token: "run/create".into(),
        lineage: "L".into(),
        spec,
        point: point.clone(),
        networks: vec![],
        storage: vec![],
        guest: None,
    };
    let made = to.machines().unwrap().create(&request).await.unwrap();
    assert_eq!(made, to.machines().unwrap().create(&request).await.unwrap(), "the same token makes one machine");
    made
}

#[tokio::test]
async fn the_world_outlives_the_driver_and_is_the_same_for_a_seed() {
    let (first, _) = cloud("t-outlive", &[]);
    let id = first_running(&*first).await;
    first.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    let (again, _) = cloud("t-outlive", &[]);
    assert_eq!(again.power().unwrap().state(&id).await.unwrap(), PowerState::Stopped);
    let (a, b) = (cloud("t-seed-1", &[("site", "t-seed")]).0, cloud("t-seed-2", &[("site", "t-seed")]).0);
    let (a, b) = (shapes(&*a).await, shapes(&*b).await);
    assert!(a == b, "the same but for their identities");
}

#[tokio::test]
async fn pages_hold_every_machine_once() {
    let (cloud, _) = cloud("t-pages", &[("machines", "1203")]);
    let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), None);
    loop {
        let page = cloud.inventory().list(cursor).await.unwrap();
        assert!(page.machines.into_iter().all(|m| seen.insert(m.native_id)));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 1203);
}

#[tokio::test]
async fn a_copy_goes_on_from_its_recovery_point() {
    let (a, wa) = cloud("t-copy-a", &[]);
    let (b, wb) = cloud("t-copy-b", &[("seed", "2")]);
    let id = first_running(&*a).await;
    let (sink1, incremental, full_bytes) = cycle(&*a, &*b, &id, "p1", None).await;
    assert!(!incremental);
    wa.guest_write(&id, 0, 1 << 20, b"after the first point").unwrap();
    let (sink2, incremental, bytes) = cycle(&*a, &*b, &id, "p2", Some(("p1", &sink1))).await;
    assert!(incremental && bytes < full_bytes, "{bytes} of {full_bytes}");
    a.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    let (sink3, _, _) = cycle(&*a, &*b, &id, "p3", Some(("p2", &sink2))).await;
    let made = create(&*b, a.machines().unwrap().describe(&id).await.unwrap(), &sink3).await;
    assert_eq!(wa.disk(&id, 0).unwrap(), wb.disk(&made, 0).unwrap());
    let before = wa.counter(&id).unwrap();
    b.power().unwrap().start(&made).await.unwrap();
    let counts = async {
        while wb.counter(&made).unwrap() <= before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), counts).await.expect("it counts on from where it was");
    let refused = b.disk_sink().unwrap().delete(&sink3).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Conflict, "a running machine is based on it");
}

#[tokio::test]
async fn a_power_cut_loses_the_changed_block_records() {
    let (a, world) = cloud("t-cut", &[]);
    let (b, _) = cloud("t-cut-b", &[]);
    let id = first_running(&*a).await;
    let (sink, _, _) = cycle(&*a, &*b, &id, "p1", None).await;
    let mut changes = a.inventory().watch().await.unwrap().unwrap();
    world.crash();
    assert!(matches!(changes.recv().await, Some(Change::Lost(_))));
    assert_eq!(a.power().unwrap().state(&id).await.unwrap_err().kind, Kind::Transient);
    world.restore();
    let (_, incremental, _) = cycle(&*a, &*b, &id, "p2", Some(("p1", &sink))).await;
    assert!(!incremental);
}

#[tokio::test]
async fn scripted_faults_strike_the_call_that_they_name() {
    let (cloud, world) = cloud("t-faults", &[]);
    let (id, power) = (first_running(&*cloud).await, cloud.power().unwrap());
    world.fail("stop", 1, 1, Fault::Lie);
    power.stop(&id, StopMode::Hard).await.unwrap();
    assert_eq!(power.state(&id).await.unwrap(), PowerState::Running, "it lied");
    world.fail("stop", 1, 1, Fault::Unanswered);
    assert_eq!(power.stop(&id, StopMode::Hard).await.unwrap_err().kind, Kind::Unknown);
    assert_eq!(power.state(&id).await.unwrap(), PowerState::Stopped, "it was done all the same");
    world.fail("start", 2, 1, Fault::Error(Kind::Permanent, "no".into()));
    power.start(&id).await.unwrap();
    assert_eq!(power.start(&id).await.unwrap_err().message, "no");
}

#[tokio::test]
async fn a_locked_machine_starts_for_nobody() {
    let (cloud, world) = cloud("t-lock", &[]);
    let (id, power) = (first_running(&*cloud).await, cloud.power().unwrap());
    assert_eq!(power.lock(&id, "moved").await.unwrap_err().kind, Kind::Conflict, "it runs");
    power.stop(&id, StopMode::Hard).await.unwrap();
    power.lock(&id, "moved").await.unwrap();
    assert_eq!(power.start(&id).await.unwrap_err().kind, Kind::Conflict);
    assert!(world.by_hand(&id, PowerState::Running).is_err());
}

#[test]
fn a_field_that_is_wrong_says_what_would_be_right() {
    let fields = [("machines".to_owned(), "many".to_owned())].into();
    let Err(error) = open(Settings { fields, ..Settings::default() }) else { panic!("opened") };
    assert_eq!(error.message, "machines: 'many' is not a number from 0 to 100000.");
}
