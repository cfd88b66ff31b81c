//! What only EC2 has: rights by dry runs, locks by volumes, snapshots on parents. Runs with `CF_AWS_*`
//! (`eval "$(e2e/lab/moto env)"`), against a simulated AWS (moto, with additions): no guest runs there.
#![cfg(feature = "ec2")]

use super::{
    copy::Chain,
    harness::{Bed, aws, everything, region, until},
};
use model::{Mapping, machine::PowerState};
use server::clouds::{Cloud, CreateRequest, MachineSpec, Observed, Settings, StopMode, error::Kind, registry};
use std::{sync::Arc, time::Duration};

fn lab(bed: &Bed, args: &[&str]) -> String {
    bed.maker.as_ref().unwrap().run(args)
}

fn open(change: &[(&str, &str)]) -> Arc<dyn Cloud> {
    let mut fields = region("OSLO").unwrap();
    fields.extend(change.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    registry::open("ec2", Settings { fields, ..Settings::default() }).unwrap()
}

/// The next so many calls of an action are answered so.
fn answer(bed: &Bed, action: &str, status: u16, code: &str, times: u32) {
    let pairs =
        [format!("action={action}"), format!("status={status}"), format!("code={code}"), format!("times={times}"), "retry_after=7".into()];
    let args: Vec<&str> = ["lab", "answer"].into_iter().chain(pairs.iter().map(String::as_str)).collect();
    lab(bed, &args);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_who_and_what_is_missing() {
    let Some(bed) = aws() else { return };
    let report = bed.source.probe().await.unwrap();
    assert!(report.ok && report.identity.is_some_and(|who| who.starts_with("arn:aws:")), "{:?}", report.problems);
    assert!(report.problems.iter().all(|one| one.subject != "rights"), "{:?}", report.problems);
    assert!(report.host_id.is_some_and(|id| id.ends_with("/eu-north-1")));
    for (action, code) in [("CreateSnapshots", "UnauthorizedOperation"), ("PutSnapshotBlock", "AccessDeniedException")] {
        answer(&bed, action, 403, code, 1);
    }
    let problems = bed.source.probe().await.unwrap().problems;
    let said: Vec<&str> = problems.iter().filter(|one| one.subject == "rights").map(|one| one.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "Refused: ec2:CreateSnapshots. Without it machines are not read.",
            "Refused: ebs:PutSnapshotBlock. Without it recovery points are not kept."
        ]
    );
    let nobody = open(&[("endpoint", "http://127.0.0.1:1")]).probe().await.unwrap_err();
    assert!(nobody.kind == Kind::Transient && nobody.message.contains("nothing listens there"), "{nobody}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ended_and_throttling_are_told_apart() {
    let Some(bed) = aws() else { return };
    answer(&bed, "DescribeInstances", 400, "RequestExpired", 1);
    assert_eq!(bed.source.inventory().list(None).await.unwrap_err().kind, Kind::Auth);
    // Three tries, as the SDK is told, and then the engine hears for how long.
    answer(&bed, "DescribeInstances", 503, "RequestLimitExceeded", 3);
    assert_eq!(bed.source.inventory().list(None).await.unwrap_err().kind, Kind::Throttled(Duration::from_secs(7)));
    answer(&bed, "DescribeInstances", 503, "RequestLimitExceeded", 2);
    assert!(bed.source.inventory().list(None).await.is_ok(), "the third try");
}

/// A role is assumed with the keys, and its own keys are used from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_and_a_pasted_profile_sign_in() {
    if aws().is_none() {
        return;
    }
    let role = open(&[("role", "arn:aws:iam::123456789012:role/crossfade"), ("external_id", "x1")]);
    let who = role.probe().await.unwrap().identity.unwrap();
    assert!(who.contains(":assumed-role/crossfade/crossfade"), "{who}");
    let counted = role.requests().unwrap().counts;
    let of = |kind: &str| counted.iter().find(|one| one.service == "sts" && one.kind == kind).map(|one| one.total);
    assert_eq!((of("AssumeRole"), of("GetCallerIdentity")), (Some(1), Some(1)), "{counted:?}");
    let file = "[dr]\naws_access_key_id = AKIALABLABLABLABLABL\naws_secret_access_key = lab-secret\n";
    let pasted = |profile: &str| open(&[("access_key", ""), ("secret_key", ""), ("credentials_file", file), ("profile", profile)]);
    assert!(pasted("dr").probe().await.unwrap().ok);
    let none = pasted("other").probe().await.unwrap_err();
    assert!(none.kind == Kind::Auth && !none.message.contains("lab-secret"), "{none}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_of_a_machine() {
    let Some(bed) = aws() else { return };
    lab(&bed, &["machine", "suite-aws-see", "disks=2"]);
    let one = bed.find("suite-aws-see").await;
    let disks: Vec<_> = one.disks.iter().map(|d| (d.key.as_str(), d.size_bytes >> 30)).collect();
    assert_eq!((disks, one.vcpus, one.memory_mib), (vec![("sda1", 8), ("sdf", 2)], 2, 512));
    assert_eq!((one.tags.as_slice(), one.nics.len(), one.nics[0].network.as_deref()), (&["lab=yes".to_owned()][..], 1, Some("default-a")));
    assert!(one.nics[0].mac.contains(':') && one.nics[0].addresses[0].starts_with("172.31."), "{:?}", one.nics);
    lab(&bed, &["forget", "suite-aws-see"]);
    assert!(bed.source.inventory().one(&one.native_id).await.unwrap().is_none(), "EC2 still shows it, as terminated");
}

/// The root volume is away, by any tool's look, and comes back where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_machine_has_no_root_volume() {
    let Some(bed) = aws() else { return };
    lab(&bed, &["machine", "suite-aws-lock", "disks=2", "start=0"]);
    let id = bed.find("suite-aws-lock").await.native_id;
    let power = bed.source.power().unwrap();
    power.lock(&id, "moved to lisbon").await.unwrap();
    assert!(other_tool(&["start-instances", "--instance-ids", &id]).contains("does not have a volume attached at root"));
    let seen = bed.source.inventory().one(&id).await.unwrap().unwrap();
    assert_eq!((seen.locked.as_deref(), seen.disks.len(), seen.disks[0].key.as_str()), (Some("moved to lisbon"), 2, "sda1"));
    assert_eq!(bed.source.disk_source().unwrap().check(&id).await.unwrap().len(), 1);
    // Somebody puts it back by hand: then it is no lock any more, and the next one takes it away again.
    let volume = seen.disks[0].source.clone().unwrap();
    other_tool(&["attach-volume", "--instance-id", &id, "--volume-id", &volume, "--device", "/dev/sda1"]);
    assert_eq!(bed.source.inventory().one(&id).await.unwrap().unwrap().locked, None);
    power.lock(&id, "again").await.unwrap();
    power.unlock(&id).await.unwrap();
    power.start(&id).await.unwrap();
    assert_eq!(bed.source.inventory().one(&id).await.unwrap().unwrap().tags, ["lab=yes"]);
    lab(&bed, &["forget", "suite-aws-lock"]);
}

/// Amazon's own command line.
pub fn other_tool(args: &[&str]) -> String {
    tool("ec2", args)
}

pub fn tool(service: &str, args: &[&str]) -> String {
    let get = |name: &str| std::env::var(format!("CF_AWS_{name}")).unwrap();
    let mut call = std::process::Command::new(get("CLI"));
    call.args(["--endpoint-url", &get("URL"), "--region", &get("OSLO"), service]).args(args);
    let out = call.env("AWS_ACCESS_KEY_ID", get("ACCESS_KEY")).env("AWS_SECRET_ACCESS_KEY", get("SECRET_KEY")).output().unwrap();
    String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
}

fn same(bed: &Bed, name: &str) {
    let of = |site: &str| lab(bed, &["disk", name, &format!("site={site}")]);
    let (source, target) = (of("oslo"), of("lisbon"));
    assert!(source.len() > 60 && source == target, "{source} {target}");
}

/// A machine with two disks that writes all the time.
async fn busy(bed: &Bed, name: &str) -> String {
    lab(bed, &["forget", name, "site=lisbon"]);
    lab(bed, &["machine", name, "disks=2", "dirty=2048", "fill=24", "start=0"]);
    let id = bed.find(name).await.native_id;
    bed.source.power().unwrap().start(&id).await.unwrap();
    id
}

/// Nothing of a lineage, whatever it is.
fn left(bed: &Bed, site: &str, lineage: &str) -> String {
    lab(bed, &["lab", "left", &format!("site={site}"), &format!("lineage={lineage}")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_goes_to_another_region_with_all_that_it_wrote() {
    let Some(bed) = aws() else { return };
    let name = "suite-aws-move";
    let id = busy(&bed, name).await;
    assert_eq!(bed.source.disk_source().unwrap().check(&id).await.unwrap(), []);
    let mut chain = Chain::new(&bed, &id);
    let first = chain.cycle().await;
    let delta = chain.cycle().await;
    assert!(first.full && !delta.full && delta.bytes > 0 && delta.bytes < first.bytes, "{} then {}", first.bytes, delta.bytes);
    bed.off(&id).await;
    let last = chain.cycle().await;
    assert!(!last.full && last.bytes > 0 && last.bytes < first.bytes);
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
    assert_eq!((new.state, &new.name, &new.tags), (PowerState::Stopped, &old.name, &old.tags));
    let shape = |one: &Observed| {
        let disks: Vec<_> = one.disks.iter().map(|d| (d.key.clone(), d.size_bytes)).collect();
        let nics: Vec<_> = one.nics.iter().map(|n| (n.addresses.clone(), n.network.clone())).collect();
        (disks, nics, one.vcpus, one.memory_mib)
    };
    assert_eq!(shape(&new), shape(&old));
    let other = CreateRequest { token: "another".into(), ..request.clone() };
    assert_eq!(target.create(&other).await.unwrap_err().kind, Kind::Conflict);
    let in_the_way = target.check_create(&request.spec, &[], &[], None).await.unwrap();
    assert_eq!(in_the_way.iter().filter(|one| one.blocks()).count(), 2, "its name and its address: {in_the_way:?}");
    let replaced = target.check_create(&request.spec, &[], &[], Some(&made)).await.unwrap();
    assert!(replaced.iter().all(|one| !one.blocks()), "one that gives way is not in the way: {replaced:?}");
    give_way(&bed, &request, &made, name).await;
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert!(!sink.exists(&request.point).await.unwrap());
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    lab(&bed, &["forget", name]);
    assert_eq!((left(&bed, "lisbon", &chain.lineage), left(&bed, "oslo", &chain.lineage)), (String::new(), String::new()));
}

/// It runs, is set aside with its lock, and another one takes its place and its address.
async fn give_way(bed: &Bed, request: &CreateRequest, made: &str, name: &str) {
    let (target, power) = (bed.target.machines().unwrap(), bed.target.power().unwrap());
    power.start(made).await.unwrap();
    assert_eq!(target.delete(made, true).await.unwrap_err().kind, Kind::Conflict, "not while it runs");
    assert_eq!(target.set_aside(made, "no").await.unwrap_err().kind, Kind::Conflict);
    power.stop(made, StopMode::Hard).await.unwrap();
    power.lock(made, "superseded").await.unwrap();
    let token = format!("{}-aside", request.lineage);
    let aside = target.set_aside(made, &token).await.unwrap();
    assert_eq!(target.set_aside(made, &token).await.unwrap(), aside, "a second time");
    assert!(bed.target.inventory().one(made).await.unwrap().is_none());
    let seen = bed.target.inventory().one(&aside).await.unwrap().unwrap();
    assert!(
        seen.name.starts_with(&format!("{name}~")) && seen.locked.as_deref() == Some("superseded") && seen.disks.len() == 2,
        "{seen:?}"
    );
    let again = CreateRequest { token: format!("{}-again", request.lineage), ..request.clone() };
    let second = target.create(&again).await.unwrap();
    assert_eq!(bed.target.inventory().one(&second).await.unwrap().unwrap().nics[0].addresses, request.spec.nics[0].addresses);
    power.unlock(&aside).await.unwrap();
    power.start(&aside).await.unwrap();
    power.stop(&aside, StopMode::Hard).await.unwrap();
    for id in [&aside, &second, &aside] {
        target.delete(id, true).await.unwrap();
    }
    assert!(everything(bed.target.inventory()).await.iter().all(|one| one.native_id != aside && one.native_id != second));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kill_leaves_in_the_middle_is_removed_by_the_next_point() {
    let Some(bed) = aws() else { return };
    let id = busy(&bed, "suite-aws-torn").await;
    let mut chain = Chain::new(&bed, &id);
    let first = chain.cycle().await;
    for _ in 0..2 {
        let mut source = chain.open_written().await;
        let request = chain.begin_request(&mut *source).await;
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
    assert_eq!(left(&bed, "lisbon", &chain.lineage).lines().count(), 4, "two disks of two points");
    // Any point is whole by itself.
    sink.delete(&first.point).await.unwrap();
    assert!(sink.exists(&next.point).await.unwrap());
    let short = sink.shorten(&[next.point.clone(), first.point.clone()]).await.unwrap();
    assert_eq!((&short.point, short.on), (&next.point, None));
    bed.source.disk_source().unwrap().tidy(&id, &[]).await.unwrap();
    assert!(chain.cycle().await.full, "its record is gone");
    sink.tidy(&chain.lineage, &[]).await.unwrap();
    assert_eq!(left(&bed, "lisbon", &chain.lineage), "");
    lab(&bed, &["forget", "suite-aws-torn"]);
}

/// Killed at each step of the making: the next attempt finds what there is and ends the same way; nothing ran meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_making_was_killed_is_made_by_the_next_attempt() {
    let Some(bed) = aws() else { return };
    let name = "suite-aws-killed";
    let id = busy(&bed, name).await;
    bed.off(&id).await;
    let mut chain = Chain::new(&bed, &id);
    chain.cycle().await;
    let request = chain.create_request().await;
    let machines = bed.target.machines().unwrap();
    for action in ["CreateVolume", "RunInstances", "StopInstances", "DetachVolume", "AttachVolume", "DeleteTags"] {
        // As after a kill: the call was never made, or was made and its answer did not arrive.
        answer(&bed, action, 500, "InternalError", 3);
        assert_eq!(machines.create(&request).await.unwrap_err().kind, Kind::Unknown, "{action}");
        assert_eq!(machines.find(&request.token).await.unwrap(), None);
        assert!(everything(bed.target.inventory()).await.iter().all(|one| one.name != name), "{action}: it is no machine yet");
    }
    // Another run does not find it in the way, and takes its place.
    let problems = machines.check_create(&request.spec, &[], &[], None).await.unwrap();
    assert!(problems.iter().all(|one| !one.blocks()), "{problems:?}");
    let request = CreateRequest { token: format!("{}-other", request.lineage), ..request };
    let made = machines.create(&request).await.unwrap();
    same(&bed, name);
    assert_eq!(bed.target.inventory().one(&made).await.unwrap().unwrap().state, PowerState::Stopped);
    machines.delete(&made, true).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    assert_eq!(left(&bed, "lisbon", &chain.lineage), "", "one set of volumes was made, and is gone");
    lab(&bed, &["forget", name]);
}

/// Cut off after ever longer times, with whatever call was under way.
#[tokio::test(flavor = "multi_thread")]
async fn a_making_that_is_cut_off_at_any_moment_makes_one_machine() {
    let Some(bed) = aws() else { return };
    let name = "suite-aws-cut";
    let id = busy(&bed, name).await;
    bed.off(&id).await;
    let mut chain = Chain::new(&bed, &id);
    chain.cycle().await;
    let request = chain.create_request().await;
    let machines = bed.target.machines().unwrap();
    let (mut cuts, mut limit) = (0, Duration::from_millis(5));
    let made = loop {
        match tokio::time::timeout(limit, machines.create(&request)).await {
            Ok(made) => break made.unwrap(),
            Err(_) => (cuts, limit) = (cuts + 1, limit * 5 / 4),
        }
    };
    assert!(cuts > 3, "{cuts}");
    same(&bed, name);
    assert_eq!(everything(bed.target.inventory()).await.iter().filter(|one| one.name == name).count(), 1);
    machines.delete(&made, true).await.unwrap();
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    // What EBS made twice, since its answer was cut off, is removed when it is old.
    let volumes = left(&bed, "lisbon", &chain.lineage);
    assert!(volumes.lines().all(|id| id.starts_with("vol-")), "{volumes}");
    lab(&bed, &["forget", name]);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_blocks_arrive_and_a_refused_one_ends_the_point() {
    let Some(bed) = aws() else { return };
    let id = busy(&bed, "suite-aws-slow").await;
    let mut chain = Chain::new(&bed, &id);
    answer(&bed, "PutSnapshotBlock", 400, "RequestThrottledException", 5);
    answer(&bed, "GetSnapshotBlock", 400, "RequestThrottledException", 5);
    assert!(chain.cycle().await.full);
    let source = chain.open().await;
    answer(&bed, "PutSnapshotBlock", 400, "ValidationException", 1);
    let refused = chain.finish(source).await.err().unwrap();
    assert!(refused.kind == Kind::Permanent && refused.message.contains("ValidationException"), "{refused}");
    assert!(!chain.cycle().await.full, "the point before still counts");
    lab(&bed, &["lab", "clear"]);
    bed.target.disk_sink().unwrap().tidy(&chain.lineage, &[]).await.unwrap();
    lab(&bed, &["forget", "suite-aws-slow"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_said_before() {
    let Some(bed) = aws() else { return };
    let id = busy(&bed, "suite-aws-way").await;
    let spec = bed.source.machines().unwrap().describe(&id).await.unwrap();
    let target = bed.target.machines().unwrap();
    let blockers = async |spec: &MachineSpec, networks: &[Mapping], storage: &[Mapping]| {
        let all = target.check_create(spec, networks, storage, None).await.unwrap();
        all.into_iter().filter(|one| one.blocks()).map(|one| one.what).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(blockers(&spec, &[], &[]).await, "");
    let to = |to: &str| [Mapping { from: "default-a".into(), to: to.into() }];
    assert!(blockers(&spec, &to("nowhere"), &[]).await.contains("no subnet 'nowhere'"));
    assert_eq!(blockers(&spec, &to("default-b"), &[]).await, "", "with another address");
    let pool = spec.disks[0].pool.clone().unwrap();
    assert!(blockers(&spec, &[], &[Mapping { from: pool, to: "nowhere".into() }]).await.contains("no type of volume"));
    let large = MachineSpec { memory_mib: 1 << 30, ..spec.clone() };
    assert!(blockers(&large, &[], &[]).await.contains("the largest is"));
    lab(&bed, &["forget", "suite-aws-way"]);
}

/// An address that changes hands quickly.
#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_goes_is_gone_at_once() {
    let Some(bed) = aws() else { return };
    let id = bed.machine("suite-aws-gone", &[]).await.native_id;
    for _ in 0..2 {
        bed.source.machines().unwrap().delete(&id, true).await.unwrap();
    }
    let gone = || async { bed.source.inventory().one(&id).await.unwrap().is_none() };
    until("gone", Duration::from_secs(5), gone).await;
}
