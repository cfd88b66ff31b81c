//! What is in the way of reading a machine's disks, or makes it costly: pure, but for [`look`].

use super::{
    super::sys::{Conn, Domain},
    plan::{self, SourceDisk},
};
use crate::clouds::error::Result;
use model::{Problem, Severity};

/// What libvirt says of the machine.
pub struct Seen {
    pub name: String,
    pub persistent: bool,
    pub snapshots: u32,
    pub disks: std::result::Result<Vec<(SourceDisk, u64)>, String>,
}

/// # Errors
/// libvirt's; `NotFound` for a machine that is not there.
pub fn look(conn: &Conn, uuid: &str) -> Result<Vec<Problem>> {
    let machine = conn.domain(uuid)?;
    let xml = machine.xml(0)?;
    let disks = plan::disks(&xml).map(|all| all.into_iter().map(|disk| with_size(&machine, disk)).collect());
    let seen = Seen {
        name: machine.name(),
        persistent: machine.is_persistent()?,
        // An old libvirt that cannot tell has none that would be in the way.
        snapshots: machine.snapshots().unwrap_or(0),
        disks,
    };
    Ok(problems(&seen))
}

fn with_size(machine: &Domain, disk: SourceDisk) -> (SourceDisk, u64) {
    let size = machine.block_sizes(&disk.key).map_or(0, |(size, _)| size);
    (disk, size)
}

pub fn problems(seen: &Seen) -> Vec<Problem> {
    let mut all = vec![];
    let mut add = |severity, subject: &str, what: String, remedy: &str| all.push(Problem::new(severity, subject, what, remedy));
    if !seen.persistent {
        add(
            Severity::Critical,
            &seen.name,
            "It is transient: it has no definition that outlives its power, and libvirt keeps no record of changes for it.".into(),
            "Define it on its host: virsh dumpxml NAME > NAME.xml, then virsh define NAME.xml.",
        );
    }
    if seen.snapshots > 0 {
        let what = format!(
            "It has {} snapshots of libvirt: they do not come along, and going back to one changes its disks behind the record of changes.",
            seen.snapshots
        );
        add(Severity::Critical, &seen.name, what, "Delete or merge them on its host: virsh snapshot-list, virsh snapshot-delete.");
    }
    match &seen.disks {
        Err(why) => add(Severity::Critical, &seen.name, format!("Its disks cannot be read: {why}."), "Change the disk, or take it away."),
        Ok(disks) => {
            let whole: u64 = disks.iter().map(|(_, size)| size).sum();
            for (disk, size) in disks.iter().filter(|(disk, _)| disk.format != "qcow2") {
                let what = format!(
                    "Disk {} ({}, {} MiB) can keep no record of changes: every recovery point of {} reads and sends all of its disks, {} MiB, \
                     each time.",
                    disk.key,
                    if disk.kind == "block" { "a block device" } else { &disk.format },
                    size >> 20,
                    seen.name,
                    whole >> 20
                );
                add(
                    Severity::Warning,
                    &disk.key,
                    what,
                    "Convert it to qcow2 (qemu-img convert), or choose an objective and a bandwidth that allow for it.",
                );
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(key: &str, kind: &str, format: &str) -> (SourceDisk, u64) {
        (SourceDisk { key: key.into(), path: "/p".into(), kind: kind.into(), format: format.into() }, 10 << 30)
    }

    fn seen() -> Seen {
        Seen { name: "db1".into(), persistent: true, snapshots: 0, disks: Ok(vec![disk("vda", "file", "qcow2")]) }
    }

    #[test]
    fn a_plain_machine_has_no_problem() {
        assert_eq!(problems(&seen()), []);
    }

    #[test]
    fn a_disk_without_a_record_of_changes_is_named_with_its_size_and_its_price() {
        let found = problems(&Seen { disks: Ok(vec![disk("vda", "file", "qcow2"), disk("vdb", "block", "raw")]), ..seen() });
        assert_eq!(found.len(), 1);
        assert!(!found[0].blocks() && found[0].subject == "vdb");
        assert!(found[0].what.contains("10240 MiB) can keep") && found[0].what.contains("20480 MiB, each time"), "{}", found[0].what);
    }

    #[test]
    fn transient_machines_and_snapshots_stop_it_with_what_to_do() {
        let found = problems(&Seen { persistent: false, snapshots: 2, ..seen() });
        assert!(found.len() == 2 && found.iter().all(|p| p.blocks() && p.remedy.contains("virsh")));
        assert!(problems(&Seen { disks: Err("disk vdb is a LUN".into()), ..seen() })[0].blocks());
    }
}
