//! What would be in the way of a machine at this host, each with what to do. Pure; [`super::look`] asks the host.

use super::{
    super::{
        inventory::domain::{child, devices},
        probe::is_files,
        sink::pools,
    },
    foreign,
    rewrite::source_of,
};
use crate::clouds::MachineSpec;
use model::{
    Mapping, Problem,
    Severity::{self, Critical, Info, Warning},
    cloud::{Network, Pool},
    machine::Firmware,
};
use roxmltree::{Document, Node};
use std::collections::BTreeSet;

/// What the host says.
pub struct Host {
    pub name: String,
    pub networks: Vec<Network>,
    pub pools: Vec<Pool>,
    /// Name and UUID of each machine.
    pub machines: Vec<(String, String)>,
    /// MAC and whose it is.
    pub macs: Vec<(String, String)>,
    /// Domain capabilities for this machine's architecture and type, or why there are none.
    pub domain: Result<String, String>,
}

impl Default for Host {
    fn default() -> Self {
        let (networks, pools, machines, macs) = (vec![], vec![], vec![], vec![]);
        Self { name: String::new(), networks, pools, machines, macs, domain: Err("unknown".into()) }
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, severity: Severity, subject: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem::new(severity, subject, what, remedy));
    }
}

pub fn problems(spec: &MachineSpec, networks: &[Mapping], storage: &[Mapping], host: &Host) -> Vec<Problem> {
    let mut all = Problems::default();
    let Ok(document) = Document::parse(&spec.native) else {
        all.add(Critical, &spec.name, "Its definition cannot be read.", "Look at the machine at its own cloud.");
        return all.0;
    };
    let root = document.root_element();
    collisions(spec, host, &mut all);
    virtual_hardware(spec, root, host, &mut all);
    connections(root, networks, host, &mut all);
    room(spec, storage, host, &mut all);
    devices_of_the_host(root, &mut all);
    firmware(spec, root, host, &mut all);
    all.0
}

/// What becomes of a machine of another kind of cloud.
pub fn of_conversion(spec: &MachineSpec) -> Option<Problem> {
    if spec.native_kind == foreign::KIND {
        return None;
    }
    let changes = foreign::conversions(spec);
    let remedy = "Mount by UUID or label, and configure cards by MAC address; the guest must have the drivers in its boot image.";
    Some(match changes.is_empty() {
        true => Problem::new(Info, &spec.name, format!("It comes from another kind of cloud, {}.", foreign::hardware(spec)), remedy),
        false => Problem::new(Warning, &spec.name, format!("It is converted: {}.", changes.join("; ")), remedy),
    })
}

fn collisions(spec: &MachineSpec, host: &Host, all: &mut Problems) {
    for (name, uuid) in &host.machines {
        if spec.uuid.as_deref() == Some(uuid) {
            let what = format!("{} has a machine with the same UUID already ({name}).", host.name);
            all.add(Critical, &spec.name, what, "If it is an old copy of this machine, remove its definition there.");
        } else if *name == spec.name {
            all.add(Critical, &spec.name, format!("{} has another machine with this name already.", host.name), "Rename one of the two.");
        }
    }
    for nic in &spec.nics {
        let taken = host.macs.iter().find(|(mac, owner)| *mac == nic.mac && *owner != spec.name);
        if let Some((mac, owner)) = taken {
            all.add(
                Critical,
                mac,
                format!("The machine {owner} at {} has the same MAC address.", host.name),
                "Change the MAC address of one of the two.",
            );
        }
    }
}

fn virtual_hardware(spec: &MachineSpec, root: Node<'_, '_>, host: &Host, all: &mut Problems) {
    let xml = match &host.domain {
        Ok(xml) => xml,
        Err(why) => {
            let what = format!("{} cannot run this kind of machine: {why}", host.name);
            return all.add(Critical, &spec.name, what, "Choose a host with the same architecture, hypervisor and machine types.");
        }
    };
    let Ok(document) = Document::parse(xml) else { return };
    let able = document.root_element();
    if let Some(most) = child(able, "vcpu").and_then(|node| node.attribute("max")).and_then(|max| max.parse::<u32>().ok())
        && spec.vcpus > most
    {
        all.add(Critical, &spec.name, format!("This kind of machine has at most {most} CPUs at {}.", host.name), "Give it fewer CPUs.");
    }
    cpu(spec, root, able, host, all);
    let offered = able
        .descendants()
        .find(|node| node.tag_name().name() == "disk")
        .and_then(|disk| disk.children().find(|node| node.tag_name().name() == "enum" && node.attribute("name") == Some("bus")));
    let buses: BTreeSet<&str> = offered.into_iter().flat_map(|node| node.children()).filter_map(|value| value.text()).collect();
    for disk in spec.disks.iter().filter(|disk| !buses.is_empty() && !buses.contains(disk.bus.as_str())) {
        all.add(
            Critical,
            &disk.key,
            format!("{} has no disk bus '{}' for this machine.", host.name, disk.bus),
            "Attach the disk by virtio, scsi or sata.",
        );
    }
}

/// A named model must be usable there; host-passthrough shows the guest whatever the host has.
fn cpu(spec: &MachineSpec, root: Node<'_, '_>, able: Node<'_, '_>, host: &Host, all: &mut Problems) {
    let Some(cpu) = child(root, "cpu") else { return };
    match cpu.attribute("mode") {
        Some("host-passthrough" | "maximum") => {
            let what = "It sees the CPU of its host as it is; at another host that is another CPU.";
            all.add(Warning, &spec.name, what, "Give it a named CPU model if its software is bound to the CPU.");
        }
        Some("custom") | None => {
            let Some(model) = child(cpu, "model").and_then(|node| node.text()) else { return };
            let known = able.descendants().filter(|node| node.tag_name().name() == "model");
            if let Some(found) = known.clone().find(|node| node.text() == Some(model))
                && found.attribute("usable") == Some("no")
            {
                let what = format!("The CPU of {} lacks features of the model '{model}'.", host.name);
                all.add(Critical, &spec.name, what, "Choose an older CPU model for the machine.");
            } else if known.count() > 1 && !able.descendants().any(|node| node.tag_name().name() == "model" && node.text() == Some(model)) {
                all.add(
                    Critical,
                    &spec.name,
                    format!("{} does not know the CPU model '{model}'.", host.name),
                    "Choose another CPU model for the machine.",
                );
            }
        }
        Some(_) => {}
    }
}

fn connections(root: Node<'_, '_>, mapping: &[Mapping], host: &Host, all: &mut Problems) {
    let mut said = BTreeSet::new();
    for node in devices(root, "interface") {
        let kind = node.attribute("type").unwrap_or("network");
        if matches!(kind, "hostdev" | "vdpa" | "vhostuser") {
            all.add(Critical, kind, "A network card is passed through from the host.", "Connect the machine to a network instead.");
            continue;
        }
        let Some(from) = source_of(node).filter(|from| said.insert((*from).to_owned())) else { continue };
        let to = mapping.iter().find(|one| one.from == from).map(|one| one.to.as_str());
        if to.is_none() && kind != "network" {
            let what = format!("It is connected to '{from}' of its host, which is mapped to no network of {}.", host.name);
            all.add(Critical, from, what, "Map it to a network of the target.");
            continue;
        }
        let to = to.unwrap_or(from);
        match host.networks.iter().find(|one| one.name == to) {
            None => all.add(
                Critical,
                from,
                format!("{} has no network '{to}'.", host.name),
                "Map it to a network of the target, or define that one.",
            ),
            Some(one) if !one.active => {
                all.add(Critical, from, format!("The network '{to}' of {} is off.", host.name), "Start it (virsh net-start).")
            }
            Some(_) => {}
        }
    }
}

fn room(spec: &MachineSpec, mapping: &[Mapping], host: &Host, all: &mut Problems) {
    let mut wanted: Vec<(&Pool, u64, u64)> = vec![];
    for disk in &spec.disks {
        match pools::choose(&host.pools, disk.pool.as_deref(), mapping) {
            Err(error) => all.add(Critical, &disk.key, error.message, "Map its storage pool to an active one of type dir, fs or netfs."),
            Ok(pool) => match wanted.iter_mut().find(|(other, ..)| other.name == pool.name) {
                Some((_, now, most)) => (*now, *most) = (*now + disk.allocated_bytes.unwrap_or(disk.size_bytes), *most + disk.size_bytes),
                None => wanted.push((pool, disk.allocated_bytes.unwrap_or(disk.size_bytes), disk.size_bytes)),
            },
        }
    }
    for (pool, now, most) in wanted {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        if now > pool.free_bytes {
            let what = format!("Its disks hold {} MiB, the pool has {} MiB free.", mib(now), mib(pool.free_bytes));
            all.add(Critical, &pool.name, what, "Make room, or map the disks to another pool.");
        } else if most > pool.free_bytes {
            let what = format!("Its disks may grow to {} MiB, the pool has {} MiB free.", mib(most), mib(pool.free_bytes));
            all.add(Warning, &pool.name, what, "Watch the pool, or map the disks to a larger one.");
        }
        debug_assert!(is_files(&pool.kind));
    }
}

/// What hangs on the host itself and cannot come along.
fn devices_of_the_host(root: Node<'_, '_>, all: &mut Problems) {
    for (kind, what) in [
        ("hostdev", "A device of the host is passed through to it."),
        ("filesystem", "It shares a folder with its host."),
        ("shmem", "It shares memory with another machine of its host."),
        ("smartcard", "It uses a smart card of its host."),
        ("lease", "It holds a lease of its host's lock manager."),
    ] {
        if devices(root, kind).next().is_some() {
            all.add(Critical, kind, what, "Remove the device from the machine before.");
        }
    }
    if devices(root, "disk").any(|disk| disk.attribute("device") == Some("lun")) {
        all.add(Critical, "lun", "A LUN is passed through to it.", "Attach it as a disk (device='disk').");
    }
    if devices(root, "disk").any(|disk| child(disk, "shareable").is_some()) {
        all.add(
            Critical,
            "disk",
            "A disk is shared with another machine.",
            "Move the machines of a shared disk by means of their own cluster.",
        );
    }
    if devices(root, "tpm").next().is_some() {
        all.add(
            Warning,
            "tpm",
            "What its TPM keeps (keys of an encrypted disk, say) does not come along.",
            "Have the recovery key at hand.",
        );
    }
}

/// The file of the firmware must be one that the host offers, or have a form that the host can choose by itself.
fn loader(spec: &MachineSpec, root: Node<'_, '_>, host: &Host, all: &mut Problems) {
    let (Some(os), Ok(able)) = (child(root, "os"), &host.domain) else { return };
    let Ok(document) = Document::parse(able) else { return };
    let Some(offered) = child(document.root_element(), "os") else { return };
    let values = |of: Node<'_, '_>, name: &str| -> Option<BTreeSet<String>> {
        let list = of.children().find(|node| node.tag_name().name() == "enum" && node.attribute("name") == Some(name));
        let direct = of.children().filter(|node| node.tag_name().name() == "value");
        match list {
            Some(list) => Some(list.children().filter_map(|value| value.text().map(str::to_owned)).collect()),
            None if name.is_empty() => Some(direct.filter_map(|value| value.text().map(str::to_owned)).collect()),
            None => None,
        }
    };
    if let Some(kind) = os.attribute("firmware") {
        if values(offered, "firmware").is_some_and(|known| !known.contains(kind)) {
            let what = format!("{} has no firmware '{kind}' for this machine.", host.name);
            all.add(Critical, &spec.name, what, "Install it there (Debian: ovmf), or choose another host.");
        }
        return;
    }
    let Some(path) = child(os, "loader").and_then(|node| node.text()).map(str::trim) else { return };
    let known = child(offered, "loader").and_then(|node| values(node, ""));
    if known.is_some_and(|known| !known.contains(path)) {
        let what = format!("Its firmware is the file {path}, which {} does not offer.", host.name);
        let remedy =
            "Install the same firmware at the same place there (Debian: ovmf), or choose it in the machine by <os firmware='efi'>.";
        all.add(Critical, &spec.name, what, remedy);
    }
}

fn firmware(spec: &MachineSpec, root: Node<'_, '_>, host: &Host, all: &mut Problems) {
    loader(spec, root, host, all);
    let os = child(root, "os");
    match spec.firmware {
        Firmware::DirectKernel => {
            let files = ["kernel", "initrd"].iter().filter_map(|name| child(os?, name)?.text()).collect::<Vec<_>>().join(" and ");
            let what = format!("It boots {files} of its host, and whether the target has the same cannot be seen from here.");
            all.add(Warning, &spec.name, what, "Put the files at the same place at the target.");
        }
        Firmware::Uefi => {
            let what = "The variables of its firmware (boot entries, keys) do not come along; it boots by the default path.";
            all.add(Warning, &spec.name, what, "Make sure that the guest has a fallback boot loader (EFI/BOOT).");
        }
        Firmware::Bios => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::libvirt::machines::spec;

    const XML: &str = "<domain type='kvm'><name>a</name><uuid>u1</uuid><memory unit='MiB'>1024</memory><vcpu>2</vcpu><os><type arch='x86_64' machine='q35'>hvm</type><kernel>/k</kernel></os>\
        <cpu mode='custom'><model>EPYC</model></cpu><devices>\
        <disk type='file' device='disk'><driver type='qcow2'/><source file='/p/a'/><target dev='vda' bus='virtio'/></disk>\
        <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/></interface>\
        <interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='br0'/></interface><hostdev mode='subsystem' type='pci'/></devices></domain>";
    const ABLE: &str = "<domainCapabilities><vcpu max='288'/><cpu><mode name='custom' supported='yes'><model usable='yes'>qemu64</model><model usable='no'>EPYC</model></mode></cpu>\
        <devices><disk supported='yes'><enum name='bus'><value>virtio</value><value>scsi</value></enum></disk></devices></domainCapabilities>";

    fn host() -> Host {
        Host {
            name: "dublin".into(),
            networks: vec![Network { name: "lan".into(), active: true, kind: "bridge".into(), bridge: None, cidr: None, vlan: None }],
            pools: vec![Pool {
                name: "images".into(),
                active: true,
                kind: "dir".into(),
                path: Some("/p".into()),
                total_bytes: 1 << 40,
                free_bytes: 1 << 39,
            }],
            domain: Ok(ABLE.into()),
            ..Host::default()
        }
    }

    fn found(xml: &str, host: &Host, networks: &[Mapping]) -> Vec<(String, bool)> {
        let spec = spec::of(xml, &Default::default()).unwrap();
        problems(&spec, networks, &[], host).into_iter().map(|one| (one.subject.clone(), one.blocks())).collect()
    }

    #[test]
    fn every_obstacle_is_named() {
        let all = found(XML, &host(), &[]);
        assert_eq!(all, [("a".to_owned(), true), ("br0".to_owned(), true), ("hostdev".to_owned(), true), ("a".to_owned(), false)]);
        let mut busy = host();
        busy.machines = vec![("a".into(), "other".into()), ("b".into(), "u1".into())];
        busy.macs = vec![("52:54:00:00:00:01".into(), "c".into())];
        busy.networks[0].active = false;
        busy.pools[0].active = false;
        busy.domain = Err("no such machine type".into());
        let blocking = found(XML, &busy, &[Mapping { from: "br0".into(), to: "nope".into() }]).into_iter().filter(|one| one.1).count();
        assert_eq!(blocking, 8);
    }

    #[test]
    fn a_plain_machine_has_no_problem() {
        let plain = XML.replace("<kernel>/k</kernel>", "").replace("EPYC", "qemu64").replace("<hostdev mode='subsystem' type='pci'/>", "");
        assert_eq!(found(&plain, &host(), &[Mapping { from: "br0".into(), to: "lan".into() }]), []);
    }

    #[test]
    fn the_firmware_of_the_target_is_compared() {
        let able = |loaders: &str, kinds: &str| Host {
            domain: Ok(ABLE.replace(
                "<vcpu",
                &format!("<os supported='yes'><enum name='firmware'>{kinds}</enum><loader supported='yes'>{loaders}</loader></os><vcpu"),
            )),
            ..host()
        };
        let plain = XML.replace("EPYC", "qemu64").replace("<hostdev mode='subsystem' type='pci'/>", "");
        let by_file = plain.replace("<kernel>/k</kernel>", "<loader readonly='yes' type='pflash'>/ovmf/a.fd</loader>");
        let by_kind = plain.replace("<kernel>/k</kernel>", "").replace("<os>", "<os firmware='efi'>");
        let blocks = |xml: &str, host: &Host| {
            found(xml, host, &[Mapping { from: "br0".into(), to: "lan".into() }]).iter().filter(|one| one.1).count()
        };
        let (has, has_not) =
            (able("<value>/ovmf/a.fd</value>", "<value>efi</value>"), able("<value>/ovmf/b.fd</value>", "<value>bios</value>"));
        assert_eq!((blocks(&by_file, &has), blocks(&by_file, &has_not)), (0, 1));
        assert_eq!((blocks(&by_kind, &has), blocks(&by_kind, &has_not)), (0, 1));
        assert_eq!(blocks(&plain, &has_not), 0, "a machine without such firmware does not care");
        assert_eq!(blocks(&by_file, &host()), 0, "a host that does not tell is not refused");
    }

    #[test]
    fn what_is_there_already_takes_no_room_again() {
        let xml = XML.replace("EPYC", "qemu64").replace("<hostdev mode='subsystem' type='pci'/>", "");
        let mut spec = spec::of(&xml, &Default::default()).unwrap();
        spec.disks[0].size_bytes = 10 << 30;
        spec.disks[0].allocated_bytes = Some(8 << 30);
        let mut host = host();
        host.pools[0].free_bytes = 3 << 30;
        let room = |spec: &MachineSpec| problems(spec, &[], &[], &host).into_iter().filter(|p| p.subject == "images").collect::<Vec<_>>();
        assert!(room(&spec)[0].blocks());
        assert!(room(&spec.beyond(0)).is_empty() && room(&spec.beyond(1 << 20)).is_empty());
        assert!(room(&spec.beyond(4 << 30))[0].blocks(), "but what is still to come does");
    }

    #[test]
    fn a_definition_that_cannot_be_read_is_said_to_be_one() {
        let mut spec = spec::of(XML, &Default::default()).unwrap();
        spec.native = "not xml".into();
        assert!(problems(&spec, &[], &[], &host())[0].blocks());
    }
}
