//! A virtual machine of vSphere as a machine. Pure.

use super::super::{lock, props::Object, xml::Node};
use crate::clouds::Observed;
use model::machine::{Disk, Firmware, Nic, PowerState};
use serde_json::json;
use std::collections::BTreeMap;

/// What is read of every machine.
pub const PATHS: &[&str] = &[
    "name",
    "config.annotation",
    "config.firmware",
    "config.guestFullName",
    "config.guestId",
    "config.hardware.device",
    "config.hardware.memoryMB",
    "config.hardware.numCPU",
    "config.instanceUuid",
    "config.template",
    "config.uuid",
    "config.version",
    "guest.guestState",
    "guest.hostName",
    "guest.net",
    "guest.toolsRunningStatus",
    "guest.toolsVersionStatus2",
    "runtime.connectionState",
    "runtime.host",
    "runtime.powerState",
    "summary.storage.committed",
];

/// The notes of a machine until it is whole.
pub const BUILDING: &str = "Crossfade is making this machine.";
/// Of [`Disk::pool`] where a path has no datastore.
const NO_POOL: &str = "";

/// Templates are none, except those that are ours: locked machines. What is being made is none yet.
pub fn is_machine(object: &Object) -> bool {
    let notes = object.get("config.annotation").unwrap_or_default();
    notes != BUILDING && (!object.flag("config.template") || lock::reason(notes).is_some())
}

/// Only what is surely off counts as off: a machine that its host does not answer for is not.
pub fn state(object: &Object) -> PowerState {
    if object.get("runtime.connectionState").is_some_and(|state| state != "connected") {
        return PowerState::Unknown;
    }
    match (object.get("runtime.powerState"), object.get("guest.guestState")) {
        (Some("poweredOn"), Some("shuttingDown")) => PowerState::ShuttingDown,
        (Some("poweredOn"), _) => PowerState::Running,
        (Some("poweredOff"), _) => PowerState::Stopped,
        (Some("suspended"), _) => PowerState::Suspended,
        _ => PowerState::Unknown,
    }
}

/// `networks`: names of port groups by key. `tags`: what the tagging service has for it.
pub fn observed(object: &Object, networks: &BTreeMap<String, String>, tags: &[String]) -> Observed {
    let get = |key: &str| object.get(key).map(str::to_owned);
    let devices = object.prop("config.hardware.device").map(|one| one.children.as_slice()).unwrap_or_default();
    let annotation = object.get("config.annotation").unwrap_or_default();
    let mut disks = disks(devices);
    // What all of it occupies is known, and it is this disk when there is no other.
    let committed = object.number::<u64>("summary.storage.committed");
    if let [only] = disks.iter_mut().filter(|one| one.device == "disk").collect::<Vec<_>>().as_mut_slice() {
        only.allocated_bytes = committed.map(|bytes| bytes.min(only.size_bytes));
    }
    Observed {
        native_id: object.id.id.clone(),
        name: name(object),
        state: state(object),
        vcpus: object.number("config.hardware.numCPU").unwrap_or_default(),
        memory_mib: object.number("config.hardware.memoryMB").unwrap_or_default(),
        disks,
        nics: nics(devices, object.prop("guest.net"), networks),
        tags: tags.to_vec(),
        title: lock::without(annotation).lines().next().map(|line| line.chars().take(120).collect()),
        firmware: if object.get("config.firmware") == Some("efi") { Firmware::Uefi } else { Firmware::Bios },
        arch: Some(if object.get("config.guestId").is_some_and(|id| id.starts_with("arm")) { "aarch64" } else { "x86_64" }.into()),
        guest_os: get("config.guestFullName"),
        // It is a setting of the host; see `power`.
        autostart: None,
        locked: object.flag("config.template").then(|| lock::reason(annotation)).flatten(),
        native: json!({
            "moref": object.id.id,
            "uuid": get("config.uuid"),
            "instance_uuid": get("config.instanceUuid"),
            "host": get("runtime.host"),
            "guest_id": get("config.guestId"),
            "host_name": get("guest.hostName"),
            "hardware": get("config.version"),
            "tools": get("guest.toolsRunningStatus"),
            "tools_version": get("guest.toolsVersionStatus2"),
            "connection": get("runtime.connectionState"),
            "template": object.flag("config.template"),
        }),
    }
}

/// Slashes and percent signs in names are escaped by vSphere.
pub fn name(object: &Object) -> String {
    object.get("name").unwrap_or_default().replace("%2f", "/").replace("%2F", "/").replace("%5c", "\\").replace("%25", "%")
}

fn disks(devices: &[Node]) -> Vec<Disk> {
    devices.iter().filter_map(|device| disk(device, devices)).collect()
}

fn disk(device: &Node, devices: &[Node]) -> Option<Disk> {
    let kind = match device.kind.as_str() {
        "VirtualDisk" => "disk",
        "VirtualCdrom" => "cdrom",
        "VirtualFloppy" => "floppy",
        _ => return None,
    };
    let backing = device.child("backing");
    let path = backing.and_then(|one| one.get("fileName")).map(str::to_owned);
    let raw = backing.is_some_and(|one| one.kind.contains("RawDiskMapping"));
    let (bus, key) = place(device, devices);
    Some(Disk {
        key,
        bus,
        size_bytes: size(device),
        allocated_bytes: None,
        format: (kind == "disk").then(|| "vmdk".to_owned()),
        pool: path.as_deref().map(|path| datastore(path).to_owned()).filter(|pool| pool != NO_POOL),
        source: path,
        device: if raw { "lun" } else { kind }.into(),
        read_only: kind == "cdrom",
    })
}

/// Bytes.
pub fn size(device: &Node) -> u64 {
    let kib = || device.number::<u64>("capacityInKB").unwrap_or_default() * 1024;
    device.number("capacityInBytes").filter(|bytes| *bytes > 0).unwrap_or_else(kib)
}

/// Bus, and the name of the place: `scsi0:1`.
pub fn place(device: &Node, devices: &[Node]) -> (String, String) {
    let controller = device.get("controllerKey").and_then(|key| devices.iter().find(|one| one.get("key") == Some(key)));
    let bus = controller.map_or("scsi", |one| bus(&one.kind));
    let number = controller.and_then(|one| one.get("busNumber")).unwrap_or("0");
    (bus.to_owned(), format!("{bus}{number}:{}", device.get("unitNumber").unwrap_or("0")))
}

fn bus(controller: &str) -> &'static str {
    match controller {
        "VirtualIDEController" => "ide",
        "VirtualNVMEController" => "nvme",
        "VirtualSIOController" => "floppy",
        kind if kind.contains("AHCI") || kind.contains("SATA") => "sata",
        _ => "scsi",
    }
}

/// `[datastore] folder/file` → `datastore`.
pub fn datastore(path: &str) -> &str {
    path.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(NO_POOL, |(name, _)| name)
}

/// A card's model by the type of its device; `None`: no card.
pub fn card(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "VirtualVmxnet3" | "VirtualVmxnet3Vrdma" => "vmxnet3",
        "VirtualVmxnet2" | "VirtualVmxnet" => "vmxnet2",
        "VirtualE1000" => "e1000",
        "VirtualE1000e" => "e1000e",
        "VirtualPCNet32" => "pcnet32",
        "VirtualSriovEthernetCard" => "sriov",
        _ => return None,
    })
}

fn nics(devices: &[Node], guest: Option<&Node>, networks: &BTreeMap<String, String>) -> Vec<Nic> {
    let cards = devices.iter().filter_map(|device| Some((device, card(&device.kind)?)));
    let nic = |(device, model): (&Node, &str)| {
        let mac = device.get("macAddress").unwrap_or_default().to_lowercase();
        let addresses = addresses(guest, &mac);
        Nic {
            model: Some(model.to_owned()),
            network: network(device, networks),
            address_source: (!addresses.is_empty()).then(|| "agent".to_owned()),
            addresses,
            mac,
        }
    };
    cards.map(nic).collect()
}

fn network(device: &Node, networks: &BTreeMap<String, String>) -> Option<String> {
    let backing = device.child("backing")?;
    let key = backing.get("port/portgroupKey").or(backing.get("opaqueNetworkId"));
    match key {
        Some(key) => Some(networks.get(key).cloned().unwrap_or_else(|| key.to_owned())),
        None => backing.get("deviceName").map(str::to_owned),
    }
}

/// What VMware Tools told, without the addresses that each card gives itself.
fn addresses(guest: Option<&Node>, mac: &str) -> Vec<String> {
    let own = |net: &&Node| net.get("macAddress").is_some_and(|seen| seen.eq_ignore_ascii_case(mac));
    let nets = guest.into_iter().flat_map(|all| all.children.iter()).filter(own);
    let all = nets.flat_map(|net| net.all("ipAddress").map(|one| one.text.to_string()));
    all.filter(|address| !address.starts_with("fe80:") && !address.is_empty()).collect()
}

/// The devices of a machine, where they were asked for.
pub fn devices(object: &Object) -> &[Node] {
    object.prop("config.hardware.device").map(|one| one.children.as_slice()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
