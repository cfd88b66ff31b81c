//! What machines can be put on: zones, subnets, volume types. Amazon tells nobody how much there really is.

use super::{
    super::{fault::look, link::Link},
    known::Known,
};
use crate::clouds::error::Result;
use jiff::Timestamp;
use model::cloud::{Capacity, Host, Network, Pool, Resources};

/// Shown as what a region has: quotas are in another service, and are told when a machine is refused.
const CPUS: u32 = 1000;
const MEMORY_MIB: u64 = 4 << 20;
const STORAGE_BYTES: u64 = 1 << 50;
/// Types of volumes that a machine may get. Those with guaranteed speed are not chosen by themselves: they cost by it.
pub const POOLS: [&str; 3] = ["gp3", "gp2", "standard"];

pub async fn capacity(link: &Link) -> Result<Capacity> {
    // It must answer, even if the figures are none.
    look("regions", link.ec2().await?.describe_regions().send()).await?;
    Ok(Capacity {
        cpus: CPUS,
        memory_mib: MEMORY_MIB,
        memory_free_mib: MEMORY_MIB,
        storage_bytes: STORAGE_BYTES,
        storage_free_bytes: STORAGE_BYTES,
    })
}

pub async fn look_at(link: &Link, known: &Known) -> Result<Resources> {
    let zones = look("availability zones", link.ec2().await?.describe_availability_zones().send()).await?;
    known.forget_subnets();
    let subnets = known.subnets(link).await?;
    let host = |name: &str| Host {
        name: name.to_owned(),
        cpus: CPUS,
        cpu_model: "availability zone".into(),
        memory_mib: MEMORY_MIB,
        memory_free_mib: MEMORY_MIB,
    };
    let pool = |name: &str| Pool {
        name: name.to_owned(),
        active: true,
        kind: "ebs".into(),
        path: None,
        total_bytes: STORAGE_BYTES,
        free_bytes: STORAGE_BYTES,
    };
    let network = |place: &super::known::Place| Network {
        name: place.name.clone(),
        active: place.available,
        kind: format!("subnet in {}", place.zone),
        bridge: None,
        cidr: Some(place.cidr.clone()),
        vlan: None,
    };
    Ok(Resources {
        observed_at: Timestamp::now().as_millisecond(),
        hosts: zones.availability_zones().iter().filter_map(|zone| zone.zone_name()).map(host).collect(),
        networks: subnets.values().map(network).collect(),
        pools: POOLS.iter().map(|name| pool(name)).collect(),
        hbas: vec![],
    })
}
