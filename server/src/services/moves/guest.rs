//! Which system a machine runs, as far as its cloud says, and what that means for one with other virtual hardware. Pure.
//!
//! The drivers choose devices that most systems know (see the `check` of each); what no choice of devices can mend is said here.

use crate::clouds::MachineSpec;
use model::{Problem, Severity};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Windows,
    Linux,
    Bsd,
    /// Its cloud does not say, or says something that nobody here knows.
    Unknown,
}

/// What clouds call them: names for people (vSphere, EC2), addresses of libosinfo (libvirt).
const WORDS: [(Family, &[&str]); 3] = [
    (Family::Windows, &["windows", "microsoft.com/win"]),
    (
        Family::Linux,
        &[
            "linux", "debian", "ubuntu", "red hat", "rhel", "redhat", "centos", "rocky", "alma", "fedora", "suse", "oracle", "amazon",
            "alpine", "arch", "photon", "cirros",
        ],
    ),
    (Family::Bsd, &["bsd"]),
];

pub fn family(spec: &MachineSpec) -> Family {
    let name = spec.guest_os.as_deref().unwrap_or_default().to_lowercase();
    let known = WORDS.iter().find(|(_, words)| words.iter().any(|word| name.contains(word)));
    known.map_or(Family::Unknown, |(family, _)| *family)
}

/// Clouds whose machines see QEMU's devices.
fn is_qemu(kind: &str) -> bool {
    matches!(kind, "libvirt" | "openstack")
}

/// Does it have such hardware already, or none that is real?
fn is_known(spec: &MachineSpec, kind: &str) -> bool {
    let from = spec.native_kind.as_str();
    spec.native_of(kind).is_some() || [kind, from].contains(&"simulator") || is_qemu(from) && is_qemu(kind)
}

/// May drivers be missing that virt-v2v knows to put in?
pub fn lacks_drivers(spec: &MachineSpec, kind: &str) -> bool {
    is_qemu(kind) && !is_known(spec, kind) && family(spec) != Family::Bsd
}

/// What to think of before this machine runs at a cloud of this kind.
pub fn risks(spec: &MachineSpec, kind: &str) -> Vec<Problem> {
    if is_known(spec, kind) {
        return vec![];
    }
    let name = spec.guest_os.as_deref().unwrap_or_default();
    let say = |severity, what: String, remedy: &str| vec![Problem::new(severity, &spec.name, what, remedy)];
    match (family(spec), kind) {
        (Family::Windows, "ec2") => say(
            Severity::Warning,
            format!("It runs Windows ({name}), which starts at EC2 only with Amazon's NVMe and ENA drivers."),
            "Install AWSNVMe and the ENA driver in it before the move; activation may be asked for again.",
        ),
        (Family::Windows, "openstack") if spec.disks.iter().any(|d| matches!(d.bus.as_str(), "virtio" | "scsi")) => say(
            Severity::Warning,
            format!("It runs Windows ({name}), which stops at the start (INACCESSIBLE_BOOT_DEVICE) without virtio drivers."),
            "Install virtio-win in it before the move, or move it to a libvirt cloud, which gives it a SATA disk.",
        ),
        (Family::Windows, _) => say(
            Severity::Info,
            format!(
                "It runs Windows ({name}): it gets a SATA disk and an emulated card, which it knows; activation may be asked for again."
            ),
            "Install the drivers of the new place afterwards, for speed.",
        ),
        (Family::Linux, "ec2") => say(
            Severity::Info,
            format!("It runs Linux ({name}): kernels since 4.9 have the drivers for NVMe and ENA, and its initramfs must hold them."),
            "See that it finds its disks by UUID or label and its cards by MAC.",
        ),
        (Family::Linux | Family::Bsd, _) => say(
            Severity::Info,
            format!("It runs {name}: its disks and cards get other names than before."),
            "See that it finds its disks by UUID or label and its cards by MAC, and that its initramfs has more than the drivers of this place.",
        ),
        (Family::Unknown, _) => say(
            Severity::Info,
            "Which system it runs is not known, so whether it has the drivers for the other hardware cannot be said.".into(),
            "Look into it, or try it with an older recovery point first.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::machine::Firmware;

    fn spec(kind: &str, os: Option<&str>, bus: &str) -> MachineSpec {
        let disk = serde_json::json!({"key": "d", "bus": bus, "size_bytes": 1, "device": "disk", "read_only": false});
        MachineSpec {
            name: "m".into(),
            uuid: None,
            vcpus: 1,
            memory_mib: 1,
            firmware: Firmware::Bios,
            arch: None,
            guest_os: os.map(Into::into),
            disks: vec![serde_json::from_value(disk).unwrap()],
            nics: vec![],
            tags: vec![],
            title: None,
            native_kind: kind.into(),
            native: String::new(),
            origins: vec![],
        }
    }

    #[test]
    fn systems_are_known_by_the_names_that_clouds_have_for_them() {
        for (name, family_) in [
            ("Microsoft Windows Server 2022 (64-bit)", Family::Windows),
            ("http://microsoft.com/win/2k22", Family::Windows),
            ("http://debian.org/debian/12", Family::Linux),
            ("Red Hat Enterprise Linux 9 (64-bit)", Family::Linux),
            ("Linux/UNIX", Family::Linux),
            ("FreeBSD 14 (64-bit)", Family::Bsd),
            ("Other (64-bit)", Family::Unknown),
        ] {
            assert_eq!(family(&spec("vsphere", Some(name), "scsi")), family_, "{name}");
        }
        assert_eq!(family(&spec("libvirt", None, "virtio")), Family::Unknown);
    }

    #[test]
    fn a_risk_is_said_where_the_hardware_changes_and_nowhere_else() {
        let windows = Some("Microsoft Windows Server 2022");
        let warns = |from, os, bus, to| risks(&spec(from, os, bus), to).first().map(|p| p.severity);
        assert_eq!(warns("vsphere", windows, "scsi", "ec2"), Some(Severity::Warning));
        assert_eq!(warns("vsphere", windows, "scsi", "openstack"), Some(Severity::Warning));
        assert_eq!(warns("vsphere", windows, "sata", "openstack"), Some(Severity::Info));
        assert_eq!(warns("vsphere", windows, "scsi", "libvirt"), Some(Severity::Info));
        assert_eq!(warns("libvirt", None, "virtio", "vsphere"), Some(Severity::Info));
        assert_eq!(warns("libvirt", windows, "virtio", "openstack"), None);
        assert_eq!(warns("vsphere", windows, "scsi", "vsphere"), None);
    }

    #[test]
    fn drivers_may_be_missing_where_hardware_becomes_qemus() {
        let lacks = |from, os, to| lacks_drivers(&spec(from, os, "scsi"), to);
        assert!(lacks("vsphere", Some("Debian GNU/Linux 12"), "libvirt") && lacks("ec2", None, "openstack"));
        assert!(!lacks("vsphere", Some("FreeBSD 14"), "libvirt") && !lacks("libvirt", None, "openstack"));
        assert!(!lacks("vsphere", None, "ec2") && !lacks("simulator", None, "libvirt"));
    }
}
