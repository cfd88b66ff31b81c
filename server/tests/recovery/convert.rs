//! Drivers put in on the way. The clouds are simulated, and so is virt-v2v: a script in its place, which changes the overlays with
//! QEMU's own tools. The real one converts a real guest in `e2e/recovery/convert.sh`.

use super::{
    crash::{Then, everywhere},
    support::{life::Life, *},
};
use model::{
    machine::PowerState,
    run::{Convert, MoveRequest, Run, RunCommand, RunDetail, RunState, StepState},
};
use server::{
    clouds::simulator::Fault,
    error::Code,
    replication,
    services::{moves, runs},
    store::{members, points},
};
use std::{os::unix::fs::PermissionsExt, path::Path};
use tokio_util::sync::CancellationToken;

/// Where it writes, and what.
const AT: u64 = 3 << 20;
const MARK: [u8; 4] = [90; 4];

/// It sees what the source has, and writes over each disk.
const CONVERTS: &str = r#"
echo "[   0.0] Setting up the source: $*"
for file in $(grep -o "<source file='[^']*'" "$3" | sed "s/.*'\(.*\)'/\1/"); do
  qemu-io -r -f qcow2 -c "read -P 98 0 1" "$file" | grep -q failed && { echo "virt-v2v-in-place: error: it is not the source's disk."; exit 1; }
  qemu-io -f qcow2 -c "write -q -P 90 3M 64k" "$file" || exit 1
  break
done
echo "virt-v2v-in-place: warning: this is not virt-v2v"
echo "virt-v2v-in-place: This guest has virtio drivers installed."
"#;
const KNOWS_NOTHING: &str =
    "echo 'virt-v2v-in-place: error: inspection could not detect the source guest (or physical machine).' >&2; exit 1";
const FAILS: &str = "echo 'virt-v2v-in-place: error: libguestfs error: it broke' >&2; exit 1";
/// Two processes that would go on.
const HANGS: &str = "echo '[   1.0] Converting it'; sleep 61.5 & sleep 61.5";

fn put(lab: &mut Lab, what: &str) {
    let path = lab.path().join("virt-v2v");
    std::fs::write(&path, format!("#!/bin/sh\n{what}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    lab.virt_v2v = Some(path);
}

fn lab(test: &str, what: &str) -> Lab {
    let mut lab = Lab::new(test);
    put(&mut lab, what);
    lab
}

/// QEMU's tools are there? Without them nothing can be tried.
fn tools() -> bool {
    let there = |name: &str| std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(name).exists());
    let all = there("qemu-img") && there("qemu-io");
    if !all {
        println!("skipped: qemu-utils is not installed");
    }
    all
}

fn request(lab: &Lab) -> MoveRequest {
    MoveRequest { conversion: Convert::Always, ..move_request(lab, &lab.running[0]) }
}

async fn begin(life: &Life, lab: &Lab) -> Run {
    moves::start(&life.node, &admin(), &request(lab)).await.unwrap()
}

fn step<'a>(detail: &'a RunDetail, kind: &str) -> &'a model::run::Step {
    detail.steps.iter().find(|s| s.kind == kind).unwrap()
}

async fn bus(life: &Life, lab: &Lab) -> String {
    let guard = life.node.clouds.get(&lab.cloud("dublin")).unwrap();
    let seen = guard.cloud().inventory().one(&lab.running[0]).await.unwrap().unwrap();
    seen.disks[0].bus.clone()
}

fn mark(world: &server::clouds::simulator::World, native: &str) -> Vec<u8> {
    world.disk(native, 0).unwrap().read(AT, MARK.len())
}

fn assert_converted(lab: &Lab) {
    let native = &lab.running[0];
    lab.assert_moved(native, lab.source().counter(native).unwrap());
    assert_eq!(mark(&lab.target(), native), MARK, "the machine is not made of the converted disks");
    assert_ne!(mark(&lab.source(), native), MARK, "the source was written to");
    assert_clean(lab);
}

/// No file of a conversion, and no upload.
fn assert_clean(lab: &Lab) {
    let left: Vec<_> = std::fs::read_dir(lab.path().join("convert")).into_iter().flatten().map(|one| one.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(lab.target().leftovers().1, 0, "an upload is left");
}

/// Processes whose command line has this in it, and the lab's folder as their place.
fn processes(lab: &Lab, what: &str) -> usize {
    let mine = |pid: &Path| {
        let command = std::fs::read(pid.join("cmdline")).unwrap_or_default();
        let place = std::fs::read_link(pid.join("cwd")).unwrap_or_default();
        String::from_utf8_lossy(&command).replace('\0', " ").contains(what) && place.starts_with(lab.path())
    };
    std::fs::read_dir("/proc").unwrap().filter(|one| mine(&one.as_ref().unwrap().path())).count()
}

#[test]
fn a_guest_is_converted_on_its_way() {
    if !tools() {
        return;
    }
    let lab = lab("conv", CONVERTS);
    let life = lab.boot();
    life.block_on(async {
        let found = moves::preflight(&life.node, &admin(), &request(&lab)).await.unwrap();
        assert!(found.convert && found.problems.iter().any(|p| p.what.contains("put in by virt-v2v")), "{:?}", found.problems);
        let run = begin(&life, &lab).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        assert!(step(&end, "convert").message.as_ref().unwrap().contains("virtio disks"), "{}", told(&end));
        let said = |text: &str| end.events.iter().any(|e| e.text.contains(text));
        assert!(said("[   0.0] Setting up the source: -i libvirtxml") && said("this is not virt-v2v"), "{:?}", end.events);
        assert_eq!(bus(&life, &lab).await, "virtio");
    });
    assert_converted(&lab);
}

#[test]
fn what_virt_v2v_does_not_know_moves_as_it_is() {
    if !tools() {
        return;
    }
    let lab = lab("convno", KNOWS_NOTHING);
    let life = lab.boot();
    life.block_on(async {
        let run = begin(&life, &lab).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        let warned = end.run.outcome.as_ref().unwrap().machines[0].message.clone().unwrap_or_default();
        assert!(warned.contains("does not know") && warned.contains("inspection could not detect"), "{warned}");
        assert_ne!(mark(&lab.target(), &lab.running[0]), MARK);
    });
    lab.assert_moved(&lab.running[0], 0);
    assert_clean(&lab);
}

#[test]
fn somebody_decides_about_a_conversion_that_fails() {
    if !tools() {
        return;
    }
    for (then, converted) in [("retry", true), ("skip", false)] {
        let mut lab = lab("convbad", FAILS);
        let life = lab.boot();
        life.block_on(async {
            let run = begin(&life, &lab).await;
            let waits = life.settled(&run.id).await;
            assert_eq!(waits.run.state, RunState::Waiting, "{}", told(&waits));
            let failed = step(&waits, "convert");
            assert!(failed.message.as_ref().unwrap().contains("it broke. Mend it, then retry"), "{}", told(&waits));
            assert_clean(&lab);
            put(&mut lab, CONVERTS);
            let step = failed.key.clone();
            let command =
                if then == "retry" { RunCommand::RetryStep { step } } else { RunCommand::SkipStep { step, reason: "later".into() } };
            runs::command(&life.node, &admin(), &run.id, &command).await.unwrap();
            let end = life.over(&run.id).await;
            assert!(matches!(end.run.state, RunState::Succeeded | RunState::SucceededWithErrors), "{}", told(&end));
            assert_eq!(mark(&lab.target(), &lab.running[0]) == MARK, converted);
        });
        lab.assert_moved(&lab.running[0], 0);
        assert_clean(&lab);
    }
}

/// A protected machine goes on being protected, from the point before, with what it writes from then on.
async fn goes_on(life: &Life, lab: &Lab, member: &str, before: &str) {
    let native = &lab.running[0];
    soon("its member is its own again", || async { members::get(&life.node.db, member).await.unwrap().unwrap().held_by.is_none() }).await;
    let newest = life.newest(member).await.unwrap();
    assert!(newest.source_point.is_some(), "nothing can go on from point {}", newest.seq);
    assert_ne!(newest.id, before);
    lab.source().guest_write(native, 0, 5 << 20, b"written later").unwrap();
    let cycle = replication::cycle(&life.node, member, |_| {}, CancellationToken::new()).await.unwrap();
    assert!(!cycle.full && cycle.bytes < 1 << 20, "{cycle:?}");
}

#[test]
fn a_conversion_under_way_is_cancelled_with_all_that_it_started() {
    if !tools() {
        return;
    }
    let lab = lab("convcancel", HANGS);
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let ids = life.protect(&lab, std::slice::from_ref(&native)).await;
        let before = life.newest(&ids[0]).await.unwrap().id;
        let run = begin(&life, &lab).await;
        life.until(&run.id, |d| d.events.iter().any(|e| e.text.contains("Converting it"))).await;
        assert!(processes(&lab, "sleep 61.5") > 0);
        runs::command(&life.node, &admin(), &run.id, &RunCommand::Cancel).await.unwrap();
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Cancelled, "{}", told(&end));
        lab.assert_untouched(&native);
        assert_eq!(processes(&lab, "sleep 61.5"), 0);
        assert_clean(&lab);
        goes_on(&life, &lab, &ids[0], &before).await;
    });
}

#[test]
fn a_converted_point_is_given_up_with_the_run() {
    if !tools() {
        return;
    }
    let lab = lab("convundo", CONVERTS);
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let ids = life.protect(&lab, std::slice::from_ref(&native)).await;
        let before = life.newest(&ids[0]).await.unwrap().id;
        lab.target().fail("create", 1, 50, Fault::Error(server::clouds::error::Kind::Permanent, "No room (simulated).".into()));
        let run = begin(&life, &lab).await;
        let waits = life.settled(&run.id).await;
        assert_eq!((waits.run.state, step(&waits, "convert").state), (RunState::Waiting, StepState::Succeeded), "{}", told(&waits));
        let converted = life.newest(&ids[0]).await.unwrap();
        assert_eq!((converted.source_point.as_ref(), converted.spec.disks[0].bus.as_str()), (None, "virtio"));
        runs::command(&life.node, &admin(), &run.id, &RunCommand::Cancel).await.unwrap();
        let end = life.over(&run.id).await;
        assert_eq!(end.run.state, RunState::Cancelled, "{}", told(&end));
        assert!(points::get(&life.node.db, &converted.id).await.unwrap().is_none());
        lab.assert_untouched(&native);
        goes_on(&life, &lab, &ids[0], &before).await;
    });
}

#[test]
fn without_virt_v2v_nothing_begins_that_must_be_converted() {
    let lab = Lab::new("convnone");
    let life = lab.boot();
    life.block_on(async {
        let refused = moves::start(&life.node, &admin(), &request(&lab)).await.unwrap_err();
        assert!(refused.code == Code::Conflict && refused.message.contains("apt-get install virt-v2v"), "{refused:?}");
        let live = MoveRequest { mode: model::run::MoveMode::Live, ..request(&lab) };
        let found = moves::preflight(&life.node, &admin(), &live).await.unwrap();
        assert!(!found.convert && found.problems.iter().any(|p| p.blocks() && p.what.contains("cannot be converted")));
        // Simulated machines have no hardware: by itself nothing is converted.
        let auto = MoveRequest { conversion: Convert::Auto, ..request(&lab) };
        let found = moves::preflight(&life.node, &admin(), &auto).await.unwrap();
        assert!(!found.convert && !found.problems.iter().any(|p| p.what.contains("virt-v2v")), "{:?}", found.problems);
    });
}

fn converted_everywhere(test: &str, step: u64, then: &Then) {
    if !tools() {
        return;
    }
    let make = || lab(test, CONVERTS);
    everywhere(
        step,
        then,
        make,
        async |life, lab| begin(life, lab).await.id,
        |lab, at| {
            assert_converted(lab);
            assert_eq!(lab.target().machine_names().len(), 1, "killed at {at}: copies are left");
            assert_eq!(lab.state_at(&lab.target(), &lab.running[0]), Some(PowerState::Running));
        },
    );
}

#[test]
fn a_conversion_survives_a_kill_after_every_write() {
    converted_everywhere("convkill", 1, &Then::GoOn);
}

#[test]
fn a_conversion_is_done_twice() {
    converted_everywhere("convtwice", 2, &Then::LoseTheLastOutcome);
}

/// A node that was ended by force leaves virt-v2v and its folder: the next one on that machine ends both.
#[test]
fn what_a_dead_node_started_is_ended() {
    if !tools() {
        return;
    }
    let mut lab = lab("convdead", CONVERTS);
    let life = lab.boot();
    let folder = lab.path().join("convert/000000000000");
    std::fs::create_dir_all(&folder).unwrap();
    let command = |token: &str| {
        let mut command = std::process::Command::new("sleep");
        std::os::unix::process::CommandExt::process_group(command.arg("62.5").current_dir(&folder).env("CROSSFADE_TOKEN", token), 0);
        command.spawn().unwrap()
    };
    let mut orphan = command("r.m.convert");
    std::fs::write(folder.join("pid"), orphan.id().to_string()).unwrap();
    life.kill();
    put(&mut lab, CONVERTS);
    let _next = lab.boot();
    assert!(!orphan.wait().unwrap().success());
    assert_clean(&lab);
}
