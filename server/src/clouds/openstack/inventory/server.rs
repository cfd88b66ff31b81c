//! A server of Nova as a machine. Pure.

use crate::clouds::Observed;
use model::machine::{Disk, Firmware, Nic, PowerState};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// What this driver writes into a server's metadata.
pub mod meta {
    /// How it boots, as the console has made it: Nova itself does not show that of a machine.
    pub const FIRMWARE: &str = "crossfade_firmware";
    pub const TOKEN: &str = "crossfade_token";
    pub const LINEAGE: &str = "crossfade_lineage";
    /// The image that it is to run. While the server has another one, it is only a place that is kept for it.
    pub const IMAGE: &str = "crossfade_image";
    /// On a server that boots from a volume: the volume does not hold its disk yet.
    pub const WAITS: &str = "crossfade_waits";
    /// Bytes of the disk, exactly.
    pub const SIZE: &str = "crossfade_size";
    /// The identity that the guest had at the cloud where it was born.
    pub const UUID: &str = "crossfade_uuid";
    pub const TAGS: &str = "crossfade_tags";
    pub const TITLE: &str = "crossfade_title";
    /// It is paused by us, or about to be, until then (milliseconds): see `source/pause.rs`.
    pub const PAUSED: &str = "crossfade_paused";
    /// How long the last snapshots of all its disks took, in milliseconds.
    pub const PAUSE_TOOK: &str = "crossfade_pause_took";
}

const RUNNING: i64 = 1;
const PAUSED: i64 = 3;
const SHUTDOWN: i64 = 4;
const CRASHED: i64 = 6;

#[derive(Clone, Debug, Deserialize)]
pub struct Server {
    pub id: String,
    pub name: String,
    pub status: String,
    #[serde(rename = "OS-EXT-STS:task_state", default)]
    pub task: Option<String>,
    #[serde(rename = "OS-EXT-STS:power_state", default)]
    pub power: i64,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub flavor: Flavor,
    /// An object with the id, or an empty text for a server that boots from a volume.
    #[serde(default)]
    image: Value,
    #[serde(default)]
    pub addresses: BTreeMap<String, Vec<Address>>,
    #[serde(default)]
    pub locked: bool,
    #[serde(default)]
    pub locked_reason: Option<String>,
    #[serde(rename = "os-extended-volumes:volumes_attached", default)]
    pub volumes: Vec<Volume>,
    #[serde(default)]
    pub fault: Option<Fault>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub struct Flavor {
    #[serde(default)]
    pub original_name: String,
    #[serde(default)]
    pub vcpus: u32,
    #[serde(default)]
    pub ram: u64,
    #[serde(default)]
    pub disk: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Address {
    pub addr: String,
    #[serde(rename = "OS-EXT-IPS-MAC:mac_addr", default)]
    pub mac: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Volume {
    pub id: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Fault {
    #[serde(default)]
    pub message: String,
}

impl Server {
    pub fn image(&self) -> Option<&str> {
        self.image.get("id")?.as_str()
    }
    pub fn meta(&self, key: &str) -> Option<&str> {
        self.metadata.get(key).map(String::as_str)
    }
    /// Made, and never started: what runs is an empty disk, which boots nothing.
    pub fn is_prepared(&self) -> bool {
        match self.image() {
            Some(now) => self.meta(meta::IMAGE).is_some_and(|image| now != image),
            None => self.meta(meta::WAITS).is_some(),
        }
    }
    /// Paused by us, for a moment.
    pub fn is_held(&self) -> bool {
        self.status == "PAUSED" && self.meta(meta::PAUSED).is_some()
    }
    pub fn is_deleted(&self) -> bool {
        matches!(self.status.as_str(), "DELETED" | "SOFT_DELETED")
    }
    /// Why an action on it failed, in Nova's words.
    pub fn fault(&self) -> &str {
        self.fault.as_ref().map_or("Nova does not say why", |fault| &fault.message)
    }
}

/// Only what is surely off counts as off: a machine that may write to its disk is not.
pub fn state(server: &Server) -> PowerState {
    if server.is_prepared() {
        return PowerState::Stopped;
    }
    // It goes on by itself. Nova sees the guest paused a moment before it says so.
    if server.is_held() || server.meta(meta::PAUSED).is_some() && server.status == "ACTIVE" && server.power == PAUSED {
        return PowerState::Running;
    }
    let task = server.task.as_deref();
    match (server.status.as_str(), server.power, task) {
        ("ACTIVE", _, Some("powering-off")) | ("SHUTOFF", RUNNING, Some("powering-off")) => PowerState::ShuttingDown,
        // The guest went down by itself and Nova has seen it.
        ("ACTIVE", SHUTDOWN, None) => PowerState::Stopped,
        ("ACTIVE", CRASHED, None) => PowerState::Crashed,
        ("ACTIVE", RUNNING, _) | ("REBOOT" | "HARD_REBOOT" | "PASSWORD", ..) | ("VERIFY_RESIZE", RUNNING, _) => PowerState::Running,
        ("SHUTOFF", RUNNING, _) => PowerState::Running,
        ("SHUTOFF", PAUSED, _) => PowerState::Paused,
        (
            "SHUTOFF",
            _,
            None | Some("image_snapshot" | "image_snapshot_pending" | "image_pending_upload" | "image_uploading" | "deleting"),
        ) => PowerState::Stopped,
        ("PAUSED", ..) => PowerState::Paused,
        ("SUSPENDED", ..) => PowerState::Suspended,
        ("SHELVED" | "SHELVED_OFFLOADED", _, None) => PowerState::Stopped,
        ("ERROR", RUNNING, _) => PowerState::Running,
        ("ERROR", SHUTDOWN | CRASHED, None) => PowerState::Crashed,
        _ => PowerState::Unknown,
    }
}

/// A volume that a server has, as Cinder shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    pub id: String,
    /// `vdb`; not every cloud states it.
    pub device: Option<String>,
    /// 0: nobody could tell.
    pub bytes: u64,
    /// Its type; `volume` where it has none.
    pub pool: String,
}

/// `root`: bytes of the disk that came from the image, where they are known.
pub fn observed(server: &Server, root: Option<u64>, volumes: &[Attached], native: Value) -> Observed {
    let tags = server.meta(meta::TAGS).into_iter().flat_map(|all| all.split(',')).filter(|tag| !tag.is_empty()).map(str::to_owned);
    let own = server.tags.iter().filter(|tag| !tag.starts_with("crossfade-")).cloned();
    let reason = || server.locked_reason.clone().unwrap_or_else(|| "locked at OpenStack, without a reason".into());
    Observed {
        native_id: server.id.clone(),
        name: server.name.clone(),
        state: state(server),
        vcpus: server.flavor.vcpus,
        memory_mib: server.flavor.ram,
        disks: disks(server, root, volumes),
        nics: nics(server),
        tags: tags.chain(own).collect(),
        title: server.meta(meta::TITLE).map(str::to_owned),
        firmware: server.meta(meta::FIRMWARE).and_then(|text| serde_json::from_value(text.into()).ok()).unwrap_or(Firmware::Bios),
        arch: None,
        guest_os: None,
        // Nova has no such notion for one machine.
        autostart: None,
        locked: server.locked.then(reason),
        native,
    }
}

/// In the order in which the guest sees them.
fn disks(server: &Server, root: Option<u64>, volumes: &[Attached]) -> Vec<Disk> {
    let disk = |key: String, size: u64, pool: &str, source: &str| Disk {
        key,
        bus: "virtio".into(),
        size_bytes: size,
        allocated_bytes: None,
        format: None,
        source: Some(source.to_owned()),
        pool: Some(pool.to_owned()),
        device: "disk".into(),
        read_only: false,
    };
    let image = server.image().map(|image| disk("vda".into(), root.unwrap_or_default(), "image", image));
    let mut all: Vec<Disk> = image.into_iter().collect();
    for one in in_order(volumes) {
        let free = (b'a'..=b'z').map(|letter| format!("vd{}", char::from(letter))).find(|key| all.iter().all(|disk| disk.key != *key));
        let key = one.device.clone().or(free).unwrap_or_else(|| one.id.clone());
        all.push(disk(key, one.bytes, &one.pool, &one.id));
    }
    all
}

/// `vdz` comes before `vdaa`; those without a device are last.
fn in_order(volumes: &[Attached]) -> Vec<&Attached> {
    let mut all: Vec<&Attached> = volumes.iter().collect();
    all.sort_by_key(|one| one.device.as_ref().map_or((usize::MAX, ""), |device| (device.len(), device.as_str())));
    all
}

/// By MAC: a card may have several addresses.
fn nics(server: &Server) -> Vec<Nic> {
    let mut all: Vec<Nic> = vec![];
    for (network, addresses) in &server.addresses {
        for one in addresses {
            match all.iter_mut().find(|nic| nic.mac == one.mac) {
                Some(nic) => nic.addresses.push(one.addr.clone()),
                None => all.push(Nic {
                    mac: one.mac.clone(),
                    model: Some("virtio".into()),
                    network: Some(network.clone()),
                    addresses: vec![one.addr.clone()],
                    address_source: Some("configured".into()),
                }),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As Nova gives it at microversion 2.79 (Zed), shortened.
    fn answer() -> Value {
        json!({ "id": "s1", "name": "db1", "status": "ACTIVE", "tenant_id": "p", "metadata": { "crossfade_tags": "prod,tier=db" },
          "image": { "id": "i1", "links": [] }, "flavor": { "vcpus": 1, "ram": 96, "disk": 0, "ephemeral": 0, "swap": 0, "original_name": "lab.96", "extra_specs": {} },
          "created": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:00:05Z",
          "addresses": { "svc": [
            { "version": 4, "addr": "10.88.0.21", "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "52:54:00:c0:00:01" },
            { "version": 4, "addr": "198.51.100.7", "OS-EXT-IPS:type": "floating", "OS-EXT-IPS-MAC:mac_addr": "52:54:00:c0:00:01" }] },
          "config_drive": "True", "key_name": null, "OS-EXT-STS:task_state": null, "OS-EXT-STS:vm_state": "active", "OS-EXT-STS:power_state": 1,
          "os-extended-volumes:volumes_attached": [{ "id": "v1", "delete_on_termination": false }], "locked": true, "locked_reason": "moved", "description": null,
          "tags": ["crossfade-abc", "blue"], "trusted_image_certificates": null, "security_groups": [{ "name": "default" }] })
    }

    #[test]
    fn a_server_becomes_a_machine() {
        let server: Server = serde_json::from_value(answer()).unwrap();
        let volume = |id: &str, device: Option<&str>| Attached {
            id: id.into(),
            device: device.map(str::to_owned),
            bytes: 2 << 30,
            pool: "ssd".into(),
        };
        let volumes = [volume("v9", None), volume("v2", Some("vdaa")), volume("v1", Some("vdb"))];
        let m = observed(&server, Some(1 << 30), &volumes, Value::Null);
        assert_eq!((m.name.as_str(), m.state, m.vcpus, m.memory_mib), ("db1", PowerState::Running, 1, 96));
        assert_eq!((m.tags.join(" "), m.locked.as_deref()), ("prod tier=db blue".into(), Some("moved")));
        assert_eq!(m.nics.len(), 1, "a floating address is no card of its own");
        assert_eq!((m.nics[0].network.as_deref(), m.nics[0].addresses.len()), (Some("svc"), 2));
        let disks: Vec<_> = m.disks.iter().map(|d| (d.key.as_str(), d.size_bytes, d.pool.as_deref())).collect();
        let (image, ssd) = (Some("image"), Some("ssd"));
        assert_eq!(disks, [("vda", 1 << 30, image), ("vdb", 2 << 30, ssd), ("vdaa", 2 << 30, ssd), ("vdc", 2 << 30, ssd)]);
    }

    #[test]
    fn a_server_of_a_volume_has_no_image() {
        let mut body = answer();
        body["image"] = json!("");
        body["metadata"] = json!({ "crossfade_image": "i1", "crossfade_waits": "yes" });
        let mut server: Server = serde_json::from_value(body).unwrap();
        assert!(server.image().is_none() && server.is_prepared());
        server.metadata.remove(meta::WAITS);
        assert!(!server.is_prepared(), "its volume holds its disk by now");
        let volume = Attached { id: "v1".into(), device: None, bytes: 0, pool: "volume".into() };
        assert_eq!(observed(&server, None, &[volume], Value::Null).disks[0].key, "vda");
    }

    #[test]
    fn only_what_is_surely_off_is_off() {
        use PowerState::{Crashed, Paused, Running, ShuttingDown, Stopped, Suspended, Unknown};
        let cases = [
            ("ACTIVE", 1, None, Running),
            ("ACTIVE", 1, Some("image_snapshot"), Running),
            ("ACTIVE", 1, Some("powering-off"), ShuttingDown),
            ("ACTIVE", 4, None, Stopped),
            ("ACTIVE", 0, None, Unknown),
            ("SHUTOFF", 4, None, Stopped),
            ("SHUTOFF", 4, Some("powering-on"), Unknown),
            ("SHUTOFF", 4, Some("image_uploading"), Stopped),
            ("SHUTOFF", 1, None, Running),
            ("BUILD", 0, Some("spawning"), Unknown),
            ("REBUILD", 1, Some("rebuilding"), Unknown),
            ("HARD_REBOOT", 1, Some("rebooting_hard"), Running),
            ("PAUSED", 3, None, Paused),
            ("SUSPENDED", 4, None, Suspended),
            ("SHELVED_OFFLOADED", 4, None, Stopped),
            ("SHELVED_OFFLOADED", 4, Some("spawning"), Unknown),
            ("ERROR", 1, None, Running),
            ("ERROR", 4, None, Crashed),
            ("ERROR", 0, None, Unknown),
            ("MIGRATING", 1, Some("migrating"), Unknown),
        ];
        for (status, power, task, wanted) in cases {
            let mut body = answer();
            body["status"] = json!(status);
            body["OS-EXT-STS:power_state"] = json!(power);
            body["OS-EXT-STS:task_state"] = json!(task);
            let mut server: Server = serde_json::from_value(body).unwrap();
            assert_eq!(state(&server), wanted, "{status} {power} {task:?}");
            // One that is paused for a moment goes on by itself.
            server.metadata.insert(meta::PAUSED.into(), "1".into());
            assert_eq!(state(&server), if wanted == Paused { Running } else { wanted });
            // A place that is kept runs nothing, whatever its state.
            server.metadata.insert(meta::IMAGE.into(), "other".into());
            assert_eq!(state(&server), Stopped);
        }
    }
}
