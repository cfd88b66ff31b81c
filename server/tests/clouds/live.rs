//! Moving a running machine with its memory and disks: it never stops, and is at one place at any time.

use super::{
    copy::Chain,
    harness::{Bed, libvirt, pairs, until},
};
use model::machine::PowerState;
use server::clouds::{Cloud, MigrateRequest, StopMode};
use std::{process::Command, time::Duration};
use tokio::sync::mpsc;

async fn started(bed: &Bed, name: &str, options: &[&str]) -> String {
    if let Some(lab) = &bed.lab {
        lab.forget(name);
    }
    let id = bed.machine(name, &[&["mem=96"], options].concat()).await.native_id;
    bed.source.power().unwrap().start(&id).await.unwrap();
    if let Some(lab) = &bed.lab {
        lab.run(&["wait", name]);
    }
    id
}

fn status(bed: &Bed, name: &str) -> Option<(String, u64)> {
    let text = bed.lab.as_ref()?.run(&["counter", name]);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    Some((value["boot_id"].as_str().unwrap().to_owned(), value["counter"].as_u64().unwrap()))
}

/// Same boot, and the guest has counted on.
fn assert_lives_on(bed: &Bed, name: &str, before: &Option<(String, u64)>) {
    let (Some(before), Some(after)) = (before, status(bed, name)) else { return };
    assert_eq!(after.0, before.0, "it booted anew");
    assert!(after.1 >= before.1, "the counter went back: {} after {}", after.1, before.1);
}

async fn request(to: &dyn Cloud, id: &str, token: &str) -> MigrateRequest {
    let endpoint = to.live_migration().unwrap().endpoint().await.unwrap();
    let (networks, storage) = (vec![], vec![]);
    MigrateRequest {
        token: token.into(),
        lineage: format!("l{:08x}", rand::random::<u32>()),
        native_id: id.into(),
        endpoint,
        networks,
        storage,
    }
}

async fn state(cloud: &dyn Cloud, id: &str) -> Option<PowerState> {
    cloud.inventory().one(id).await.unwrap().map(|one| one.state)
}

async fn assert_runs_at(here: &dyn Cloud, not: &dyn Cloud, id: &str) {
    assert_eq!(state(here, id).await, Some(PowerState::Running), "it does not run where it should");
    assert!(state(not, id).await.is_none_or(PowerState::is_off), "it runs at the other side too");
}

async fn clean(bed: &Bed, id: &str) {
    for cloud in [&bed.source, &bed.target] {
        if state(&**cloud, id).await.is_some() {
            cloud.power().unwrap().stop(id, StopMode::Hard).await.unwrap();
            cloud.power().unwrap().unlock(id).await.unwrap();
            cloud.machines().unwrap().delete(id, true).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_machine_goes_there_and_back_without_stopping() {
    for bed in pairs() {
        let name = "suite-live";
        let id = started(&bed, name, &["disks=2", "fill=64"]).await;
        if bed.lab.is_some() {
            // It was replicated before: its record of changes must not be in the way.
            Chain::new(&bed, &id).cycle().await;
        }
        let before = status(&bed, name);
        let there = request(&*bed.target, &id, "t1").await;
        let from = bed.source.live_migration().unwrap();
        let problems = from.check(&there).await.unwrap();
        assert!(problems.iter().all(|one| !one.blocks()), "{problems:?}");
        let (tell, mut told) = mpsc::channel(100);
        from.migrate(&there, tell).await.unwrap();
        assert_runs_at(&*bed.target, &*bed.source, &id).await;
        assert_lives_on(&bed, name, &before);
        let seen = told.recv().await.expect("progress was told");
        assert!(seen.1 > 0 || bed.lab.is_some(), "{seen:?}");
        let old = bed.source.inventory().one(&id).await.unwrap().expect("its definition stays at the source");
        assert!(old.state.is_off());
        let new = bed.target.inventory().one(&id).await.unwrap().unwrap();
        assert_eq!(new.name, old.name);
        bed.source.power().unwrap().lock(&id, "moved").await.unwrap();
        // The way back, once the old copy has gone.
        bed.source.power().unwrap().unlock(&id).await.unwrap();
        bed.source.machines().unwrap().delete(&id, true).await.unwrap();
        let back = request(&*bed.source, &id, "t2").await;
        bed.target.live_migration().unwrap().migrate(&back, mpsc::channel(1).0).await.unwrap();
        assert_runs_at(&*bed.source, &*bed.target, &id).await;
        assert_lives_on(&bed, name, &before);
        if let Some(lab) = &bed.lab {
            // What it runs on now is whole, and it is protected as before.
            let mut chain = Chain::new(&bed, &id);
            assert!(chain.cycle().await.full);
            assert!(!chain.cycle().await.full);
            bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
            bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
            lab.run(&["wait", name]);
        }
        clean(&bed, &id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_is_given_up_leaves_it_where_it_was() {
    let Some(bed) = libvirt() else { return };
    let lab = bed.lab.as_ref().unwrap();
    let name = "suite-live-cancel";
    let id = started(&bed, name, &["fill=64"]).await;
    lab.run(&["virsh", "berlin", "migrate-setspeed", name, "2"]);
    let before = status(&bed, name);
    let there = request(&*bed.target, &id, "t1").await;
    let from = bed.source.live_migration().unwrap();
    let (tell, mut told) = mpsc::channel(100);
    {
        let work = from.migrate(&there, tell);
        tokio::pin!(work);
        let mut looks = 0;
        loop {
            tokio::select! {
                ended = &mut work => panic!("it was too quick to be given up: {ended:?}"),
                Some((_, total)) = told.recv() => { looks += u32::from(total > 0); if looks > 2 { break } }
            }
        }
        // Dropped here: the node wants no more of it.
    }
    from.cancel(&id).await.unwrap();
    from.cancel(&id).await.unwrap();
    assert_runs_at(&*bed.source, &*bed.target, &id).await;
    assert_lives_on(&bed, name, &before);
    bed.target.live_migration().unwrap().forget(&there.token, &there.lineage).await.unwrap();
    assert!(state(&*bed.target, &id).await.is_none());
    let left = lab.run(&["in", "dublin", "sh", "-c", "ls /var/lib/libvirt/images"]);
    assert!(!left.contains(&there.lineage), "{left}");
    clean(&bed, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_goes_on_without_its_node_and_is_waited_for() {
    let Some(bed) = libvirt() else { return };
    let lab = bed.lab.as_ref().unwrap();
    let name = "suite-live-killed";
    let id = started(&bed, name, &["fill=64"]).await;
    let before = status(&bed, name);
    let there = request(&*bed.target, &id, "t1").await;
    let endpoint: serde_json::Value = there.endpoint.clone();
    let (uri, data) = (endpoint["uri"].as_str().unwrap(), endpoint["data"].as_str().unwrap());
    // What this driver says to libvirt, said by another program, which dies over it.
    let args =
        ["migrate", "--live", "--p2p", "--tls", "--persistent", "--copy-storage-all", "--bandwidth", "64", name, uri, "--migrateuri", data];
    let source = std::env::var("CF_BERLIN_URI").unwrap();
    let mut child = Command::new("virsh").args(["-c", &source]).args(args).spawn().unwrap();
    until("it is under way", Duration::from_secs(20), || async {
        lab.run(&["virsh", "berlin", "domjobinfo", name]).contains("Outgoing migration")
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    bed.source.live_migration().unwrap().migrate(&there, mpsc::channel(100).0).await.unwrap();
    assert_runs_at(&*bed.target, &*bed.source, &id).await;
    assert_lives_on(&bed, name, &before);
    clean(&bed, &id).await;
}
