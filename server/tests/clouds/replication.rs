//! Points at the source, points at the target, and that the one is the other.

use super::{
    copy::{Chain, same},
    harness::{Bed, beds, libvirt, pairs, until},
};
use model::machine::PowerState;
use server::clouds::{OpenPoint, SinkRef, StopMode, error::Kind};
use std::time::Duration;

/// A machine that runs and writes, in the lab.
pub async fn busy(bed: &Bed, name: &str, options: &[&str]) -> String {
    let id = bed.machine(name, &[&["mem=96", "dirty=2048"], options].concat()).await.native_id;
    bed.source.power().unwrap().start(&id).await.unwrap();
    if let Some(lab) = &bed.lab {
        lab.run(&["wait", name]);
    }
    id
}

pub fn hold(bed: &Bed, name: &str, on: bool) {
    if let Some(lab) = &bed.lab {
        lab.run(&["virsh", "berlin", if on { "suspend" } else { "resume" }, name]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_point_then_deltas_show_the_source_as_it_was() {
    for bed in pairs() {
        let name = "suite-repl";
        let id = busy(&bed, name, &["disks=2"]).await;
        let mut chain = Chain::new(&bed, &id);
        let first = chain.cycle().await;
        assert!(first.full);
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            let before = server::state::now();
            let delta = chain.cycle().await;
            assert!(!delta.full && delta.bytes < first.bytes + (64 << 20), "{} bytes", delta.bytes);
            assert!(server::state::now() >= before);
        }
        if bed.lab.is_some() {
            hold(&bed, name, true);
            let last = chain.cycle().await;
            assert!(!last.full && last.bytes > 0);
            same(&format!("{name}.qcow2"), &last.point);
            hold(&bed, name, false);
        }
        bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
        bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_machine_gives_the_last_delta_and_then_nothing() {
    let Some(bed) = libvirt() else { return };
    let name = "suite-still";
    let id = busy(&bed, name, &[]).await;
    let power = bed.source.power().unwrap();
    let mut chain = Chain::new(&bed, &id);
    let first = chain.cycle().await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let off = || async {
        power.stop(&id, StopMode::Graceful).await.unwrap();
        power.state(&id).await.unwrap() == PowerState::Stopped
    };
    until("off", Duration::from_secs(60), off).await;
    let last = chain.cycle().await;
    assert!(!last.full && last.bytes > 0 && last.bytes < first.bytes + (64 << 20));
    same(&format!("{name}.qcow2"), &last.point);
    assert!(power.state(&id).await.unwrap().is_off(), "a source is never started");
    let all = super::harness::everything(bed.source.inventory()).await;
    assert!(all.iter().all(|one| !one.name.starts_with("crossfade-")), "the reader is no machine");
    // Nothing wrote since: nothing to read, and no reader is started.
    let mut source = chain.open().await;
    assert!(source.incremental() && source.extents(0).await.unwrap().is_empty());
    source.close(true).await.unwrap();
    // It runs again: tracking goes on where it was.
    power.start(&id).await.unwrap();
    bed.lab.as_ref().unwrap().run(&["wait", name]);
    let again = chain.cycle().await;
    assert!(!again.full);
    hold(&bed, name, true);
    let held = chain.cycle().await;
    same(&format!("{name}.qcow2"), &held.point);
    power.stop(&id, StopMode::Hard).await.unwrap();
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn bitmaps_that_a_crash_took_are_noticed() {
    let Some(bed) = libvirt() else { return };
    let name = "suite-crash";
    let id = busy(&bed, name, &[]).await;
    let power = bed.source.power().unwrap();
    let mut chain = Chain::new(&bed, &id);
    chain.cycle().await;
    let lab = bed.lab.as_ref().unwrap();
    lab.run(&["in", "berlin", "pkill", "-9", "-f", &format!("guest={name},")]);
    until("crashed", Duration::from_secs(10), || async { power.state(&id).await.unwrap().is_off() }).await;
    assert_eq!(power.state(&id).await.unwrap(), PowerState::Crashed);
    // Stopped: the reader finds the bitmap broken.
    let full = chain.cycle().await;
    assert!(full.full);
    same(&format!("{name}.qcow2"), &full.point);
    // Running: so does the machine; afterwards deltas go on.
    power.start(&id).await.unwrap();
    lab.run(&["wait", name]);
    chain.cycle().await;
    assert!(!chain.cycle().await.full);
    power.stop(&id, StopMode::Hard).await.unwrap();
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_cycle_is_cleaned_up_by_the_next() {
    for bed in pairs() {
        let name = "suite-torn";
        let id = busy(&bed, name, &[]).await;
        let mut chain = Chain::new(&bed, &id);
        let first = chain.cycle().await;
        for _ in 0..2 {
            // Killed at the source and in the middle of the upload: nothing is closed, aborted or committed.
            let mut source = chain.open().await;
            let mut request = chain.begin_request(&mut *source).await;
            request.parent = None;
            let sink = bed.target.disk_sink().unwrap().begin(request).await.unwrap();
            drop((source, sink));
        }
        let next = chain.cycle().await;
        assert!(!next.full, "the point before still counts");
        if let Some(lab) = &bed.lab {
            let seen = lab.run(&["virsh", "berlin", "checkpoint-list", name, "--name"]);
            assert_eq!(seen.split_whitespace().collect::<Vec<_>>(), [next.reference.0.as_str()]);
            let kept = lab.run(&["virsh", "dublin", "vol-list", "images"]);
            assert_eq!(kept.lines().filter(|line| line.contains(&chain.lineage) && line.contains(".qcow2")).count(), 2, "{kept}");
            let left = lab.run(&["in", "berlin", "sh", "-c", "ls /var/lib/libvirt/images"]);
            assert!(!left.contains(&format!("{}-", chain.lineage)), "{left}");
        }
        let sink = bed.target.disk_sink().unwrap();
        assert!(sink.exists(&first.point).await.unwrap() && sink.exists(&next.point).await.unwrap());
        assert_eq!(sink.delete(&first.point).await.unwrap_err().kind, Kind::Conflict, "the next is based on it");
        bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
        bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    }
}

/// A chain of five, written to all the time; the last one with the machine held, so that its content can be compared.
async fn chain_of_five<'a>(bed: &'a Bed, name: &str, id: &str) -> (Chain<'a>, Vec<SinkRef>) {
    let mut chain = Chain::new(bed, id);
    let mut points = vec![];
    for round in 0..5 {
        if round > 0 {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        if round == 4 {
            hold(bed, name, true);
        }
        points.insert(0, chain.cycle().await.point);
    }
    (chain, points)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_point_shows_the_same_and_what_lay_between_can_go() {
    for bed in pairs() {
        let name = "suite-short";
        // With data on it, so that the deltas are small against it.
        let id = busy(&bed, name, &["size=512M", "fill=128", "disks=2"]).await;
        let (mut chain, points) = chain_of_five(&bed, name, &id).await;
        let sink = bed.target.disk_sink().unwrap();
        let short = sink.shorten(&points).await.unwrap();
        // Again, as after a crash before the row was written: what is there already is no obstacle.
        assert_eq!(sink.shorten(&points).await.unwrap(), short);
        if bed.lab.is_some() {
            assert_eq!(short.on, Some(4), "the deltas are small: they go onto the full point");
            same(&format!("{name}.qcow2"), &short.point);
            same(&format!("{name}.qcow2"), &points[0]);
        }
        for one in points.iter().take(short.on.unwrap_or(points.len())).filter(|one| **one != short.point) {
            sink.delete(one).await.unwrap();
        }
        if let Some(on) = short.on {
            assert_eq!(sink.delete(&points[on]).await.unwrap_err().kind, Kind::Conflict, "it rests on this one");
        }
        if bed.lab.is_some() {
            same(&format!("{name}.qcow2"), &short.point);
        }
        hold(&bed, name, false);
        let reference = chain.last.take().unwrap().0;
        chain.last = Some((reference, short.point.clone()));
        let next = chain.cycle().await;
        assert!(!next.full);
        sink.tidy(&chain.lineage, std::slice::from_ref(&next.point)).await.unwrap();
        assert!(sink.exists(&short.point).await.unwrap(), "what is kept is based on it");
        sink.tidy(&chain.lineage, &[]).await.unwrap();
        assert!(!sink.exists(&next.point).await.unwrap() && !sink.exists(&short.point).await.unwrap());
        bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
        bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_deltas_replace_the_full_point_and_a_torn_merge_is_tidied() {
    let Some(bed) = libvirt() else { return };
    let name = "suite-alone";
    let id = busy(&bed, name, &["dirty=20480"]).await;
    let (mut chain, points) = chain_of_five(&bed, name, &id).await;
    let sink = bed.target.disk_sink().unwrap();
    let short = sink.shorten(&points).await.unwrap();
    assert_eq!(short.on, None, "almost nothing was on the disk at first");
    for one in &points {
        sink.delete(one).await.unwrap();
    }
    same(&format!("{name}.qcow2"), &short.point);
    // A merge that was killed left a file without its marker.
    let torn: serde_json::Value = serde_json::from_str(&short.point.0).unwrap();
    let volume = torn["disks"][0]["volume"].as_str().unwrap().replace("-f-vda", "-f-f-vda");
    let lab = bed.lab.as_ref().unwrap();
    lab.run(&["virsh", "dublin", "vol-create-as", "images", &volume, "1M", "--format", "qcow2"]);
    hold(&bed, name, false);
    let reference = chain.last.take().unwrap().0;
    chain.last = Some((reference, short.point.clone()));
    assert!(!chain.cycle().await.full);
    assert!(!lab.run(&["virsh", "dublin", "vol-list", "images"]).contains(&volume));
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    sink.tidy(&chain.lineage, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_target_says_so_and_nothing_is_lost() {
    let Some(bed) = libvirt() else { return };
    let name = "suite-full";
    let id = busy(&bed, name, &["dirty=20480"]).await;
    let filled = || async {
        let seen = bed.source.inventory().one(&id).await.unwrap().unwrap();
        seen.disks[0].allocated_bytes.is_some_and(|bytes| bytes > 80 << 20)
    };
    until("80 MiB are written", Duration::from_secs(90), filled).await;
    let mut chain = Chain::new(&bed, &id);
    chain.storage = vec![model::Mapping { from: "images".into(), to: "small".into() }];
    let source = chain.open().await;
    let refused = chain.finish(source).await.err().unwrap();
    assert_eq!(refused.kind, Kind::Full, "{refused}");
    chain.storage.clear();
    assert!(chain.cycle().await.full);
    assert!(!chain.cycle().await.full);
    bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_is_not_there_is_not_found() {
    for bed in beds() {
        let request = OpenPoint { token: "t".into(), since: None, others: vec![] };
        let missing = "00000000-0000-4000-8000-000000000000";
        let error = bed.source.disk_source().unwrap().open(missing, request).await.err().unwrap();
        assert_eq!(error.kind, Kind::NotFound);
    }
}

/// Where the time of a cycle goes: `--ignored --nocapture`. A figure for people; `make bench` has the ones that count.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn figures_of_a_cycle() {
    let Some(bed) = libvirt() else { return };
    let name = "suite-figures";
    let id = busy(&bed, name, &["dirty=10240"]).await;
    let mut chain = Chain::new(&bed, &id);
    for _ in 0..8 {
        let t = std::time::Instant::now();
        let mut source = chain.open().await;
        let opened = t.elapsed();
        let request = chain.begin_request(&mut *source).await;
        let plan: Vec<_> = request.disks.iter().map(|disk| disk.extents.clone()).collect();
        let mapped = t.elapsed();
        let mut sink = bed.target.disk_sink().unwrap().begin(request).await.unwrap();
        let begun = t.elapsed();
        let mut bytes = 0;
        for (disk, extents) in plan.iter().enumerate() {
            for (offset, length) in super::copy::pieces(extents) {
                let data = source.read(disk, offset, length).await.unwrap();
                bytes += data.len();
                sink.write(disk, offset, data).await.unwrap();
            }
        }
        let copied = t.elapsed();
        let point = sink.commit().await.unwrap();
        let committed = t.elapsed();
        chain.last = Some((source.reference(), point));
        let full = !source.incremental();
        source.close(true).await.unwrap();
        println!(
            "full={full} {:.1} MiB: open {opened:?} map {:?} begin {:?} copy {:?} commit {:?} close {:?} = {:?}",
            bytes as f64 / f64::from(1 << 20),
            mapped - opened,
            begun - mapped,
            copied - begun,
            committed - copied,
            t.elapsed() - committed,
            t.elapsed()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bed.source.power().unwrap().stop(&id, StopMode::Hard).await.unwrap();
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
}
