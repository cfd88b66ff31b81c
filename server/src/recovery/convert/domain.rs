//! A machine as virt-v2v reads it: libvirt's XML with the overlays as its disks. Pure.

use crate::clouds::MachineSpec;
use model::machine::Firmware;
use std::path::Path;

/// `overlays`: one for each disk, in their order.
pub fn xml<P: AsRef<Path>>(spec: &MachineSpec, overlays: &[P]) -> String {
    let firmware = if spec.firmware == Firmware::Uefi { " firmware='efi'" } else { "" };
    let board = if spec.firmware == Firmware::Uefi { "q35" } else { "pc" };
    let disks: String = overlays.iter().enumerate().map(|(number, file)| disk(number, file.as_ref())).collect();
    let cards: String = spec.nics.iter().map(|nic| card(&nic.mac)).collect();
    format!(
        "<domain type='kvm'><name>{}</name><memory unit='MiB'>{}</memory><vcpu>{}</vcpu>\
         <os{firmware}><type arch='{}' machine='{board}'>hvm</type><boot dev='hd'/></os><features><acpi/><apic/></features>\
         <devices>{disks}{cards}</devices></domain>",
        escape(&spec.name),
        spec.memory_mib,
        spec.vcpus,
        escape(spec.arch.as_deref().unwrap_or("x86_64")),
    )
}

fn disk(number: usize, file: &Path) -> String {
    // `sda`, `sdb` …: more than 26 are told apart by their order alone.
    let letter = char::from(b'a' + u8::try_from(number % 26).unwrap_or_default());
    let prefix = if number < 26 { String::new() } else { char::from(b'a' + u8::try_from(number / 26 - 1).unwrap_or_default()).to_string() };
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='sd{prefix}{letter}' bus='scsi'/></disk>",
        escape(&file.display().to_string())
    )
}

fn card(mac: &str) -> String {
    format!("<interface type='network'><mac address='{}'/><source network='default'/></interface>", escape(mac))
}

/// What XML does not allow at all is left out: a name is nobody's identity here.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use model::machine::{Disk, Nic};

    pub fn spec() -> MachineSpec {
        let disk = |key: &str| Disk {
            key: key.into(),
            bus: "scsi".into(),
            size_bytes: 1 << 30,
            allocated_bytes: None,
            format: None,
            source: None,
            pool: None,
            device: "disk".into(),
            read_only: false,
        };
        let nic =
            Nic { mac: "52:54:00:00:00:01".into(), model: Some("vmxnet3".into()), network: None, addresses: vec![], address_source: None };
        MachineSpec {
            name: "db <1> & 'co'".into(),
            uuid: None,
            vcpus: 2,
            memory_mib: 512,
            firmware: Firmware::Bios,
            arch: None,
            guest_os: Some("Debian GNU/Linux 12 (64-bit)".into()),
            disks: vec![disk("scsi0:0"), disk("scsi0:1")],
            nics: vec![nic],
            tags: vec![],
            title: None,
            native_kind: "vsphere".into(),
            native: "{}".into(),
            origins: vec![],
        }
    }

    #[test]
    fn a_definition_has_the_overlays_in_the_order_of_the_disks() {
        let text = xml(&spec(), &["/s/0.qcow2", "/s/it's.qcow2"]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let all = |name: &str, attribute: &str| {
            document
                .descendants()
                .filter(|one| one.has_tag_name(name))
                .filter_map(|one| one.attribute(attribute).map(str::to_owned))
                .collect::<Vec<_>>()
        };
        assert_eq!(all("source", "file"), ["/s/0.qcow2", "/s/it's.qcow2"]);
        assert_eq!(all("target", "dev"), ["sda", "sdb"]);
        assert_eq!(all("mac", "address"), ["52:54:00:00:00:01"]);
        assert_eq!((all("os", "firmware").len(), all("type", "machine")), (0, vec!["pc".to_owned()]));
        let name = document.descendants().find(|one| one.has_tag_name("name")).unwrap().text().unwrap().to_owned();
        assert_eq!(name, spec().name);
    }

    #[test]
    fn many_disks_have_names_of_their_own_and_uefi_is_told() {
        let files: Vec<String> = (0..30).map(|n| format!("/s/{n}")).collect();
        let text = xml(&MachineSpec { firmware: Firmware::Uefi, ..spec() }, &files);
        assert!(
            text.contains("<os firmware='efi'><type arch='x86_64' machine='q35'>") && text.contains("'sdz'") && text.contains("'sdad'")
        );
        assert!(roxmltree::Document::parse(&text).is_ok());
    }
}
