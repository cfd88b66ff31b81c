//! Opening a point, and removing what points leave.

use super::{
    super::{
        files::DatastoreFile,
        inventory::{machine, places},
        lease::{self, Lease},
        link::{Link, Ref},
        machines,
        props::{self, Object},
        task,
        xml::Node,
    },
    areas,
    export::Stream,
    ids::Ids,
    point::{Data, DiskOf, Point},
    snapshots,
};
use crate::clouds::{
    DiskShape, Extent, OpenPoint, PointRef,
    error::{Error, Kind, Result},
};
use jiff::Timestamp;
use model::{Problem, Severity};
use std::{collections::BTreeMap, sync::Arc};

pub const PATHS: &[&str] = &[
    "name",
    "capability.changeTrackingSupported",
    "config.annotation",
    "config.changeTrackingEnabled",
    "config.extraConfig",
    "config.hardware.device",
    "config.template",
    "runtime.connectionState",
    "runtime.host",
    "runtime.powerState",
    "snapshot",
];

/// A disk as the snapshot has it.
struct Frozen {
    key: i32,
    shape: DiskShape,
    path: String,
    /// `None`: the tracker was not on.
    change: Option<String>,
    /// It rests on nothing, so that its flat file has all of it.
    alone: bool,
}

pub async fn open(link: &Arc<Link>, native_id: &str, request: OpenPoint) -> Result<Point> {
    let machine = Ref::machine(native_id);
    let seen = props::one(link, &machine, PATHS).await?;
    if let Some(why) = problems(&seen).into_iter().find(Problem::blocks) {
        return Err(Error::new(Kind::Unsupported, why.what));
    }
    let kept: Vec<PointRef> = request.others.iter().chain(&request.since).cloned().collect();
    tidy(link, &machine, &kept).await?;
    let fresh = track(link, &machine, &seen).await?;
    let (snapshot, taken_at, frozen) = freeze(link, &machine, &request.token, fresh).await?;
    match build(link, &machine, &snapshot, &seen, request.since.as_ref().map(|point| point.0.as_str()), frozen).await {
        Ok(Built { mut disks, incremental, ids, lease }) => {
            // Under the names that its description gives them.
            for (disk, key) in disks.iter_mut().zip(machines::disk_names(&seen).unwrap_or_default()) {
                disk.shape.key = key;
            }
            let shapes = disks.iter().map(|disk| disk.shape.clone()).collect();
            let (token, others) = (request.token, request.others);
            Ok(Point { link: link.clone(), machine, snapshot, token, others, taken_at, incremental, ids, shapes, disks, lease })
        }
        Err(error) => {
            // The first error is the one to tell.
            let _ = snapshots::remove(link, &snapshot).await;
            Err(error)
        }
    }
}

/// Switches tracking on. `true`: it was off, and a running machine is tracked after its next snapshot only.
async fn track(link: &Link, machine: &Ref, seen: &Object) -> Result<bool> {
    let on = seen.flag("config.changeTrackingEnabled");
    // A locked machine is a template, whose configuration stays as it is.
    if on || seen.flag("config.template") || seen.get("capability.changeTrackingSupported") == Some("false") {
        return Ok(false);
    }
    task::run(link, "ReconfigVM_Task", machine, "<spec><changeTrackingEnabled>true</changeTrackingEnabled></spec>").await?;
    Ok(!machine::state(seen).is_off())
}

async fn freeze(link: &Link, machine: &Ref, token: &str, fresh: bool) -> Result<(Ref, i64, Vec<Frozen>)> {
    if fresh {
        let first = snapshots::create(link, machine, token).await?;
        snapshots::remove(link, &first).await?;
    }
    // Before it is asked for: never later than the truth.
    let taken_at = Timestamp::now().as_millisecond();
    let snapshot = snapshots::create(link, machine, token).await?;
    match props::one(link, &snapshot, &["config.hardware.device"]).await {
        Ok(seen) => Ok((snapshot, taken_at, frozen(machine::devices(&seen)))),
        Err(error) => {
            let _ = snapshots::remove(link, &snapshot).await;
            Err(error)
        }
    }
}

fn frozen(devices: &[Node]) -> Vec<Frozen> {
    let disks = devices.iter().filter(|one| one.kind == "VirtualDisk");
    let disk = |one: &Node| {
        Some(Frozen {
            key: one.number("key")?,
            shape: DiskShape { key: machine::place(one, devices).1, size_bytes: machine::size(one) },
            path: one.get("backing/fileName")?.to_owned(),
            change: one.get("backing/changeId").map(str::to_owned),
            alone: one.at("backing/parent").is_none(),
        })
    };
    disks.filter_map(disk).collect()
}

struct Built {
    disks: Vec<DiskOf>,
    incremental: bool,
    ids: BTreeMap<i32, String>,
    lease: Option<Lease>,
}

async fn build(link: &Arc<Link>, machine: &Ref, snapshot: &Ref, seen: &Object, since: Option<&str>, frozen: Vec<Frozen>) -> Result<Built> {
    let earlier = since.and_then(|token| Ids::read(seen).0.get(token).cloned());
    let deltas = deltas(link, machine, snapshot, &frozen, earlier.as_ref()).await?;
    let incremental = deltas.is_some();
    let extents = match deltas {
        Some(extents) => extents,
        None => {
            let mut all = vec![];
            for disk in &frozen {
                all.push(written(link, machine, snapshot, disk).await?);
            }
            all
        }
    };
    let ids = frozen.iter().filter_map(|disk| Some((disk.key, disk.change.clone()?))).collect();
    let (data, lease) = data(link, snapshot, seen, &frozen).await?;
    let parts = frozen.into_iter().zip(extents).zip(data);
    let disks = parts.map(|((disk, extents), data)| DiskOf { shape: disk.shape, extents, data }).collect();
    Ok(Built { disks, incremental, ids, lease })
}

/// From files where all of the disks are such; else from the host, by a lease.
async fn data(link: &Arc<Link>, snapshot: &Ref, seen: &Object, disks: &[Frozen]) -> Result<(Vec<Data>, Option<Lease>)> {
    let places = places::look(link).await?;
    let host = seen.reference("runtime.host").ok_or_else(|| Error::conflict("No host is known for it."))?;
    let datacenter =
        places.datacenter_of(&host).map(|one| one.id.clone()).ok_or_else(|| Error::permanent("Its data center may not be seen."))?;
    let file = |disk: &Frozen| {
        let (name, path) = split(&disk.path)?;
        let store = places.store_named(&datacenter, name).filter(|store| disk.alone && store.has_files())?;
        Some(Data::File(DatastoreFile::new(link.clone(), store, flat(path))))
    };
    if let Some(files) = disks.iter().map(file).collect::<Option<Vec<_>>>() {
        return Ok((files, None));
    }
    let lease = lease::export(link, snapshot).await?;
    let streams = (0..disks.len()).map(|number| Stream::new(&lease, number).map(Data::Stream)).collect::<Result<Vec<_>>>();
    match streams {
        Ok(streams) => Ok((streams, Some(lease))),
        Err(error) => {
            lease.abort().await;
            Err(error)
        }
    }
}

/// What changed on each disk; `None`: somebody does not know, so everything is read.
async fn deltas(
    link: &Link,
    machine: &Ref,
    snapshot: &Ref,
    disks: &[Frozen],
    earlier: Option<&BTreeMap<i32, String>>,
) -> Result<Option<Vec<Vec<Extent>>>> {
    let Some(earlier) = earlier else { return Ok(None) };
    let mut all = vec![];
    for disk in disks {
        let (Some(since), Some(_)) = (earlier.get(&disk.key), &disk.change) else { return Ok(None) };
        match areas::changed(link, machine, snapshot, disk.key, since, disk.shape.size_bytes).await {
            Ok(extents) => all.push(extents),
            // The tracker has lost it: switched off and on, the disk was resized, the host lost power.
            Err(error) if matches!(error.kind, Kind::Permanent | Kind::Unsupported | Kind::NotFound | Kind::Conflict) => {
                tracing::info!(%error, disk = %disk.shape.key, "changes are not known, a full point follows");
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Some(all))
}

/// What was ever written; all of it where nobody knows.
async fn written(link: &Link, machine: &Ref, snapshot: &Ref, disk: &Frozen) -> Result<Vec<Extent>> {
    let size = disk.shape.size_bytes;
    let whole = vec![Extent { offset: 0, length: size, zero: false }];
    if disk.change.is_none() {
        return Ok(whole);
    }
    match areas::changed(link, machine, snapshot, disk.key, areas::ALL, size).await {
        Err(error) if matches!(error.kind, Kind::Permanent | Kind::Unsupported | Kind::NotFound | Kind::Conflict) => Ok(whole),
        other => other,
    }
}

/// `[datastore] folder/file.vmdk`.
fn split(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('[')?.split_once("] ")
}

/// The file that holds the data of a disk that stands alone.
fn flat(path: &str) -> String {
    format!("{}-flat.vmdk", path.strip_suffix(".vmdk").unwrap_or(path))
}

/// What is in the way of reading it, before anything is tried.
pub fn problems(machine: &Object) -> Vec<Problem> {
    let name = machine.get("name").unwrap_or_default();
    let critical = |what: String, remedy: &str| Problem::new(Severity::Critical, name, what, remedy);
    let mut found = vec![];
    let (_, others) = snapshots::of(machine);
    if others > 0 {
        let what = format!("It has {others} snapshots of its own: its disks are read whole each time, and only what changed is sent on.");
        found.push(Problem::new(Severity::Warning, name, what, "Remove them, or consolidate its disks."));
    }
    let devices = machine::devices(machine);
    for disk in devices.iter().filter(|one| one.kind == "VirtualDisk") {
        let key = machine::place(disk, devices).1;
        let backing = disk.child("backing");
        let kind = backing.map(|one| one.kind.as_str()).unwrap_or_default();
        let mode = backing.and_then(|one| one.get("diskMode")).unwrap_or_default();
        if !matches!(kind, "VirtualDiskFlatVer2BackingInfo" | "VirtualDiskSeSparseBackingInfo" | "VirtualDiskSparseVer2BackingInfo") {
            found.push(critical(
                format!("Its disk {key} is no file of its own on a datastore ({kind})."),
                "Move it to a virtual disk, or leave the machine out.",
            ));
        } else if mode.starts_with("independent") {
            found.push(critical(format!("Its disk {key} is independent: snapshots leave it out."), "Make it a dependent disk."));
        }
    }
    if devices.iter().any(|one| one.get("sharedBus").is_some_and(|bus| bus != "noSharing")) {
        found.push(critical("It shares a SCSI bus with other machines: no snapshots are possible.".into(), "Leave it out."));
    }
    if machine.get("capability.changeTrackingSupported") == Some("false") {
        let what = "Its virtual hardware is too old to track changed blocks (below version 7): everything is read each time.";
        found.push(Problem::new(Severity::Warning, name, what, "Upgrade its virtual hardware."));
    }
    found
}

/// Every snapshot of ours, and every record but those to keep.
pub async fn tidy(link: &Link, machine: &Ref, keep: &[PointRef]) -> Result<()> {
    let seen = props::one(link, machine, &["snapshot", "config.extraConfig", "config.template"]).await?;
    for one in snapshots::of(&seen).0 {
        snapshots::remove(link, &one).await?;
    }
    let ids = Ids::read(&seen);
    let kept = ids.only(keep);
    if kept != ids && !seen.flag("config.template") {
        task::run(link, "ReconfigVM_Task", machine, &kept.spec()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::super::xml::parse, *};

    fn object(devices: &str, more: &str) -> Object {
        let text = format!(
            "<o><obj type='VirtualMachine'>v</obj><propSet><name>name</name><val>db1</val></propSet><propSet><name>config.hardware.device</name><val>{devices}</val></propSet>{more}</o>"
        );
        Object::read(parse(&text).unwrap())
    }

    fn disk(backing: &str) -> String {
        format!(
            "<VirtualDevice xsi:type='ParaVirtualSCSIController'><key>1000</key><busNumber>0</busNumber><sharedBus>noSharing</sharedBus></VirtualDevice><VirtualDevice xsi:type='VirtualDisk'><key>2000</key>{backing}<controllerKey>1000</controllerKey><unitNumber>0</unitNumber><capacityInKB>64</capacityInKB></VirtualDevice>"
        )
    }

    const FLAT: &str = "<backing xsi:type='VirtualDiskFlatVer2BackingInfo'><fileName>[ds] db1/db1.vmdk</fileName><diskMode>persistent</diskMode><changeId>52 00/1</changeId></backing>";

    #[test]
    fn what_cannot_be_read_is_told_before() {
        let blocks = |devices: &str, more: &str| {
            problems(&object(devices, more)).iter().filter(|p| p.blocks()).map(|p| p.what.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(blocks(&disk(FLAT), ""), "");
        assert!(blocks(&disk(&FLAT.replace("FlatVer2", "RawDiskMappingVer1")), "").contains("no file of its own"));
        assert!(blocks(&disk(&FLAT.replace("persistent", "independent_persistent")), "").contains("independent"));
        assert!(blocks(&disk(FLAT).replace("noSharing", "physicalSharing"), "").contains("shares a SCSI bus"));
        let snapshot = "<propSet><name>snapshot</name><val><rootSnapshotList><snapshot type='VirtualMachineSnapshot'>s-1</snapshot><name>x</name></rootSnapshotList></val></propSet>";
        let found = problems(&object(&disk(FLAT), snapshot));
        assert!(found.len() == 1 && !found[0].blocks() && found[0].what.contains("1 snapshots"), "{found:?}");
    }

    #[test]
    fn a_snapshot_says_where_its_disks_are() {
        let seen = object(&disk(FLAT), "");
        let all = frozen(machine::devices(&seen));
        assert_eq!((all[0].key, all[0].shape.size_bytes, all[0].change.as_deref()), (2000, 65_536, Some("52 00/1")));
        let (store, path) = split(&all[0].path).unwrap();
        assert_eq!((store, flat(path).as_str(), all[0].alone), ("ds", "db1/db1-flat.vmdk", true));
        let above = object(
            &disk(&FLAT.replace("</backing>", "<parent xsi:type='x'><fileName>[ds] db1/db1-0.vmdk</fileName></parent></backing>")),
            "",
        );
        assert!(!frozen(machine::devices(&above))[0].alone);
    }
}
