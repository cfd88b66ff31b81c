//! What machines can be put on: networks, and what the project's quotas leave.

use super::super::{auth::Service, link::Link, machines::IMAGE, volumes};
use crate::clouds::error::Result;
use jiff::Timestamp;
use model::cloud::{Capacity, Host, Network, Pool, Resources};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Shown where the project has no limit: OpenStack does not tell a member how much there really is.
const NO_LIMIT_MIB: u64 = 1 << 20;
const NO_LIMIT_CPUS: u32 = 1000;
/// Glance states no free space to anybody.
const IMAGES_BYTES: u64 = 1 << 40;

#[derive(Clone, Debug, Deserialize)]
pub struct Net {
    pub id: String,
    pub name: String,
    #[serde(default)]
    pub status: String,
    #[serde(default = "yes")]
    pub admin_state_up: bool,
    #[serde(default = "yes")]
    pub port_security_enabled: bool,
    #[serde(rename = "router:external", default)]
    pub external: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Deserialize)]
pub struct Subnet {
    pub id: String,
    pub network_id: String,
    pub cidr: String,
}

#[derive(Deserialize)]
struct Nets {
    networks: Vec<Net>,
}
#[derive(Deserialize)]
struct Subnets {
    subnets: Vec<Subnet>,
}
#[derive(Deserialize)]
struct Limits {
    limits: Absolute,
}
#[derive(Deserialize)]
struct Absolute {
    absolute: BTreeMap<String, i64>,
}

/// Nova's limits of the project, and what of them is used; -1 is none.
#[derive(Clone, Debug, Default)]
pub struct Quota(BTreeMap<String, i64>);

impl Quota {
    #[cfg(test)]
    pub fn of(figures: BTreeMap<String, i64>) -> Self {
        Self(figures)
    }

    /// Limit and what is left; `None`: no limit.
    pub fn left(&self, limit: &str, used: &str) -> Option<(i64, i64)> {
        let most = *self.0.get(limit)?;
        (most >= 0).then(|| (most, most - self.0.get(used).copied().unwrap_or_default()))
    }
}

pub async fn quota(link: &Link) -> Result<Quota> {
    let Limits { limits } = link.get(Service::Compute, "/limits").await?;
    Ok(Quota(limits.absolute))
}

/// Cinder's limits of the project.
pub async fn volume_quota(link: &Link) -> Result<Quota> {
    let Limits { limits } = link.get(Service::Volume, "/limits").await?;
    Ok(Quota(limits.absolute))
}

pub async fn networks(link: &Link) -> Result<(Vec<Net>, Vec<Subnet>)> {
    let Nets { networks } = link.get(Service::Network, "/networks").await?;
    let Subnets { subnets } = link.get(Service::Network, "/subnets").await?;
    Ok((networks, subnets))
}

pub async fn capacity(link: &Link) -> Result<Capacity> {
    Ok(of(&quota(link).await?))
}

fn of(quota: &Quota) -> Capacity {
    let cores = quota.left("maxTotalCores", "totalCoresUsed");
    let memory = quota.left("maxTotalRAMSize", "totalRAMUsed");
    let mib = |value: i64| u64::try_from(value).unwrap_or_default();
    Capacity {
        cpus: cores.map_or(NO_LIMIT_CPUS, |(most, _)| u32::try_from(most).unwrap_or_default()),
        memory_mib: memory.map_or(NO_LIMIT_MIB, |(most, _)| mib(most)),
        memory_free_mib: memory.map_or(NO_LIMIT_MIB, |(_, left)| mib(left)),
        storage_bytes: IMAGES_BYTES,
        storage_free_bytes: IMAGES_BYTES,
    }
}

pub async fn look(link: &Link) -> Result<Resources> {
    let capacity = capacity(link).await?;
    let zones: Value = link.get(Service::Compute, "/os-availability-zone").await?;
    let (networks, subnets) = networks(link).await?;
    let zones = zones["availabilityZoneInfo"].as_array().cloned().unwrap_or_default();
    // A member does not see hosts; a zone is the smallest place that can be named.
    let host = |zone: &Value| Host {
        name: zone["zoneName"].as_str().unwrap_or_default().to_owned(),
        cpus: capacity.cpus,
        cpu_model: "quota of the project".into(),
        memory_mib: capacity.memory_mib,
        memory_free_mib: capacity.memory_free_mib,
    };
    Ok(Resources {
        observed_at: Timestamp::now().as_millisecond(),
        hosts: zones.iter().map(host).collect(),
        // No machine belongs on a provider's network: floating addresses lead from there to it.
        networks: networks.iter().filter(|one| !one.external).map(|one| network(one, &subnets)).collect(),
        pools: pools(link).await?,
        hbas: vec![],
    })
}

/// Glance, and each type of volumes: they share one quota.
async fn pools(link: &Link) -> Result<Vec<Pool>> {
    let pool = |name: &str, kind: &str, total: u64, free: u64| Pool {
        name: name.into(),
        active: true,
        kind: kind.into(),
        path: None,
        total_bytes: total,
        free_bytes: free,
    };
    let mut all = vec![pool(IMAGE, "glance", IMAGES_BYTES, IMAGES_BYTES)];
    if link.has(Service::Volume).await? {
        let left = volume_quota(link).await?.left("maxTotalVolumeGigabytes", "totalGigabytesUsed");
        let bytes = |gib: i64| u64::try_from(gib).unwrap_or_default() << 30;
        let (total, free) = left.map_or((IMAGES_BYTES, IMAGES_BYTES), |(most, left)| (bytes(most), bytes(left)));
        all.extend(volumes::types(link).await?.iter().map(|name| pool(name, "cinder", total, free)));
    }
    Ok(all)
}

fn network(net: &Net, subnets: &[Subnet]) -> Network {
    Network {
        name: net.name.clone(),
        active: net.admin_state_up && net.status != "DOWN",
        kind: "project".into(),
        bridge: None,
        cidr: subnets.iter().find(|one| one.network_id == net.id).map(|one| one.cidr.clone()),
        vlan: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_minus_one_is_none() {
        let text = r#"{"limits":{"rate":[],"absolute":{"maxTotalInstances":10,"maxTotalCores":20,"maxTotalRAMSize":-1,"totalRAMUsed":96,"totalCoresUsed":3,"totalInstancesUsed":1}}}"#;
        let Limits { limits } = serde_json::from_str(text).unwrap();
        let quota = Quota(limits.absolute);
        assert_eq!(quota.left("maxTotalCores", "totalCoresUsed"), Some((20, 17)));
        assert_eq!(quota.left("maxTotalRAMSize", "totalRAMUsed"), None);
        let capacity = of(&quota);
        assert_eq!((capacity.cpus, capacity.memory_free_mib), (20, NO_LIMIT_MIB));
    }
}
