//! A domain's XML and figures as a machine of the model. Pure.

use super::super::{lock, meta, sys::Stats, sys::raw};
use crate::clouds::Observed;
use model::machine::{Disk, Firmware, Nic, PowerState};
use roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// What was asked beside the XML.
#[derive(Default)]
pub struct Facts {
    pub state: (u32, i32),
    pub autostart: Option<bool>,
    pub persistent: bool,
    pub stats: Stats,
    /// Size and allocation by target, of a machine that does not run.
    pub sizes: BTreeMap<String, (u64, u64)>,
    /// By MAC: where they were seen, and which.
    pub addresses: BTreeMap<String, (&'static str, Vec<String>)>,
    /// Folder of a pool → its name.
    pub pools: BTreeMap<String, String>,
}

/// `None`: not a machine of anybody's, but a helper of this driver.
///
/// # Errors
/// The XML cannot be read.
pub fn observed(xml: &str, facts: &Facts) -> Result<Option<Observed>, roxmltree::Error> {
    let document = Document::parse(xml)?;
    let root = document.root_element();
    let meta = meta::read(root);
    if meta.helper {
        return Ok(None);
    }
    let (uuid, name) = (text(root, "uuid"), text(root, "name"));
    Ok(Some(Observed {
        native_id: uuid.unwrap_or_default(),
        name: name.unwrap_or_default(),
        state: power_state(facts.state),
        vcpus: vcpus(root),
        memory_mib: memory_mib(root),
        disks: disks(root, facts),
        nics: nics(root, facts, &meta),
        title: text(root, "title"),
        firmware: firmware(root),
        arch: path(root, &["os", "type"]).and_then(|node| node.attribute("arch")).map(str::to_owned),
        guest_os: meta.guest_os.clone(),
        autostart: facts.autostart,
        native: native(root, facts),
        tags: meta.tags,
        // The words alone keep nobody from starting it: somebody may have taken the disk away.
        locked: meta.locked.filter(|_| devices(root, "disk").any(lock::is_lock_disk)),
    }))
}

/// Only a machine without a process is off: one that crashed and was preserved still holds its disks.
pub fn power_state((state, reason): (u32, i32)) -> PowerState {
    match state {
        raw::VIR_DOMAIN_RUNNING | raw::VIR_DOMAIN_BLOCKED => PowerState::Running,
        raw::VIR_DOMAIN_PAUSED | raw::VIR_DOMAIN_CRASHED => PowerState::Paused,
        raw::VIR_DOMAIN_SHUTDOWN => PowerState::ShuttingDown,
        raw::VIR_DOMAIN_PMSUSPENDED => PowerState::Suspended,
        raw::VIR_DOMAIN_SHUTOFF if [raw::VIR_DOMAIN_SHUTOFF_CRASHED, raw::VIR_DOMAIN_SHUTOFF_FAILED].contains(&(reason as u32)) => {
            PowerState::Crashed
        }
        raw::VIR_DOMAIN_SHUTOFF => PowerState::Stopped,
        _ => PowerState::Unknown,
    }
}

pub fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|one| one.tag_name().name() == name)
}

pub fn children<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |one| one.tag_name().name() == name)
}

pub fn path<'a>(node: Node<'a, 'a>, names: &[&str]) -> Option<Node<'a, 'a>> {
    names.iter().try_fold(node, |node, name| child(node, name))
}

pub fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    let found = node.children().find(|one| one.tag_name().name() == name)?;
    found.text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `<device …>` elements of a kind.
pub fn devices<'a>(root: Node<'a, 'a>, kind: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    child(root, "devices").into_iter().flat_map(move |all| children(all, kind))
}

fn vcpus(root: Node<'_, '_>) -> u32 {
    let Some(node) = root.children().find(|one| one.tag_name().name() == "vcpu") else { return 1 };
    let number = node.attribute("current").or_else(|| node.text());
    number.and_then(|number| number.trim().parse().ok()).unwrap_or(1)
}

fn memory_mib(root: Node<'_, '_>) -> u64 {
    let node = root.children().find(|one| one.tag_name().name() == "memory");
    let Some(node) = node else { return 0 };
    let amount: u64 = node.text().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let unit: u64 = match node.attribute("unit").unwrap_or("KiB") {
        "b" | "bytes" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "M" | "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" | "GiB" => 1 << 30,
        "T" | "TiB" => 1 << 40,
        _ => 1 << 10,
    };
    amount.saturating_mul(unit) >> 20
}

pub fn firmware(root: Node<'_, '_>) -> Firmware {
    let Some(os) = root.children().find(|one| one.tag_name().name() == "os") else { return Firmware::Bios };
    let pflash = os.children().any(|one| one.tag_name().name() == "loader" && one.attribute("type") == Some("pflash"));
    if text(os, "kernel").is_some() {
        Firmware::DirectKernel
    } else if os.attribute("firmware") == Some("efi") || pflash {
        Firmware::Uefi
    } else {
        Firmware::Bios
    }
}

fn disks(root: Node<'_, '_>, facts: &Facts) -> Vec<Disk> {
    let Some(list) = root.children().find(|one| one.tag_name().name() == "devices") else { return vec![] };
    list.children().filter(|one| one.tag_name().name() == "disk").filter_map(|node| disk(node, facts)).collect()
}

fn disk(node: Node<'_, '_>, facts: &Facts) -> Option<Disk> {
    let named = |name: &str| node.children().find(|one| one.tag_name().name() == name);
    let target = named("target")?;
    let key = target.attribute("dev")?.to_owned();
    let source = named("source").and_then(source_of);
    if source.as_deref().is_some_and(meta::is_lock) {
        return None;
    }
    let (size, allocated) = facts.sizes.get(&key).copied().or_else(|| measured(&key, &facts.stats)).unzip();
    let pool = named("source").and_then(|one| one.attribute("pool")).map(str::to_owned);
    Some(Disk {
        bus: target.attribute("bus").unwrap_or_default().to_owned(),
        size_bytes: size.unwrap_or(0),
        allocated_bytes: allocated,
        format: named("driver").and_then(|one| one.attribute("type")).map(str::to_owned),
        pool: pool.or_else(|| source.as_deref().and_then(|path| pool_of(path, &facts.pools))),
        source,
        device: node.attribute("device").unwrap_or("disk").to_owned(),
        read_only: named("readonly").is_some(),
        key,
    })
}

fn source_of(node: Node<'_, '_>) -> Option<String> {
    ["file", "dev", "volume", "name", "dir"].iter().find_map(|name| node.attribute(*name)).map(str::to_owned)
}

/// Of a running machine, from its statistics: `block.<n>.name` is the target. What is called allocation there is how far it has
/// written since it was started, nothing at first; what the disk takes at its host is called physical.
fn measured(key: &str, stats: &Stats) -> Option<(u64, u64)> {
    let count = stats.get("block.count")?.as_u64()?;
    let index = (0..count).find(|n| stats.get(&format!("block.{n}.name")).and_then(|p| p.as_text()) == Some(key))?;
    let figure = |name: &str| stats.get(&format!("block.{index}.{name}")).and_then(|p| p.as_u64());
    Some((figure("capacity")?, figure("physical").or_else(|| figure("allocation"))?))
}

pub fn pool_of(path: &str, pools: &BTreeMap<String, String>) -> Option<String> {
    let folder = path.rsplit_once('/')?.0;
    pools.get(folder).cloned()
}

fn nics(root: Node<'_, '_>, facts: &Facts, meta: &meta::Meta) -> Vec<Nic> {
    let Some(list) = root.children().find(|one| one.tag_name().name() == "devices") else { return vec![] };
    list.children().filter(|one| one.tag_name().name() == "interface").map(|node| nic(node, facts, meta)).collect()
}

fn nic(node: Node<'_, '_>, facts: &Facts, meta: &meta::Meta) -> Nic {
    let attribute = |element: &str, name: &str| {
        node.children().find(|one| one.tag_name().name() == element).and_then(|one| one.attribute(name)).map(str::to_owned)
    };
    let mac = attribute("mac", "address").unwrap_or_default().to_lowercase();
    let seen = facts.addresses.get(&mac).map(|(source, all)| (*source, all.clone()));
    let configured = || meta.addresses.get(&mac).map(|all| ("configured", all.clone()));
    let (source, addresses) = seen.or_else(configured).unzip();
    Nic {
        model: attribute("model", "type"),
        network: ["network", "bridge", "dev"].iter().find_map(|name| attribute("source", name)),
        addresses: addresses.unwrap_or_default(),
        address_source: source.map(str::to_owned),
        mac,
    }
}

fn native(root: Node<'_, '_>, facts: &Facts) -> serde_json::Value {
    let find = |names: &[&str]| names.iter().try_fold(root, |node, name| node.children().find(|one| one.tag_name().name() == *name));
    serde_json::json!({
        "type": root.attribute("type"),
        "machine": find(&["os", "type"]).and_then(|node| node.attribute("machine")),
        "cpu_mode": find(&["cpu"]).and_then(|node| node.attribute("mode")),
        "cpu_model": find(&["cpu", "model"]).and_then(|node| node.text()),
        "description": find(&["description"]).and_then(|node| node.text()),
        "kernel": find(&["os", "kernel"]).and_then(|node| node.text()),
        "persistent": facts.persistent,
        "state": facts.state.0,
        "state_reason": facts.state.1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::libvirt::sys::Param;

    const XML: &str = r#"<domain type='kvm' id='3'><name>db1</name><uuid>11111111-0000-4000-8000-000000000001</uuid>
      <title>Orders</title>
      <metadata><crossfade:tags xmlns:crossfade="https://crossfade.dev/libvirt/1">prod, tier=db</crossfade:tags>
        <crossfade:addresses xmlns:crossfade="https://crossfade.dev/libvirt/1"><crossfade:address mac="52:54:00:AA:00:02" ip="10.0.0.9"/></crossfade:addresses>
        <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0"><libosinfo:os id="http://debian.org/debian/12"/></libosinfo:libosinfo></metadata>
      <memory unit='MiB'>2048</memory><vcpu current='2'>4</vcpu>
      <os firmware='efi'><type arch='x86_64' machine='q35'>hvm</type></os>
      <devices>
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/db1.qcow2'/><target dev='vda' bus='virtio'/></disk>
        <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
        <interface type='network'><mac address='52:54:00:AA:00:01'/><source network='lan'/><model type='virtio'/></interface>
        <interface type='bridge'><mac address='52:54:00:AA:00:02'/><source bridge='br0'/></interface>
      </devices></domain>"#;

    fn facts() -> Facts {
        let text = |t: &str| Param::Text(t.into());
        Facts {
            state: (1, 1),
            stats: [
                ("block.count", Param::Uint(1)),
                ("block.0.name", text("vda")),
                ("block.0.capacity", Param::Uint(1 << 30)),
                ("block.0.allocation", Param::Uint(0)),
                ("block.0.physical", Param::Uint(5 << 20)),
            ]
            .map(|(k, v)| (k.to_owned(), v))
            .into(),
            addresses: [("52:54:00:aa:00:01".to_owned(), ("arp", vec!["10.0.0.8".to_owned()]))].into(),
            pools: [("/var/lib/libvirt/images".to_owned(), "images".to_owned())].into(),
            ..Facts::default()
        }
    }

    #[test]
    fn a_domain_becomes_a_machine() {
        let m = observed(XML, &facts()).unwrap().unwrap();
        assert_eq!((m.name.as_str(), m.state, m.vcpus, m.memory_mib), ("db1", PowerState::Running, 2, 2048));
        assert_eq!((m.firmware, m.arch.as_deref(), m.title.as_deref()), (Firmware::Uefi, Some("x86_64"), Some("Orders")));
        assert_eq!(m.tags, ["prod", "tier=db"]);
        assert_eq!(m.guest_os.as_deref(), Some("http://debian.org/debian/12"));
        assert_eq!(
            (m.disks[0].size_bytes, m.disks[0].allocated_bytes, m.disks[0].pool.as_deref()),
            (1 << 30, Some(5 << 20), Some("images"))
        );
        assert_eq!((m.disks[1].device.as_str(), m.disks[1].read_only), ("cdrom", true));
        assert_eq!((m.nics[0].addresses.as_slice(), m.nics[0].address_source.as_deref()), (&["10.0.0.8".to_owned()][..], Some("arp")));
        assert_eq!((m.nics[1].network.as_deref(), m.nics[1].address_source.as_deref()), (Some("br0"), Some("configured")));
    }

    #[test]
    fn helpers_and_locks_are_not_shown_as_machines_and_disks() {
        let helper = XML
            .replace("<title>", "<!-- --><title>")
            .replace("</metadata>", "<crossfade:helper xmlns:crossfade='https://crossfade.dev/libvirt/helper/1' for='x'/></metadata>");
        assert!(observed(&helper, &facts()).unwrap().is_none());
        let locked = XML.replace("<source file='/var/lib/libvirt/images/db1.qcow2'/>", "<source file='/crossfade-locked/moved'/>").replace(
            "</metadata>",
            "<crossfade:lock xmlns:crossfade='https://crossfade.dev/libvirt/lock/1' reason='moved to dublin'/></metadata>",
        );
        let m = observed(&locked, &facts()).unwrap().unwrap();
        assert_eq!((m.disks.len(), m.locked.as_deref()), (1, Some("moved to dublin")));
    }

    #[test]
    fn a_preserved_crash_is_not_off() {
        assert!(power_state((raw::VIR_DOMAIN_CRASHED, 1)).is_live());
        assert_eq!(power_state((raw::VIR_DOMAIN_SHUTOFF, raw::VIR_DOMAIN_SHUTOFF_CRASHED as i32)), PowerState::Crashed);
        assert_eq!(power_state((raw::VIR_DOMAIN_SHUTOFF, 1)), PowerState::Stopped);
        assert_eq!(power_state((99, 0)), PowerState::Unknown);
    }
}
