//! What would be in the way of making a machine here, before anything is touched.

use super::{
    super::{
        inventory::places::{self, Net, Places, Store, Target, mapped},
        link::{Link, Ref},
        probe, props,
        xml::tag,
    },
    shape,
};
use crate::clouds::{
    MachineSpec,
    error::{Error, Result},
};
use Severity::{Critical, Info, Warning};
use model::{Mapping, Problem, Severity, machine::Firmware};

const NEEDED: &[&str] = &["VApp.Import", "VirtualMachine.Inventory.Create", "VirtualMachine.Config.AddNewDisk"];

pub async fn problems(
    link: &Link,
    spec: &MachineSpec,
    networks: &[Mapping],
    storage: &[Mapping],
    replaces: Option<&str>,
) -> Result<Vec<Problem>> {
    let mut all = definition(spec);
    let places = places::look(link).await?;
    let target = match places.target(&link.config.place) {
        Ok(target) => target,
        Err(error) => {
            all.push(Problem::new(Critical, &spec.name, error.message, "Look at the settings of this cloud."));
            return Ok(all);
        }
    };
    all.extend(connections(spec, networks, &places.nets(&target)));
    all.extend(room(spec, storage, &places.stores(&target)));
    all.extend(memory(link, spec, &places, &target).await?);
    if let Some(other) = named(link, &target, &spec.name).await?.filter(|other| Some(other.id.as_str()) != replaces) {
        let what = format!("There is a machine of this name already ({}).", other.id);
        all.push(Problem::new(Critical, &spec.name, what, "Rename or remove it, maybe an old copy."));
    }
    let lacking = probe::lacks(link, &target.folder, NEEDED).await?;
    if !lacking.is_empty() {
        let what = format!("The privileges {} are missing on the folder for new machines.", lacking.join(", "));
        all.push(Problem::new(Critical, "privileges", what, "docs/clouds/vsphere.md has the whole role."));
    }
    Ok(all)
}

/// In the folder where it would be.
pub async fn named(link: &Link, target: &Target, name: &str) -> Result<Option<Ref>> {
    let args = format!("{}{}", target.folder.xml("entity"), tag("name", name));
    let found = Ref::of(&link.ask("FindChild", &link.session().await?.service("searchIndex")?, &args).await?);
    Ok((!found.id.is_empty()).then_some(found))
}

/// The datastore for a disk: what is mapped, the one of the same name, else the one with the most room.
///
/// # Errors
/// `Permanent`: what is mapped is not there.
pub fn store(stores: &[Store], pool: Option<&str>, mapping: &[Mapping]) -> Result<String> {
    let from = pool.unwrap_or_default();
    let to = mapped(mapping, from);
    if let Some(store) = stores.iter().find(|store| store.name == to) {
        return Ok(store.name.clone());
    }
    if to != from {
        return Err(Error::permanent(format!("There is no datastore '{to}' here.")));
    }
    stores.first().map(|store| store.name.clone()).ok_or_else(|| Error::permanent("There is no datastore here."))
}

fn definition(spec: &MachineSpec) -> Vec<Problem> {
    let mut all = vec![];
    let mut add = |severity, what: String, remedy: &str| all.push(Problem::new(severity, &spec.name, what, remedy));
    if spec.firmware == Firmware::DirectKernel {
        let what = "Its kernel comes from its host's own files, which a machine of vSphere cannot boot from.";
        add(Critical, what.into(), "Install a boot loader in the guest.");
    }
    if spec.arch.as_deref().is_some_and(|arch| arch != "x86_64") {
        add(Critical, format!("It is made for {}.", spec.arch.as_deref().unwrap_or_default()), "Choose another cloud.");
    }
    if spec.disks.is_empty() {
        add(Critical, "It has no disk.".into(), "Choose another machine.");
    }
    if !spec.memory_mib.is_multiple_of(4) {
        add(Critical, format!("Its {} MiB of memory are no multiple of 4.", spec.memory_mib), "Change its memory a little.");
    }
    if spec.native_of(shape::KIND).is_none() {
        let what =
            "It gets SATA disks and e1000e cards, which most guests know; a guest that names its disks or cards may look for the old ones.";
        add(Info, what.into(), "Mount by UUID, and configure cards by MAC; install VMware Tools afterwards.");
    }
    all
}

fn connections(spec: &MachineSpec, mapping: &[Mapping], nets: &[Net]) -> Vec<Problem> {
    let known = |name: &str| nets.iter().any(|net| net.name() == name);
    let missing = spec.nics.iter().map(|nic| nic.network.as_deref().unwrap_or_default()).filter(|from| !known(mapped(mapping, from)));
    let problem = |from: &str| {
        let names: Vec<&str> = nets.iter().map(Net::name).collect();
        let what = format!("There is no network '{}' here.", mapped(mapping, from));
        Problem::new(Critical, from, what, format!("Map it to one of: {}.", names.join(", ")))
    };
    missing.map(problem).collect()
}

fn room(spec: &MachineSpec, mapping: &[Mapping], stores: &[Store]) -> Vec<Problem> {
    let mut all = vec![];
    let mut needed: Vec<(String, u64)> = vec![];
    for disk in &spec.disks {
        match store(stores, disk.pool.as_deref(), mapping) {
            Ok(name) => {
                let bytes = disk.allocated_bytes.unwrap_or(disk.size_bytes);
                match needed.iter_mut().find(|(own, _)| *own == name) {
                    Some((_, sum)) => *sum += bytes,
                    None => needed.push((name, bytes)),
                }
            }
            Err(error) => {
                let names: Vec<&str> = stores.iter().map(|one| one.name.as_str()).collect();
                let from = disk.pool.as_deref().unwrap_or_default();
                all.push(Problem::new(Critical, from, error.message, format!("Map it to one of: {}.", names.join(", "))));
            }
        }
    }
    for (name, bytes) in needed {
        let free = stores.iter().find(|one| one.name == name).map_or(0, |one| one.free);
        if free < bytes {
            let what = format!("The datastore '{name}' has {} MiB left, and {} MiB are needed.", free >> 20, bytes >> 20);
            all.push(Problem::new(Critical, &name, what, "Make room, or map to another one."));
        }
    }
    all
}

/// Whether a host is large enough at all; what else runs there is the cluster's affair, and said.
async fn memory(link: &Link, spec: &MachineSpec, places: &Places, target: &Target) -> Result<Vec<Problem>> {
    let hosts: Vec<Ref> = places.get(&target.compute).into_iter().flat_map(|one| one.list("host")).map(Ref::of).collect();
    let paths: &[&str] = &["summary.hardware.memorySize", "summary.hardware.numCpuThreads", "summary.quickStats.overallMemoryUsage"];
    let seen = props::of(link, &hosts, &[("HostSystem", paths)]).await?;
    let size = |one: &props::Object| one.number::<u64>("summary.hardware.memorySize").unwrap_or_default() >> 20;
    let left = |one: &props::Object| size(one).saturating_sub(one.number("summary.quickStats.overallMemoryUsage").unwrap_or_default());
    let threads = seen.iter().filter_map(|one| one.number::<u32>("summary.hardware.numCpuThreads")).max().unwrap_or_default();
    let mut all = vec![];
    let largest = seen.iter().map(size).max().unwrap_or_default();
    if largest < spec.memory_mib {
        let what = format!("It needs {} MiB of memory; the largest host has {largest}.", spec.memory_mib);
        all.push(Problem::new(Critical, &spec.name, what, "Choose another cluster or cloud."));
    } else if seen.iter().map(left).max().unwrap_or_default() < spec.memory_mib {
        let what = format!("No host has {} MiB of memory free now.", spec.memory_mib);
        all.push(Problem::new(Warning, &spec.name, what, "Stop something there; memory may be overcommitted otherwise."));
    }
    if threads > 0 && threads < spec.vcpus {
        let what = format!("It has {} CPUs; the largest host has {threads}.", spec.vcpus);
        all.push(Problem::new(Critical, &spec.name, what, "Choose another cluster or cloud."));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{super::shape::tests::spec, *};

    fn stores(free: u64) -> Vec<Store> {
        let id = Ref::new("Datastore", "d");
        vec![Store {
            id: id.clone(),
            name: "ds".into(),
            browser: id.clone(),
            datacenter: id,
            datacenter_path: "dc".into(),
            kind: "VMFS".into(),
            free,
        }]
    }

    #[test]
    fn room_is_added_up_for_each_datastore() {
        assert!(room(&spec(), &[], &stores(2 << 30)).is_empty());
        let found = room(&spec(), &[], &stores((2 << 30) - 1));
        assert!(found.len() == 1 && found[0].blocks() && found[0].what.contains("2048 MiB are needed"), "{found:?}");
        let elsewhere = [Mapping { from: "images".into(), to: "nowhere".into() }];
        assert!(room(&spec(), &elsewhere, &stores(1 << 40))[0].remedy.contains("ds"));
    }

    #[test]
    fn cards_need_a_network() {
        let nets = [Net::Standard { id: Ref::new("Network", "n"), name: "VM Network".into() }];
        let found = connections(&spec(), &[], &nets);
        assert!(found[0].blocks() && found[0].remedy.contains("VM Network"), "{found:?}");
        assert!(connections(&spec(), &[Mapping { from: "svc".into(), to: "VM Network".into() }], &nets).is_empty());
    }

    #[test]
    fn what_cannot_come_along_is_said() {
        let blockers = |spec: &MachineSpec| definition(spec).iter().filter(|p| p.blocks()).count();
        assert_eq!(blockers(&spec()), 0);
        assert_eq!(blockers(&MachineSpec { firmware: Firmware::DirectKernel, ..spec() }), 1);
        assert_eq!(blockers(&MachineSpec { arch: Some("aarch64".into()), memory_mib: 97, ..spec() }), 2);
    }
}
