//! The virtual hardware of a machine: what it had here, or what most guests know. Pure.

use super::super::{inventory::machine, xml::Node};
use crate::clouds::MachineSpec;
use model::machine::Nic;
use serde::{Deserialize, Serialize};

pub const KIND: &str = "vsphere";

/// What vSphere knows of a machine beyond the general; kept with its recovery points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Native {
    pub guest_id: String,
    /// Virtual hardware: `vmx-19`.
    pub version: Option<String>,
    pub cores_per_socket: Option<u32>,
    pub secure_boot: bool,
    pub notes: String,
    pub controllers: Vec<Controller>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// `ParaVirtualSCSIController` …
    pub kind: String,
    pub number: u32,
    /// Prefix of the keys of its disks: `scsi0`.
    pub name: String,
}

impl Native {
    pub fn of(spec: &MachineSpec) -> Option<Self> {
        serde_json::from_str(spec.native_of(KIND)?).ok()
    }
}

/// Those that hold disks.
pub fn controllers(devices: &[Node]) -> Vec<Controller> {
    let mut out: Vec<Controller> = vec![];
    for disk in devices.iter().filter(|one| one.kind == "VirtualDisk") {
        let key = machine::place(disk, devices).1;
        let name = key.split(':').next().unwrap_or_default().to_owned();
        let own = devices.iter().find(|one| one.get("key").is_some() && one.get("key") == disk.get("controllerKey"));
        if let Some(own) = own.filter(|_| !out.iter().any(|one| one.name == name)) {
            out.push(Controller { kind: own.kind.to_string(), number: own.number("busNumber").unwrap_or_default(), name });
        }
    }
    out
}

/// Controllers for the machine, and for each disk: which of them, and the place there.
///
/// A machine of vSphere gets those that it had. One that comes from elsewhere gets SATA (AHCI), which guests know without a
/// driver of VMware's.
pub fn places(spec: &MachineSpec) -> (Vec<Controller>, Vec<(usize, u32)>) {
    let native = Native::of(spec).unwrap_or_default();
    let mut controllers = native.controllers;
    let mut places = vec![];
    for number in 0..spec.disks.len() {
        let key = spec.key_of(KIND, number);
        places.push(key.and_then(|key| known(key, &controllers)).unwrap_or_else(|| sata(number, &mut controllers)));
    }
    (controllers, places)
}

fn known(key: &str, controllers: &[Controller]) -> Option<(usize, u32)> {
    let (name, unit) = key.split_once(':')?;
    Some((controllers.iter().position(|one| one.name == name)?, unit.parse().ok()?))
}

/// Thirty to each.
fn sata(number: usize, controllers: &mut Vec<Controller>) -> (usize, u32) {
    let (bus, unit) = (number / 30, number % 30);
    let name = format!("sata{bus}");
    let at = controllers.iter().position(|one| one.name == name).unwrap_or_else(|| {
        controllers.push(Controller { kind: "VirtualAHCIController".into(), number: bus as u32, name });
        controllers.len() - 1
    });
    (at, unit as u32)
}

/// What the guest is told to be; vSphere chooses defaults by it.
pub fn guest_id(spec: &MachineSpec) -> String {
    let known = Native::of(spec).map(|native| native.guest_id).filter(|id| !id.is_empty());
    let words = spec.guest_os.as_deref().unwrap_or_default().to_lowercase();
    let guess = match words {
        words if words.contains("windows") => "windows9Server64Guest",
        words if words.contains("debian") => "debian10_64Guest",
        words if words.contains("ubuntu") => "ubuntu64Guest",
        words if words.contains("red hat") || words.contains("rhel") => "rhel7_64Guest",
        words if words.contains("suse") => "sles12_64Guest",
        words if words.contains("freebsd") => "freebsd11_64Guest",
        _ => "otherLinux64Guest",
    };
    known.unwrap_or_else(|| guess.to_owned())
}

/// The device type of a card.
pub fn card(spec: &MachineSpec, nic: &Nic) -> &'static str {
    let own = spec.native_of(KIND).is_some();
    match spec.model_of(KIND, nic) {
        Some("vmxnet3") => "VirtualVmxnet3",
        Some("e1000") => "VirtualE1000",
        Some("vmxnet2") if own => "VirtualVmxnet2",
        Some("pcnet32") if own => "VirtualPCNet32",
        // Every system of the last fifteen years knows it.
        _ => "VirtualE1000e",
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::clouds::Origin;
    use model::machine::{Disk, Firmware};

    pub fn spec() -> MachineSpec {
        let disk = |key: &str| Disk {
            key: key.into(),
            bus: "virtio".into(),
            size_bytes: 1 << 30,
            allocated_bytes: None,
            format: None,
            source: None,
            pool: Some("images".into()),
            device: "disk".into(),
            read_only: false,
        };
        let nic = Nic {
            mac: "52:54:00:00:00:01".into(),
            model: Some("virtio".into()),
            network: Some("svc".into()),
            addresses: vec![],
            address_source: None,
        };
        MachineSpec {
            name: "db1".into(),
            uuid: Some("5d7e0000-0000-4000-8000-000000000001".into()),
            vcpus: 2,
            memory_mib: 96,
            firmware: Firmware::Bios,
            arch: Some("x86_64".into()),
            guest_os: Some("Debian GNU/Linux 12".into()),
            disks: vec![disk("vda"), disk("vdb")],
            nics: vec![nic],
            tags: vec![],
            title: Some("data base".into()),
            native_kind: "libvirt".into(),
            native: "<domain/>".into(),
            origins: vec![],
        }
    }

    #[test]
    fn a_machine_from_elsewhere_gets_what_guests_know() {
        let spec = spec();
        let (controllers, places) = places(&spec);
        assert_eq!((controllers.len(), controllers[0].kind.as_str()), (1, "VirtualAHCIController"));
        assert_eq!(places, [(0, 0), (0, 1)]);
        assert_eq!((guest_id(&spec).as_str(), card(&spec, &spec.nics[0])), ("debian10_64Guest", "VirtualE1000e"));
    }

    #[test]
    fn a_machine_of_vsphere_gets_what_it_had() {
        let controllers = vec![
            Controller { kind: "ParaVirtualSCSIController".into(), number: 0, name: "scsi0".into() },
            Controller { kind: "VirtualNVMEController".into(), number: 1, name: "nvme1".into() },
        ];
        let native = Native { guest_id: "rhel8_64Guest".into(), controllers: controllers.clone(), ..Native::default() };
        let mut own = MachineSpec { native_kind: KIND.into(), native: serde_json::to_string(&native).unwrap(), ..spec() };
        own.disks[0].key = "scsi0:8".into();
        own.disks[1].key = "nvme1:0".into();
        assert_eq!(places(&own), (controllers, vec![(0, 8), (1, 0)]));
        own.nics[0].model = Some("vmxnet3".into());
        assert_eq!((guest_id(&own).as_str(), card(&own, &own.nics[0])), ("rhel8_64Guest", "VirtualVmxnet3"));
        // It was at libvirt meanwhile, and comes back as what it was.
        let back = MachineSpec { origins: vec![Origin::of(&own)], ..spec() };
        assert_eq!((places(&back), guest_id(&back), card(&back, &back.nics[0])), (places(&own), guest_id(&own), "VirtualVmxnet3"));
        let mut more = back.clone();
        more.disks.push(spec().disks[0].clone());
        assert_eq!(places(&more).0.last().map(|one| one.kind.as_str()), Some("VirtualAHCIController"), "a disk came to it");
    }
}
