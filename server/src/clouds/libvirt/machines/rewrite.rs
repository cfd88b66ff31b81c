//! A definition of one host as the definition of another. Pure.
//!
//! Kept: everything that the guest sees (UUID, MACs, devices, firmware kind, CPU). Changed: where disks and networks
//! come from. Dropped: what belongs to the old host (paths of programs, media in drives, host-side interface names).

use super::super::{
    inventory::domain::{child, children, devices},
    lock,
    meta::{ADDRESSES_NS, MACHINE_NS, NS, ORIGINS_NS, escape},
    source::plan::holds_data,
};
use super::{edit::Edits, seed};
use crate::clouds::{GuestCard, GuestNetwork, Origin};
use model::Mapping;
use roxmltree::{Document, Node};
use std::collections::BTreeMap;

pub struct Target<'a> {
    pub token: &'a str,
    pub lineage: &'a str,
    /// By disk: the file that it gets.
    pub disks: &'a BTreeMap<String, String>,
    pub networks: &'a [Mapping],
    /// What its guest is told of its addresses, and the file at the host that says so.
    pub guest: Option<(&'a GuestNetwork, &'a str)>,
    /// What it is at other kinds of cloud.
    pub origins: &'a [Origin],
}

/// # Errors
/// What cannot be rewritten, in words.
pub fn rewrite(xml: &str, target: &Target<'_>) -> Result<String, String> {
    // A locked source is taken over without its lock.
    let xml = lock::unlock(xml).map_err(|error| error.to_string())?;
    let document = Document::parse(&xml).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let mut edits = Edits::default();
    for node in devices(root, "disk") {
        disk(node, target.disks, &mut edits)?;
    }
    devices(root, "interface").for_each(|node| interface(node, target.networks, &mut edits));
    devices(root, "emulator").for_each(|node| edits.cut(node));
    // The variables of the firmware stay behind: libvirt makes new ones from its template.
    child(root, "os").into_iter().flat_map(|os| children(os, "nvram")).for_each(|node| edits.cut(node));
    root.children()
        .filter(|one| matches!(one.tag_name().name(), "seclabel" | "numatune" | "cputune" | "resource"))
        .for_each(|node| edits.cut(node));
    marker(&xml, root, target, &mut edits);
    if let Some((guest, file)) = target.guest {
        told(&xml, root, guest, file, &mut edits);
    }
    Ok(edits.apply(&xml))
}

fn disk(node: Node<'_, '_>, files: &BTreeMap<String, String>, edits: &mut Edits) -> Result<(), String> {
    let named = |name: &str| node.children().find(|one| one.tag_name().name() == name);
    if seed::is_seed(node) {
        edits.cut(node);
        return Ok(());
    }
    if !holds_data(node) {
        // The medium in a drive lies at the old host: the drive comes empty.
        if matches!(node.attribute("device"), Some("cdrom" | "floppy")) {
            named("source").into_iter().chain(named("backingStore")).for_each(|one| edits.cut(one));
        }
        return Ok(());
    }
    let key = named("target").and_then(|one| one.attribute("dev")).ok_or("a disk has no target")?;
    let file = files.get(key).ok_or_else(|| format!("the recovery point has no disk {key}"))?;
    let mut out = String::from("<disk type='file' device='disk'");
    for attribute in node.attributes().filter(|one| !matches!(one.name(), "type" | "device" | "rawio" | "sgio")) {
        out += &format!(" {}='{}'", attribute.name(), escape(attribute.value()));
    }
    out += &format!(">{}<source file='{}'/>", driver(named("driver")), escape(file));
    for one in node.children().filter(|one| one.is_element()) {
        if !matches!(one.tag_name().name(), "driver" | "source" | "backingStore" | "mirror" | "encryption") {
            out += &node.document().input_text()[one.range()];
        }
    }
    edits.replace(node, out + "</disk>");
    Ok(())
}

/// The same caching and discarding, but a qcow2 file now.
fn driver(node: Option<Node<'_, '_>>) -> String {
    let mut out = String::from("<driver name='qemu' type='qcow2'");
    for one in node.into_iter().flat_map(|node| node.attributes()).filter(|one| !matches!(one.name(), "name" | "type")) {
        out += &format!(" {}='{}'", one.name(), escape(one.value()));
    }
    out + "/>"
}

/// What a card is connected to now: a network, or a bridge or interface of the host.
pub fn source_of<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    let source = node.children().find(|one| one.tag_name().name() == "source")?;
    ["network", "bridge", "dev"].iter().find_map(|name| source.attribute(*name))
}

/// A card of a definition, connected to the network that its own is mapped to.
pub fn interface(node: Node<'_, '_>, networks: &[Mapping], edits: &mut Edits) {
    let Some(from) = source_of(node) else { return };
    let to = networks.iter().find(|one| one.from == from).map(|one| one.to.as_str());
    // A bridge that nobody mapped is taken to exist under the same name.
    let Some(to) = to.or((node.attribute("type") == Some("network")).then_some(from)) else { return };
    let mut out = String::from("<interface type='network'>");
    for one in node.children().filter(|one| one.is_element()) {
        match one.tag_name().name() {
            "source" => out += &format!("<source network='{}'/>", escape(to)),
            // Host-side names and port profiles mean nothing elsewhere.
            "target" | "virtualport" | "backend" | "vlan" => {}
            _ => out += &node.document().input_text()[one.range()],
        }
    }
    edits.replace(node, out + "</interface>");
}

fn marker(xml: &str, root: Node<'_, '_>, target: &Target<'_>, edits: &mut Edits) {
    let guest = target.guest.and_then(|(guest, _)| serde_json::to_string(guest).ok());
    let guest = guest.map_or(String::new(), |guest| format!(" guest=\"{}\"", escape(&guest)));
    let marker = format!(
        "<crossfade:machine xmlns:crossfade=\"{MACHINE_NS}\" token=\"{}\" lineage=\"{}\"{guest}/>{}{}",
        escape(target.token),
        escape(target.lineage),
        target.guest.map_or(String::new(), |(guest, _)| addresses(guest)),
        origins(target.origins),
    );
    let Some(metadata) = child(root, "metadata") else {
        let at = child(root, "devices").map_or(root.range().end - "</domain>".len(), |node| node.range().start);
        return edits.insert(at, format!("<metadata>{marker}</metadata>"));
    };
    // Of an earlier move.
    let ours = |one: &Node<'_, '_>| matches!(one.tag_name().namespace(), Some(MACHINE_NS | ADDRESSES_NS | ORIGINS_NS));
    metadata.children().filter(ours).for_each(|one| edits.cut(one));
    match xml[metadata.range()].rfind("</") {
        Some(end) => edits.insert(metadata.range().start + end, marker),
        None => edits.replace(metadata, format!("<metadata>{marker}</metadata>")),
    }
}

/// The drive, and none of the addresses that were written down for it before.
fn told(xml: &str, root: Node<'_, '_>, guest: &GuestNetwork, file: &str, edits: &mut Edits) {
    let Some(list) = child(root, "devices") else { return };
    let end = xml[list.range()].rfind("</").unwrap_or_default();
    edits.insert(list.range().start + end, seed::drive(root, file));
    let known =
        |one: &Node<'_, '_>| one.attribute("mac").is_some_and(|mac| guest.cards.iter().any(|card| card.mac.eq_ignore_ascii_case(mac)));
    // Those that were written here go with the marker.
    let written = |ns: &str| ns.starts_with(NS) && ns != ADDRESSES_NS;
    let ours = |one: &Node<'_, '_>| one.tag_name().name() == "address" && one.tag_name().namespace().is_some_and(written);
    child(root, "metadata").into_iter().flat_map(|node| node.descendants()).filter(ours).filter(known).for_each(|one| edits.cut(one));
}

fn origins(all: &[Origin]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let text = serde_json::to_string(all).unwrap_or_default();
    format!("<crossfade:origins xmlns:crossfade=\"{ORIGINS_NS}\">{}</crossfade:origins>", escape(&text))
}

fn addresses(guest: &GuestNetwork) -> String {
    let each = |card: &GuestCard| -> String {
        let bare = |one: &String| one.split('/').next().unwrap_or_default().to_owned();
        card.addresses
            .iter()
            .map(|one| format!("<crossfade:address mac=\"{}\" ip=\"{}\"/>", escape(&card.mac), escape(&bare(one))))
            .collect()
    };
    let all: String = guest.cards.iter().map(each).collect();
    format!("<crossfade:addresses xmlns:crossfade=\"{ADDRESSES_NS}\">{all}</crossfade:addresses>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::libvirt::meta;

    const XML: &str = "<domain type='kvm'><name>a</name><uuid>u</uuid><os firmware='efi'><type arch='x86_64'>hvm</type><nvram>/x_VARS.fd</nvram></os>\
        <devices><emulator>/usr/bin/qemu-kvm</emulator>\
        <disk type='block' device='disk' snapshot='external'><driver name='qemu' type='raw' cache='none' discard='unmap'/><source dev='/dev/vg/a'/><backingStore/><target dev='vda' bus='virtio'/><serial>S1</serial></disk>\
        <disk type='file' device='cdrom'><source file='/x.iso'/><target dev='sda' bus='sata'/><readonly/></disk>\
        <interface type='bridge'><mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='vnet7'/><model type='virtio'/></interface>\
        <interface type='network'><mac address='52:54:00:00:00:02'/><source network='lan' portgroup='x'/></interface>\
        <interface type='bridge'><mac address='52:54:00:00:00:03'/><source bridge='br9'/></interface></devices></domain>";

    fn done(xml: &str) -> String {
        let disks = [("vda".to_owned(), "/pool/a&b.qcow2".to_owned())].into();
        let networks = [Mapping { from: "br0".into(), to: "prod".into() }];
        rewrite(xml, &Target { token: "run/1", lineage: "l1", disks: &disks, networks: &networks, guest: None, origins: &[] }).unwrap()
    }

    #[test]
    fn the_guest_sees_the_same_machine_at_another_place() {
        let out = done(XML);
        let document = Document::parse(&out).unwrap();
        let root = document.root_element();
        let disk = devices(root, "disk").next().unwrap();
        assert_eq!(child(disk, "source").unwrap().attribute("file"), Some("/pool/a&b.qcow2"));
        let driver = child(disk, "driver").unwrap();
        assert_eq!(
            (driver.attribute("type"), driver.attribute("cache"), driver.attribute("discard")),
            (Some("qcow2"), Some("none"), Some("unmap"))
        );
        assert_eq!(child(disk, "serial").unwrap().text(), Some("S1"));
        assert!(child(disk, "backingStore").is_none() && disk.attribute("snapshot") == Some("external"));
        assert!(child(devices(root, "disk").nth(1).unwrap(), "source").is_none(), "an empty drive");
        let sources: Vec<_> = devices(root, "interface").map(|one| (one.attribute("type").unwrap(), source_of(one).unwrap())).collect();
        assert_eq!(sources, [("network", "prod"), ("network", "lan"), ("bridge", "br9")]);
        assert_eq!(child(devices(root, "interface").next().unwrap(), "mac").unwrap().attribute("address"), Some("52:54:00:00:00:01"));
        assert!(!out.contains("nvram") && !out.contains("emulator") && !out.contains("vnet7") && !out.contains("portgroup"));
        let meta = meta::read(root);
        assert_eq!((meta.token.as_deref(), meta.lineage.as_deref()), (Some("run/1"), Some("l1")));
    }

    #[test]
    fn a_second_move_has_one_marker_and_no_lock() {
        let locked = lock::lock(&done(XML), "moved").unwrap();
        let again = done(&locked);
        assert_eq!(again.matches("<crossfade:machine").count(), 1);
        assert!(!again.contains("crossfade:lock") && !again.contains(meta::LOCK_FOLDER));
    }

    #[test]
    fn a_guest_is_told_its_addresses_by_one_drive_and_the_next_move_knows_them() {
        let guest = |address: &str| GuestNetwork {
            instance: "run/1".into(),
            hostname: "a".into(),
            cards: vec![GuestCard { mac: "52:54:00:00:00:01".into(), addresses: vec![address.into()], ..GuestCard::default() }],
        };
        let disks = [("vda".to_owned(), "/pool/a.qcow2".to_owned())].into();
        let tell = |xml: &str, guest: &GuestNetwork, file: &str| {
            rewrite(xml, &Target { token: "t", lineage: "l", disks: &disks, networks: &[], guest: Some((guest, file)), origins: &[] })
                .unwrap()
        };
        let written = XML.replace(
            "<devices><emulator>",
            "<metadata><c:about xmlns:c='https://crossfade.dev/libvirt/1'><c:address mac='52:54:00:00:00:01' ip='10.77.1.11'/></c:about></metadata><devices><emulator>",
        );
        let once = tell(&written, &guest("10.77.2.11/24"), "/pool/one.img");
        let twice = tell(&once, &guest("10.77.3.11/24"), "/pool/two.img");
        for (xml, address, file) in [(&once, "10.77.2.11", "/pool/one.img"), (&twice, "10.77.3.11", "/pool/two.img")] {
            let document = Document::parse(xml).unwrap();
            let root = document.root_element();
            assert_eq!((seed::path(root), xml.matches(seed::ALIAS).count()), (Some(file), 1));
            let meta = meta::read(root);
            assert_eq!(meta.addresses["52:54:00:00:00:01"], [address]);
            assert_eq!(meta.guest, Some(guest(&format!("{address}/24"))));
        }
        // Without rules the drive of the old host does not come along.
        assert!(!done(&once.replace("/pool/a.qcow2", "/dev/vg/a")).contains(seed::ALIAS));
    }

    #[test]
    fn a_point_without_one_of_the_disks_is_refused() {
        let disks = BTreeMap::new();
        let refused =
            rewrite(XML, &Target { token: "t", lineage: "l", disks: &disks, networks: &[], guest: None, origins: &[] }).unwrap_err();
        assert!(refused.contains("vda"));
    }
}
