//! What would be in the way of a machine in this project, each with what to do.

use super::{
    super::{
        auth::Service,
        images::escape,
        inventory::resources::{self, Quota},
        link::Link,
    },
    boot, check_disks,
    create::{Flavours, addresses, named},
    flavour::{self, Flavour},
    groups,
    ports::{self, Fabric},
    shape,
    storage::Place,
};
use crate::clouds::{MachineSpec, error::Result};
use model::{
    Mapping, Problem,
    Severity::{self, Critical, Info, Warning},
    machine::Firmware,
};

pub async fn problems(
    link: &Link,
    spec: &MachineSpec,
    mapping: &[Mapping],
    storage: &[Mapping],
    replaces: Option<&str>,
) -> Result<Vec<Problem>> {
    let mut all = definition(spec);
    let (places, found) = check_disks::look(link, spec, storage).await?;
    all.extend(found);
    if named(link, &spec.name).await?.iter().any(|one| Some(one.id.as_str()) != replaces) {
        all.push(problem(
            Critical,
            &spec.name,
            "The project has a machine with this name already.",
            "Rename one of the two, or remove the old copy.",
        ));
    }
    all.extend(kernel(link, spec).await?);
    let Flavours { flavors } = link.get(Service::Compute, "/flavors/detail").await?;
    all.extend(size(spec, places.first() == Some(&Place::Image), &flavors, &resources::quota(link).await?));
    let fabric = Fabric::look(link).await?;
    all.extend(connections(spec, mapping, &fabric));
    all.extend(taken(link, spec, mapping, &fabric).await?);
    all.extend(groups::problems(&groups::look(link, spec, mapping).await?));
    Ok(all)
}

pub fn problem(severity: Severity, subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(severity, subject, what, remedy)
}

/// What can be told without asking.
fn definition(spec: &MachineSpec) -> Vec<Problem> {
    let mut all = vec![];
    if spec.firmware == Firmware::Uefi {
        let what = "The variables of its firmware (boot entries, keys) do not come along; it boots by the default path.";
        all.push(problem(Warning, &spec.name, what, "Make sure that the guest has a fallback boot loader (EFI/BOOT)."));
    }
    for disk in spec.disks.iter().filter(|disk| disk.bus != "virtio") {
        let what = format!("Its disk is attached by {}; Nova is told so, but not every cloud offers it.", disk.bus);
        all.push(problem(Warning, &disk.key, what, "Give the guest virtio drivers and attach the disk by virtio."));
    }
    let what = "Nova gives it an identity (SMBIOS UUID) of its own; the old one comes back when it moves back.";
    all.push(problem(Info, &spec.name, what, "Software that is bound to it, such as some licences, must be told."));
    all
}

async fn kernel(link: &Link, spec: &MachineSpec) -> Result<Vec<Problem>> {
    if spec.firmware != Firmware::DirectKernel {
        return Ok(vec![]);
    }
    let Some(kernel) = shape::kernel(spec) else {
        let what = "It boots a kernel of its host, and its definition does not say which.";
        return Ok(vec![problem(Critical, &spec.name, what, "Give it a boot loader on its disk.")]);
    };
    let mut all = vec![];
    if kernel.command_line.len() > shape::LONGEST {
        let what = format!("Its kernel's command line has {} characters; Nova keeps {}.", kernel.command_line.len(), shape::LONGEST);
        all.push(problem(Critical, &spec.name, what, "Shorten it, or give the machine a boot loader on its disk."));
    }
    for (kind, path) in [("aki", Some(&kernel.kernel)), ("ari", kernel.initrd.as_ref())] {
        let Some(path) = path else { continue };
        if boot::by_name(link, path).await?.is_none() {
            let what = format!("It boots {path} of its host, and the project has no image of that name.");
            let remedy = format!("Upload it: openstack image create --disk-format {kind} --container-format {kind} --file {path} {path}");
            all.push(problem(Critical, &spec.name, what, &remedy));
        }
    }
    Ok(all)
}

/// `by_image`: its first disk is the flavour's; a volume has a size of its own.
fn size(spec: &MachineSpec, by_image: bool, flavours: &[Flavour], quota: &Quota) -> Vec<Problem> {
    let mut all = vec![];
    let bytes = spec.disks.first().filter(|_| by_image).map_or(0, |disk| disk.size_bytes);
    let Some(flavour) = flavour::choose(flavours, spec.vcpus, spec.memory_mib, bytes) else {
        let what = format!(
            "It wants {} CPUs, {} MiB and {} GiB: no flavour has that; {}.",
            spec.vcpus,
            spec.memory_mib,
            bytes >> 30,
            flavour::largest(flavours)
        );
        return vec![problem(Critical, &spec.name, what, "Have a larger flavour made, or choose another cloud.")];
    };
    if flavour.vcpus > spec.vcpus || flavour.ram > spec.memory_mib || by_image && flavour.disk << 30 > bytes {
        let what = format!("Its flavour will be {}: {} CPUs, {} MiB, {} GiB.", flavour.name, flavour.vcpus, flavour.ram, flavour.disk);
        all.push(problem(Info, &spec.name, what, "Nothing; a flavour of exactly its size would cost less."));
    }
    let wanted = [
        ("maxTotalInstances", "totalInstancesUsed", 1, "instances"),
        ("maxTotalCores", "totalCoresUsed", i64::from(flavour.vcpus), "cores"),
        ("maxTotalRAMSize", "totalRAMUsed", i64::try_from(flavour.ram).unwrap_or(i64::MAX), "ram"),
    ];
    all.extend(missing(&wanted, quota));
    all
}

/// Limit, what is used of it, what is needed, and its name for people.
pub fn missing(wanted: &[(&str, &str, i64, &str)], quota: &Quota) -> Vec<Problem> {
    let short = |(limit, used, need, name): &(&str, &str, i64, &str)| {
        let (most, left) = quota.left(limit, used).filter(|(_, left)| left < need)?;
        let what = format!("The project's quota '{name}' is {most} and {left} are left; it needs {need}.");
        Some(problem(Critical, name, what, "Have the quota raised, or delete something there."))
    };
    wanted.iter().filter_map(short).collect()
}

fn connections(spec: &MachineSpec, mapping: &[Mapping], fabric: &Fabric) -> Vec<Problem> {
    let mut all = vec![];
    for nic in &spec.nics {
        let from = nic.network.as_deref().unwrap_or_default();
        let net = match fabric.net(nic, mapping) {
            Ok(net) => net,
            Err(why) => {
                let names: Vec<&str> = fabric.nets.iter().map(|net| net.name.as_str()).collect();
                let remedy = format!("Map it to one of: {}.", names.join(", "));
                all.push(problem(Critical, from, format!("In this project {why}."), &remedy));
                continue;
            }
        };
        if net.external {
            let what = format!("'{}' is an external network: a project puts no machines on it.", net.name);
            all.push(problem(Critical, from, what, "Map it to a network of the project, and point a floating address at the machine."));
        }
        if nic.addresses.is_empty() {
            let what = format!("No address of the card {} is known: Neutron will give it one of its own.", nic.mac);
            all.push(problem(Warning, from, what, "Have the guest take its address by DHCP, or from the config drive."));
        }
        for address in nic.addresses.iter().filter(|address| fabric.subnet(net, address).is_none()) {
            let what = format!("The address {address} lies in no subnet of '{}'.", net.name);
            all.push(problem(Warning, from, what, "The guest keeps it, and nobody may reach it there: map the network to another one."));
        }
    }
    all
}

/// MACs and addresses that somebody has there already.
async fn taken(link: &Link, spec: &MachineSpec, mapping: &[Mapping], fabric: &Fabric) -> Result<Vec<Problem>> {
    let mut all = vec![];
    for nic in &spec.nics {
        let Ok(net) = fabric.net(nic, mapping) else { continue };
        if !ports::list(link, &format!("network_id={}&mac_address={}", net.id, escape(&nic.mac))).await?.is_empty() {
            let what = format!("The MAC address {} is in use in '{}'.", nic.mac, net.name);
            all.push(problem(Critical, &nic.mac, what, "Remove the port that has it, maybe of an old copy."));
        }
        for (_, address) in addresses(spec).filter(|(mac, address)| *mac == nic.mac && fabric.subnet(net, address).is_some()) {
            if !ports::list(link, &format!("network_id={}&fixed_ips=ip_address%3D{}", net.id, escape(address))).await?.is_empty() {
                let what = format!("The address {address} is in use in '{}'.", net.name);
                all.push(problem(Critical, address, what, "Remove the port that has it, maybe of an old copy."));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{super::shape::tests::spec, *};
    use serde_json::json;

    fn quota(cores: i64, used: i64) -> Quota {
        let text = json!({ "maxTotalInstances": 10, "totalInstancesUsed": 1, "maxTotalCores": cores, "totalCoresUsed": used, "maxTotalRAMSize": -1 });
        Quota::of(serde_json::from_value(text).unwrap())
    }

    fn flavour(vcpus: u32, ram: u64, disk: u64) -> Flavour {
        Flavour { id: "f".into(), name: "f".into(), vcpus, ram, disk }
    }

    #[test]
    fn a_quota_is_named_with_its_figures() {
        let found = size(&spec(), true, &[flavour(2, 96, 1)], &quota(20, 19));
        let cores = found.iter().find(|p| p.subject == "cores").unwrap();
        assert!(cores.blocks() && cores.what == "The project's quota 'cores' is 20 and 1 are left; it needs 2.", "{cores:?}");
        assert!(size(&spec(), true, &[flavour(1, 96, 1)], &quota(20, 19)).is_empty());
        assert!(size(&spec(), true, &[flavour(1, 96, 1)], &quota(-1, 19)).is_empty());
        assert!(size(&spec(), true, &[flavour(1, 64, 1)], &quota(-1, 0))[0].what.contains("no flavour has that"));
    }

    #[test]
    fn what_cannot_come_along_is_said() {
        let blockers = |spec: &MachineSpec| definition(spec).iter().filter(|p| p.blocks()).count();
        assert_eq!(blockers(&spec()), 0);
        assert!(definition(&MachineSpec { firmware: Firmware::Uefi, ..spec() }).iter().any(|p| p.what.contains("firmware")));
    }

    #[test]
    fn cards_are_compared_with_networks() {
        let net = json!({ "id": "n1", "name": "svc" });
        let subnet = resources::Subnet { id: "s".into(), network_id: "n1".into(), cidr: "10.88.0.0/24".into() };
        let fabric = Fabric { nets: vec![serde_json::from_value(net).unwrap()], subnets: vec![subnet] };
        assert!(connections(&spec(), &[], &fabric).is_empty());
        let mut other = spec();
        other.nics[0].addresses = vec!["192.0.2.1".into()];
        assert!(connections(&other, &[], &fabric)[0].what.contains("in no subnet"));
        other.nics[0].network = Some("dmz".into());
        let found = connections(&other, &[], &fabric);
        assert!(found[0].blocks() && found[0].remedy.contains("svc"), "{found:?}");
        let outside = json!({ "id": "n1", "name": "svc", "router:external": true });
        let fabric = Fabric { nets: vec![serde_json::from_value(outside).unwrap()], ..fabric };
        assert!(connections(&spec(), &[], &fabric)[0].what.contains("external network"));
    }
}
