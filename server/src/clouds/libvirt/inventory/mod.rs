//! The facet `Inventory`: everything on a host, page by page, and what changes.

pub mod domain;
pub mod resources;
mod watch;

use super::{
    Libvirt,
    sys::{Conn, Domain, Fault, Stats, raw},
};
use crate::clouds::{Change, Inventory, ListPage, Observed, error::Result};
use async_trait::async_trait;
use domain::Facts;
use model::cloud::{Capacity, Resources};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// So that a page of a slow host stays well within the time that a call may take.
const PAGE: usize = 250;
const GROUPS: u32 = raw::VIR_DOMAIN_STATS_STATE | raw::VIR_DOMAIN_STATS_BLOCK;

#[async_trait]
impl Inventory for Libvirt {
    async fn list(&self, cursor: Option<String>) -> Result<ListPage> {
        self.link.call(move |conn| page(conn, cursor)).await
    }

    async fn one(&self, native_id: &str) -> Result<Option<Observed>> {
        let uuid = native_id.to_owned();
        self.link.call(move |conn| look(conn, &uuid)).await
    }

    async fn resources(&self) -> Result<Resources> {
        self.link.call(resources::look).await
    }

    async fn capacity(&self) -> Result<Capacity> {
        self.link.call(resources::capacity).await
    }

    async fn alive(&self) -> Result<()> {
        self.link.alive().await
    }

    async fn watch(&self) -> Result<Option<mpsc::Receiver<Change>>> {
        watch::start(&self.link).await
    }
}

/// Ordered by UUID, so that a cursor survives machines that come and go between two pages.
fn page(conn: &Conn, cursor: Option<String>) -> std::result::Result<ListPage, Fault> {
    let mut all: Vec<(String, Domain)> = conn.domains()?.into_iter().filter_map(|one| Some((one.uuid().ok()?, one))).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let from = cursor.map_or(0, |after| all.partition_point(|(uuid, _)| *uuid <= after));
    let some = &all[from..all.len().min(from + PAGE)];
    let domains: Vec<Domain> = some.iter().map(|(_, domain)| domain.clone()).collect();
    // One that vanished fails the bulk call as a whole: then each is asked alone.
    let mut stats = conn.stats(&domains, GROUPS).unwrap_or_default();
    let pools = pool_folders(conn);
    let mut machines = Vec::with_capacity(some.len());
    for (uuid, domain) in some {
        match machine(domain, stats.remove(uuid), &pools) {
            Ok(found) => machines.extend(found),
            Err(fault) if fault.is_missing() => {}
            Err(fault) => return Err(fault),
        }
    }
    let next = (from + some.len() < all.len()).then(|| some.last().map(|(uuid, _)| uuid.clone())).flatten();
    Ok(ListPage { machines, next })
}

/// One machine now.
pub fn look(conn: &Conn, uuid: &str) -> std::result::Result<Option<Observed>, Fault> {
    let found = conn.domain(uuid).and_then(|domain| {
        let stats = conn.stats(std::slice::from_ref(&domain), GROUPS).ok().and_then(|mut all| all.remove(uuid));
        machine(&domain, stats, &pool_folders(conn))
    });
    match found {
        Err(fault) if fault.is_missing() => Ok(None),
        other => other,
    }
}

fn pool_folders(conn: &Conn) -> BTreeMap<String, String> {
    let pools = resources::pools(conn).unwrap_or_default();
    pools.into_iter().filter_map(|pool| Some((pool.path?, pool.name))).collect()
}

fn machine(domain: &Domain, stats: Option<Stats>, pools: &BTreeMap<String, String>) -> std::result::Result<Option<Observed>, Fault> {
    // The state first: a machine that starts meanwhile is then shown as stopped, never as running when it is not.
    let state = domain.state()?;
    let xml = domain.xml(0)?;
    let facts = gather(domain, &xml, state, stats.unwrap_or_default(), pools);
    domain::observed(&xml, &facts).map_err(|error| Fault::ours(&format!("{}: its XML cannot be read: {error}", domain.name())))
}

fn gather(domain: &Domain, xml: &str, state: (u32, i32), stats: Stats, pools: &BTreeMap<String, String>) -> Facts {
    let live = domain::power_state(state).is_live();
    Facts {
        state,
        autostart: domain.autostart().ok(),
        persistent: domain.is_persistent().unwrap_or(true),
        stats,
        sizes: if live { BTreeMap::new() } else { sizes(domain, xml) },
        addresses: if live { addresses(domain, xml) } else { BTreeMap::new() },
        pools: pools.clone(),
    }
}

/// What is asked beside the XML, of one machine.
pub fn facts(conn: &Conn, domain: &Domain) -> std::result::Result<Facts, Fault> {
    let stats = conn.stats(std::slice::from_ref(domain), GROUPS)?.remove(&domain.uuid()?);
    Ok(gather(domain, &domain.xml(0)?, domain.state()?, stats.unwrap_or_default(), &pool_folders(conn)))
}

/// Statistics know no disks of a stopped machine.
fn sizes(domain: &Domain, xml: &str) -> BTreeMap<String, (u64, u64)> {
    let Ok(document) = roxmltree::Document::parse(xml) else { return BTreeMap::new() };
    let targets = domain::devices(document.root_element(), "disk")
        .filter(|disk| domain::child(*disk, "source").is_some())
        .filter_map(|disk| domain::child(disk, "target")?.attribute("dev"));
    targets.filter_map(|target| Some((target.to_owned(), domain.block_sizes(target).ok()?))).collect()
}

/// The guest knows best, then the network's leases, then what the host has heard.
fn addresses(domain: &Domain, xml: &str) -> BTreeMap<String, (&'static str, Vec<String>)> {
    let agent = xml.contains("name='org.qemu.guest_agent.0' state='connected'");
    let mut found: BTreeMap<String, (&'static str, Vec<String>)> = BTreeMap::new();
    for (source, name) in [
        (raw::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, "agent"),
        (raw::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, "lease"),
        (raw::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP, "arp"),
    ] {
        if name == "agent" && !agent {
            continue;
        }
        for one in domain.addresses(source).unwrap_or_default() {
            let entry = found.entry(one.mac).or_insert((name, vec![]));
            if entry.0 == name && !is_local(&one.address) && !entry.1.contains(&one.address) {
                entry.1.push(one.address);
            }
        }
    }
    found.retain(|_, (_, all)| !all.is_empty());
    found
}

/// Loopback and link-local addresses lead nowhere.
fn is_local(address: &str) -> bool {
    address.starts_with("127.") || address == "::1" || address.to_lowercase().starts_with("fe80:")
}
