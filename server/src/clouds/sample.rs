//! A machine for the tests of the drivers.

use super::MachineSpec;
use model::machine::{Disk, Firmware, Nic};

/// As libvirt's driver describes one.
pub fn machine() -> MachineSpec {
    MachineSpec {
        name: "db1".into(),
        uuid: Some("11111111-0000-4000-8000-000000000001".into()),
        vcpus: 1,
        memory_mib: 96,
        firmware: Firmware::Bios,
        arch: Some("x86_64".into()),
        guest_os: None,
        disks: vec![Disk {
            key: "vda".into(),
            bus: "virtio".into(),
            size_bytes: 1 << 30,
            allocated_bytes: Some(5 << 20),
            format: Some("qcow2".into()),
            source: None,
            pool: Some("images".into()),
            device: "disk".into(),
            read_only: false,
        }],
        nics: vec![Nic {
            mac: "52:54:00:c0:00:01".into(),
            model: Some("virtio".into()),
            network: Some("svc".into()),
            addresses: vec!["10.88.0.21".into()],
            address_source: Some("configured".into()),
        }],
        tags: vec!["prod".into(), "tier=db".into()],
        title: Some("Orders".into()),
        native_kind: "libvirt".into(),
        native: "<domain/>".into(),
        origins: vec![],
    }
}
