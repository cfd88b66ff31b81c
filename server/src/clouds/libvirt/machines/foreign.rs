//! A machine of another kind of cloud as a definition of libvirt: virtual hardware that its guest most likely knows. Pure.
//!
//! Guests of QEMU-based clouds keep virtio. All others get SATA (AHCI), which every system of the last fifteen years knows,
//! and the model of card that they had, as far as QEMU has it: it emulates VMware's, too.

use super::super::meta::escape;
use crate::clouds::{MachineSpec, Origin};
use model::machine::{Disk, Firmware, Nic};
use std::collections::BTreeMap;
use uuid::Uuid;

pub const KIND: &str = "libvirt";

/// `virt`: `kvm` or `qemu`, as the host can. A machine of libvirt stays as it is, and the host is not asked.
pub fn adopt(mut spec: MachineSpec, virt: impl FnOnce() -> &'static str) -> MachineSpec {
    if spec.native_kind == KIND {
        return spec;
    }
    // It goes back there as what it was; what it is here is the definition.
    spec.origins = spec.origins_with(Origin::of(&spec));
    // What a guest reads as its identity is kept where it is one.
    spec.uuid = spec.uuid.filter(|uuid| Uuid::parse_str(uuid).is_ok());
    spec.native = definition(&spec, virt());
    for (disk, bus) in buses(&spec).into_iter().enumerate() {
        bus.clone_into(&mut spec.disks[disk].bus);
    }
    spec
}

/// The files of a point under the names that the disks have in the definition.
pub fn by_device(spec: &MachineSpec, mut files: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if spec.native_kind == KIND {
        return files;
    }
    let renamed = spec.disks.iter().zip(devices(spec)).filter_map(|(disk, device)| Some((device, files.remove(&disk.key)?)));
    renamed.collect()
}

/// What becomes of its disks and cards, in words.
pub fn conversions(spec: &MachineSpec) -> Vec<String> {
    let disks = spec.disks.iter().zip(buses(spec)).filter(|(disk, bus)| disk.bus != *bus);
    let cards = spec.nics.iter().enumerate().filter_map(|(i, nic)| {
        let (had, gets) = (nic.model.as_deref()?, card(spec, nic));
        (had != gets).then(|| format!("network card {} becomes {gets} instead of {had}", i + 1))
    });
    disks.map(|(disk, bus)| format!("disk {} is attached by {bus} instead of {}", disk.key, disk.bus)).chain(cards).collect()
}

/// What it gets, in words.
pub fn hardware(spec: &MachineSpec) -> String {
    let mut disks = buses(spec);
    let mut cards: Vec<&str> = spec.nics.iter().map(|nic| card(spec, nic)).collect();
    disks.dedup();
    cards.dedup();
    let cards = if cards.is_empty() { String::new() } else { format!(" and cards of the kind {}", cards.join(", ")) };
    format!("with disks on {}{cards}", disks.join(", "))
}

/// Is the guest known to have the drivers of QEMU's own devices?
fn knows_virtio(spec: &MachineSpec) -> bool {
    matches!(spec.native_kind.as_str(), "openstack" | "simulator") || spec.disks.iter().any(|disk| disk.bus == "virtio")
}

fn buses(spec: &MachineSpec) -> Vec<&'static str> {
    let bus = |disk: &Disk| match disk.bus.as_str() {
        "virtio" => "virtio",
        "scsi" if knows_virtio(spec) => "scsi",
        "ide" => "ide",
        _ => "sata",
    };
    spec.disks.iter().map(bus).collect()
}

/// `vda`, `sda`, `hda` …: counted for each prefix.
fn devices(spec: &MachineSpec) -> Vec<String> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let name = |bus: &str| {
        let prefix = match bus {
            "virtio" => "vd",
            "ide" => "hd",
            _ => "sd",
        };
        let count = counts.entry(prefix).or_default();
        *count += 1;
        format!("{prefix}{}", letters(*count - 1))
    };
    buses(spec).into_iter().map(name).collect()
}

/// 0 → a, 25 → z, 26 → aa.
fn letters(number: u32) -> String {
    let last = char::from(b'a' + u8::try_from(number % 26).unwrap_or_default());
    match number / 26 {
        0 => last.to_string(),
        more => format!("{}{last}", letters(more - 1)),
    }
}

fn card<'a>(spec: &MachineSpec, nic: &'a Nic) -> &'a str {
    match nic.model.as_deref() {
        Some(known @ ("virtio" | "e1000" | "e1000e" | "rtl8139" | "vmxnet3")) => known,
        _ if knows_virtio(spec) => "virtio",
        _ => "e1000e",
    }
}

fn definition(spec: &MachineSpec, virt: &str) -> String {
    // IDE is of the older of the two boards; e1000e fits into both.
    let board = if buses(spec).contains(&"ide") { "pc" } else { "q35" };
    let arch = spec.arch.as_deref().unwrap_or("x86_64");
    let firmware = if spec.firmware == Firmware::Uefi { " firmware='efi'" } else { "" };
    // With hardware virtualisation: what the host has, as libvirt can describe it to the next host.
    let cpu = if virt == "kvm" { "<cpu mode='host-model'/>" } else { "" };
    let uuid = spec.uuid.as_ref().map_or(String::new(), |uuid| format!("<uuid>{}</uuid>", escape(uuid)));
    let title = spec.title.as_ref().map_or(String::new(), |title| format!("<title>{}</title>", escape(&title.replace('\n', " "))));
    let scsi = if buses(spec).contains(&"scsi") { "<controller type='scsi' model='virtio-scsi'/>" } else { "" };
    let disks: String = devices(spec).iter().zip(buses(spec)).map(|(device, bus)| disk(device, bus)).collect();
    let cards: String = spec.nics.iter().map(|nic| interface(nic, card(spec, nic))).collect();
    format!(
        "<domain type='{virt}'><name>{}</name>{uuid}{title}{}\
         <memory unit='MiB'>{}</memory><vcpu>{}</vcpu>\
         <os{firmware}><type arch='{}' machine='{board}'>hvm</type><boot dev='hd'/></os>\
         <features><acpi/><apic/></features>{cpu}<clock offset='utc'/>\
         <devices>{scsi}{disks}{cards}<serial type='pty'/><console type='pty'/>\
         <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>\
         <input type='tablet' bus='usb'/><graphics type='vnc' autoport='yes'><listen type='address' address='127.0.0.1'/></graphics>\
         <video><model type='vga'/></video><rng model='virtio'><backend model='random'>/dev/urandom</backend></rng></devices></domain>",
        escape(&spec.name),
        metadata(spec),
        spec.memory_mib,
        spec.vcpus,
        escape(arch),
    )
}

fn metadata(spec: &MachineSpec) -> String {
    let tags = spec.tags.join("\n");
    let os = spec.guest_os.as_ref().map_or(String::new(), |os| {
        format!(
            "<libosinfo:libosinfo xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'><libosinfo:os id='{}'/></libosinfo:libosinfo>",
            escape(os)
        )
    });
    format!("<metadata>{os}<crossfade:tags xmlns:crossfade='https://crossfade.dev/libvirt/1'>{}</crossfade:tags></metadata>", escape(&tags))
}

/// Its file is put in when the machine is made.
fn disk(device: &str, bus: &str) -> String {
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/><source file=''/><target dev='{device}' bus='{bus}'/></disk>"
    )
}

fn interface(nic: &Nic, model: &str) -> String {
    format!(
        "<interface type='network'><mac address='{}'/><source network='{}'/><model type='{model}'/></interface>",
        escape(&nic.mac),
        escape(nic.network.as_deref().unwrap_or("unknown"))
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{
        super::{
            rewrite::{Target, rewrite},
            spec,
        },
        *,
    };
    use roxmltree::Document;

    fn foreign() -> MachineSpec {
        let disk = |key: &str, bus: &str| Disk {
            key: key.into(),
            bus: bus.into(),
            size_bytes: 1 << 30,
            allocated_bytes: None,
            format: None,
            source: None,
            pool: None,
            device: "disk".into(),
            read_only: false,
        };
        let nic = |mac: &str, model: &str| Nic {
            mac: mac.into(),
            model: Some(model.into()),
            network: Some("VM Network".into()),
            addresses: vec![],
            address_source: None,
        };
        MachineSpec {
            name: "db <1>".into(),
            uuid: Some("5d7e0000-0000-4000-8000-000000000001".into()),
            vcpus: 2,
            memory_mib: 512,
            firmware: Firmware::Uefi,
            arch: None,
            guest_os: Some("Debian GNU/Linux 12".into()),
            disks: vec![disk("scsi0:0", "scsi"), disk("scsi0:1", "scsi")],
            nics: vec![nic("52:54:00:00:00:01", "vmxnet3"), nic("52:54:00:00:00:02", "pcnet32")],
            tags: vec!["prod".into(), "tier=db".into()],
            title: Some("a & b".into()),
            native_kind: "vsphere".into(),
            native: "{}".into(),
            origins: vec![],
        }
    }

    #[test]
    fn a_machine_of_another_kind_is_one_of_libvirt() {
        let adopted = adopt(foreign(), || "kvm");
        let seen = spec::of(&adopted.native, &Default::default()).unwrap();
        let was = foreign();
        assert_eq!((&seen.name, &seen.uuid, seen.vcpus, seen.memory_mib), (&was.name, &was.uuid, 2, 512));
        assert_eq!((seen.firmware, &seen.tags, &seen.title), (Firmware::Uefi, &was.tags, &was.title));
        let macs: Vec<_> = seen.nics.iter().map(|n| (n.mac.as_str(), n.model.as_deref().unwrap())).collect();
        assert_eq!(macs, [("52:54:00:00:00:01", "vmxnet3"), ("52:54:00:00:00:02", "e1000e")]);
        let disks: Vec<_> = seen.disks.iter().map(|d| (d.key.as_str(), d.bus.as_str())).collect();
        assert_eq!(disks, [("sda", "sata"), ("sdb", "sata")]);
        assert_eq!(conversions(&was).len(), 3, "{:?}", conversions(&was));
        assert_eq!(hardware(&was), "with disks on sata and cards of the kind vmxnet3, e1000e");
        Document::parse(&adopted.native).unwrap();
    }

    #[test]
    fn it_knows_what_it_was_where_it_came_from() {
        let adopted = adopt(foreign(), || "kvm");
        let files = [("sda", "/a"), ("sdb", "/b")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let made = |xml: &str, origins: &[Origin]| {
            rewrite(xml, &Target { token: "t", lineage: "l", disks: &files, networks: &[], guest: None, origins }).unwrap()
        };
        let first = made(&adopted.native, &adopted.origins);
        let here = spec::of(&first, &Default::default()).unwrap();
        // And at the next host of libvirt.
        let there = spec::of(&made(&first, &here.origins), &Default::default()).unwrap();
        for seen in [here, there] {
            assert_eq!((seen.native_of("vsphere"), seen.key_of("vsphere", 1)), (Some("{}"), Some("scsi0:1")));
            assert_eq!(seen.model_of("vsphere", &seen.nics[1]), Some("pcnet32"), "{:?}", seen.nics);
            assert!(seen.native_of("ec2").is_none() && seen.key_of("ec2", 0).is_none());
        }
    }

    #[test]
    fn files_follow_their_disks() {
        let files = [("scsi0:0", "/a"), ("scsi0:1", "/b")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let named = by_device(&foreign(), files);
        assert_eq!(named.into_iter().collect::<Vec<_>>(), [("sda".into(), "/a".into()), ("sdb".into(), "/b".into())]);
    }

    #[test]
    fn guests_of_qemu_keep_virtio_and_odd_identities_are_left_out() {
        let mut spec = foreign();
        spec.native_kind = "openstack".into();
        spec.uuid = Some("i-0123".into());
        spec.disks[0].bus = "virtio".into();
        spec.nics[0].model = None;
        let adopted = adopt(spec, || "qemu");
        assert_eq!((adopted.uuid, adopted.disks[0].bus.as_str(), adopted.disks[1].bus.as_str()), (None, "virtio", "scsi"));
        assert!(adopted.native.contains("virtio-scsi") && adopted.native.contains("<model type='virtio'/>"));
        assert_eq!((letters(0), letters(25), letters(26), letters(52)), ("a".into(), "z".into(), "aa".into(), "ba".into()));
    }

    #[test]
    fn a_machine_of_libvirt_stays_as_it_is() {
        let own = MachineSpec { native_kind: KIND.into(), ..foreign() };
        assert_eq!(adopt(own.clone(), || panic!("the host was asked")), own);
    }
}
