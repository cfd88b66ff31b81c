//! What machines can be put on: hosts, networks, datastores, adapters.

use super::{
    super::{
        link::Link,
        props::{self, Object},
    },
    hbas, machine,
    places::{self, Places},
};
use crate::clouds::error::Result;
use jiff::Timestamp;
use model::cloud::{Capacity, Host, Network, Pool, Resources};
use std::collections::BTreeMap;

const HOST: &[&str] = &[
    "name",
    "summary.hardware.cpuModel",
    "summary.hardware.numCpuThreads",
    "summary.hardware.numCpuCores",
    "summary.hardware.memorySize",
    "summary.quickStats.overallMemoryUsage",
    "runtime.connectionState",
];
const ADAPTERS: &str = "config.storageDevice.hostBusAdapter";
const DATASTORE: &[&str] = &["name", "summary.type", "summary.accessible", "summary.capacity", "summary.freeSpace", "summary.url"];
const MIB: u64 = 1 << 20;

async fn everything(link: &Link, wanted: &[props::Wanted<'_>]) -> Result<Places> {
    props::all(link, &props::From::Places(wanted)).await.map(Places)
}

/// Names of distributed port groups, by their keys.
///
/// # Errors
/// By kind.
pub async fn port_groups(link: &Link) -> Result<BTreeMap<String, String>> {
    let all = everything(link, &[("DistributedVirtualPortgroup", &["key", "name"]), ("OpaqueNetwork", &["name", "summary"])]).await?;
    let named = |one: &Object| {
        let key = one.get("key").or_else(|| one.prop("summary")?.get("opaqueNetworkId"))?;
        Some((key.to_owned(), machine::name(one)))
    };
    Ok(all.0.iter().filter_map(named).collect())
}

pub async fn capacity(link: &Link) -> Result<Capacity> {
    let all = everything(link, &[("HostSystem", HOST), ("Datastore", DATASTORE)]).await?;
    Ok(total(&all))
}

fn total(all: &Places) -> Capacity {
    let hosts: Vec<Host> = all.of("HostSystem").filter(|one| connected(one)).map(host).collect();
    let pools: Vec<Pool> = all.of("Datastore").map(pool).filter(|one| one.active).collect();
    Capacity {
        cpus: hosts.iter().map(|one| one.cpus).sum(),
        memory_mib: hosts.iter().map(|one| one.memory_mib).sum(),
        memory_free_mib: hosts.iter().map(|one| one.memory_free_mib).sum(),
        storage_bytes: pools.iter().map(|one| one.total_bytes).sum(),
        storage_free_bytes: pools.iter().map(|one| one.free_bytes).sum(),
    }
}

pub async fn look(link: &Link) -> Result<Resources> {
    let host_paths: Vec<&str> = HOST.iter().copied().chain([ADAPTERS]).collect();
    let wanted: &[props::Wanted<'_>] = &[
        ("HostSystem", &host_paths),
        ("Datastore", DATASTORE),
        ("Network", &["name", "summary.accessible"]),
        ("DistributedVirtualPortgroup", &["name", "config.defaultPortConfig", "tag"]),
    ];
    let all = everything(link, wanted).await?;
    let mut networks: Vec<Network> = all.of("Network").map(standard).collect();
    networks.extend(all.of("DistributedVirtualPortgroup").filter(|one| !places::is_uplink(one)).map(distributed));
    let hbas = all.of("HostSystem").flat_map(|one| hbas::of_host(one.get("name").unwrap_or_default(), one.list(ADAPTERS))).collect();
    Ok(Resources {
        observed_at: Timestamp::now().as_millisecond(),
        hosts: all.of("HostSystem").map(host).collect(),
        networks,
        pools: all.of("Datastore").map(pool).collect(),
        hbas,
    })
}

fn connected(host: &Object) -> bool {
    host.get("runtime.connectionState").is_none_or(|state| state == "connected")
}

fn host(one: &Object) -> Host {
    let memory_mib = one.number::<u64>("summary.hardware.memorySize").unwrap_or_default() / MIB;
    let used = one.number::<u64>("summary.quickStats.overallMemoryUsage").unwrap_or_default();
    let threads = one.number("summary.hardware.numCpuThreads").filter(|n| *n > 0);
    Host {
        name: machine::name(one),
        cpus: threads.or_else(|| one.number("summary.hardware.numCpuCores")).unwrap_or_default(),
        cpu_model: one.get("summary.hardware.cpuModel").unwrap_or_default().to_owned(),
        memory_mib,
        memory_free_mib: if connected(one) { memory_mib.saturating_sub(used) } else { 0 },
    }
}

fn pool(one: &Object) -> Pool {
    Pool {
        name: machine::name(one),
        active: one.get("summary.accessible").is_none_or(|yes| yes == "true"),
        kind: one.get("summary.type").unwrap_or("datastore").to_lowercase(),
        path: one.get("summary.url").map(str::to_owned),
        total_bytes: one.number("summary.capacity").unwrap_or_default(),
        free_bytes: one.number("summary.freeSpace").unwrap_or_default(),
    }
}

fn standard(one: &Object) -> Network {
    let active = one.get("summary.accessible").is_none_or(|yes| yes == "true");
    Network { name: machine::name(one), active, kind: "standard".into(), bridge: None, cidr: None, vlan: None }
}

fn distributed(one: &Object) -> Network {
    let vlan = one.prop("config.defaultPortConfig").and_then(|config| config.child("vlan"));
    // A trunk has ranges, a private VLAN another word: neither is one number.
    let number = vlan.filter(|vlan| vlan.kind.contains("VlanIdSpec")).and_then(|vlan| vlan.number::<u16>("vlanId")).filter(|id| *id > 0);
    Network { name: machine::name(one), active: true, kind: "distributed".into(), bridge: None, cidr: None, vlan: number }
}

#[cfg(test)]
mod tests {
    use super::{super::super::xml::parse, *};

    fn object(text: &str) -> Object {
        Object::read(parse(text).unwrap())
    }

    #[test]
    fn hosts_and_datastores_are_added_up_as_far_as_they_are_there() {
        let host = |state: &str| {
            format!(
                "<o><obj type='HostSystem'>h</obj><propSet><name>summary.hardware.memorySize</name><val>1073741824</val></propSet><propSet><name>summary.hardware.numCpuThreads</name><val>8</val></propSet><propSet><name>summary.quickStats.overallMemoryUsage</name><val>24</val></propSet><propSet><name>runtime.connectionState</name><val>{state}</val></propSet></o>"
            )
        };
        let store = |yes: &str| {
            format!(
                "<o><obj type='Datastore'>d</obj><propSet><name>summary.accessible</name><val>{yes}</val></propSet><propSet><name>summary.capacity</name><val>100</val></propSet><propSet><name>summary.freeSpace</name><val>40</val></propSet></o>"
            )
        };
        let all =
            Places([host("connected"), host("notResponding"), store("true"), store("false")].iter().map(|text| object(text)).collect());
        let seen = total(&all);
        assert_eq!((seen.cpus, seen.memory_mib, seen.memory_free_mib), (8, 1024, 1000));
        assert_eq!((seen.storage_bytes, seen.storage_free_bytes), (100, 40));
    }

    #[test]
    fn a_vlan_is_one_number_or_none() {
        let group = |vlan: &str| {
            let text = format!(
                "<o><obj type='DistributedVirtualPortgroup'>d</obj><propSet><name>name</name><val>prod</val></propSet><propSet><name>config.defaultPortConfig</name><val>{vlan}</val></propSet></o>"
            );
            distributed(&object(&text)).vlan
        };
        assert_eq!(group("<vlan xsi:type='VmwareDistributedVirtualSwitchVlanIdSpec'><vlanId>104</vlanId></vlan>"), Some(104));
        assert_eq!(group("<vlan xsi:type='VmwareDistributedVirtualSwitchVlanIdSpec'><vlanId>0</vlanId></vlan>"), None);
        assert_eq!(
            group("<vlan xsi:type='VmwareDistributedVirtualSwitchTrunkVlanSpec'><vlanId><start>0</start><end>4094</end></vlanId></vlan>"),
            None
        );
    }
}
