//! What machines can be put on: host, networks, pools, Fibre Channel adapters.

use super::{
    super::sys::{Conn, Fault, raw},
    domain::{child, children, path, text},
};
use model::cloud::{Capacity, Hba, Host, Network, Pool, Resources};
use roxmltree::Document;

/// # Errors
/// libvirt's.
pub fn look(conn: &Conn) -> Result<Resources, Fault> {
    let info = conn.host_info()?;
    let host = Host {
        name: conn.hostname().unwrap_or_default(),
        cpus: info.cpus,
        cpu_model: cpu_model(conn).unwrap_or(info.cpu_model),
        memory_mib: info.memory_kib >> 10,
        memory_free_mib: info.free_kib >> 10,
    };
    // What was listed may be gone a moment later: such a one is left out.
    let networks = conn.networks()?.iter().filter_map(|one| network(&one.xml().ok()?, one.is_active().ok()?)).collect();
    Ok(Resources { observed_at: crate::state::now(), hosts: vec![host], networks, pools: pools(conn)?, hbas: hbas(conn) })
}

/// # Errors
/// libvirt's.
pub fn capacity(conn: &Conn) -> Result<Capacity, Fault> {
    let info = conn.host_info()?;
    let pools = pools(conn)?;
    let active = || pools.iter().filter(|pool| pool.active);
    Ok(Capacity {
        cpus: info.cpus,
        memory_mib: info.memory_kib >> 10,
        memory_free_mib: info.free_kib >> 10,
        storage_bytes: active().map(|pool| pool.total_bytes).sum(),
        storage_free_bytes: active().map(|pool| pool.free_bytes).sum(),
    })
}

/// # Errors
/// libvirt's.
pub fn pools(conn: &Conn) -> Result<Vec<Pool>, Fault> {
    Ok(conn.pools()?.iter().filter_map(pool).collect())
}

pub fn pool(pool: &super::super::sys::Pool) -> Option<Pool> {
    let (info, xml) = (pool.info().ok()?, pool.xml().ok()?);
    let document = Document::parse(&xml).ok()?;
    let root = document.root_element();
    Some(Pool {
        name: pool.name(),
        active: info.active,
        kind: root.attribute("type").unwrap_or_default().to_owned(),
        path: path(root, &["target", "path"]).and_then(|node| node.text()).map(str::to_owned),
        total_bytes: info.capacity,
        free_bytes: info.free,
    })
}

fn network(xml: &str, active: bool) -> Option<Network> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let kind = child(root, "forward").map_or("isolated", |node| node.attribute("mode").unwrap_or("nat"));
    let vlan = path(root, &["vlan", "tag"]).and_then(|node| node.attribute("id")).and_then(|id| id.parse().ok());
    Some(Network {
        name: text(root, "name")?,
        active,
        kind: if vlan.is_some() { "vlan" } else { kind }.to_owned(),
        bridge: child(root, "bridge").and_then(|node| node.attribute("name")).map(str::to_owned),
        cidr: child(root, "ip").and_then(|node| {
            let prefix = node.attribute("prefix").map(str::to_owned).or_else(|| node.attribute("netmask").and_then(prefix_of))?;
            Some(format!("{}/{prefix}", node.attribute("address")?))
        }),
        vlan,
    })
}

fn prefix_of(netmask: &str) -> Option<String> {
    let mask: std::net::Ipv4Addr = netmask.parse().ok()?;
    Some(u32::from(mask).leading_ones().to_string())
}

fn cpu_model(conn: &Conn) -> Option<String> {
    let xml = conn.capabilities().ok()?;
    let document = Document::parse(&xml).ok()?;
    path(document.root_element(), &["host", "cpu", "model"]).and_then(|node| node.text()).map(str::to_owned)
}

/// What a host calls itself, however it is reached.
pub fn host_uuid(conn: &Conn) -> Option<String> {
    let xml = conn.capabilities().ok()?;
    let document = Document::parse(&xml).ok()?;
    path(document.root_element(), &["host", "uuid"]).and_then(|node| node.text()).map(str::to_lowercase)
}

/// A host without node devices (or without the right to see them) simply has none.
fn hbas(conn: &Conn) -> Vec<Hba> {
    let devices = conn.node_devices(raw::VIR_CONNECT_LIST_NODE_DEVICES_CAP_FC_HOST).unwrap_or_default();
    devices.iter().filter_map(|device| hba(&device.xml().ok()?)).collect()
}

fn hba(xml: &str) -> Option<Hba> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let scsi = child(root, "capability")?;
    let kind = |name: &str| children(scsi, "capability").find(|node| node.attribute("type") == Some(name));
    let fc = kind("fc_host")?;
    Some(Hba {
        name: text(root, "name")?,
        wwnn: text(fc, "wwnn")?,
        wwpn: text(fc, "wwpn")?,
        fabric_wwn: text(fc, "fabric_wwn"),
        vports: kind("vport_ops").is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapter_is_read_with_its_names() {
        let xml = "<device><name>scsi_host1</name><capability type='scsi_host'><host>1</host><capability type='fc_host'>\
          <wwnn>20000000c9990000</wwnn><wwpn>10000000c9990000</wwpn><fabric_wwn>2000000dec3ee500</fabric_wwn></capability>\
          <capability type='vport_ops'><max_vports>127</max_vports></capability></capability></device>";
        let found = hba(xml).unwrap();
        assert_eq!((found.name.as_str(), found.wwpn.as_str(), found.vports), ("scsi_host1", "10000000c9990000", true));
    }

    #[test]
    fn a_network_says_what_it_is() {
        let nat = network(
            "<network><name>n</name><forward mode='nat'/><bridge name='virbr0'/><ip address='10.1.0.1' netmask='255.255.255.0'/></network>",
            true,
        );
        let nat = nat.unwrap();
        assert_eq!((nat.kind.as_str(), nat.cidr.as_deref(), nat.bridge.as_deref()), ("nat", Some("10.1.0.1/24"), Some("virbr0")));
        assert_eq!(network("<network><name>n</name></network>", false).unwrap().kind, "isolated");
    }
}
