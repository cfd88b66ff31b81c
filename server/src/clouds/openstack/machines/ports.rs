//! Network cards: a port for each, made before the machine, so that MAC and addresses are what they were.

use super::{
    super::{
        auth::Service,
        images::escape,
        inventory::resources::{self, Net, Subnet},
        link::Link,
    },
    groups::{self, Chosen},
};
use crate::clouds::{
    MachineSpec,
    error::{Error, Kind, Result},
};
use model::{Mapping, machine::Nic};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;

#[derive(Clone, Debug, Deserialize)]
pub struct Port {
    pub id: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub device_id: String,
    #[serde(default)]
    pub mac_address: String,
}

#[derive(Deserialize)]
struct Ports {
    ports: Vec<Port>,
}

/// What Neutron has, for finding a card's place there.
pub struct Fabric {
    pub nets: Vec<Net>,
    pub subnets: Vec<Subnet>,
}

impl Fabric {
    pub async fn look(link: &Link) -> Result<Self> {
        let (nets, subnets) = resources::networks(link).await?;
        Ok(Self { nets, subnets })
    }

    /// By name or id, as mapped; nothing is guessed.
    pub fn net(&self, nic: &Nic, mapping: &[Mapping]) -> std::result::Result<&Net, String> {
        let from = nic.network.as_deref().unwrap_or_default();
        let to = mapping.iter().find(|one| one.from == from).map_or(from, |one| one.to.as_str());
        let mut found = self.nets.iter().filter(|net| net.name == to || net.id == to);
        match (found.next(), found.next()) {
            (Some(net), None) => Ok(net),
            (Some(_), Some(_)) => Err(format!("there are several networks '{to}': map '{from}' to the id of one")),
            (None, _) => Err(format!("there is no network '{to}'")),
        }
    }

    pub fn subnet(&self, net: &Net, address: &str) -> Option<&Subnet> {
        self.subnets.iter().find(|one| one.network_id == net.id && contains(&one.cidr, address))
    }
}

pub fn contains(cidr: &str, address: &str) -> bool {
    let Some((base, length)) = cidr.split_once('/') else { return false };
    let Ok(length) = length.parse::<u32>() else { return false };
    let bits = |text: &str| match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(one)) => Some((32, u128::from(one.to_bits()))),
        Ok(IpAddr::V6(one)) => Some((128, one.to_bits())),
        Err(_) => None,
    };
    match (bits(base), bits(address)) {
        (Some((width, a)), Some((other, b))) if width == other && length <= width => (a ^ b).checked_shr(width - length).unwrap_or(0) == 0,
        _ => false,
    }
}

/// Addresses that no subnet knows are let through where the network filters by address.
pub fn body(nic: &Nic, name: &str, about: &str, net: &Net, fabric: &Fabric, groups: &Chosen) -> Value {
    let (known, other): (Vec<_>, Vec<_>) = nic.addresses.iter().partition(|address| fabric.subnet(net, address).is_some());
    let mut port = json!({ "network_id": net.id, "name": name, "description": about, "mac_address": nic.mac, "admin_state_up": true });
    if !known.is_empty() {
        let fixed = |address: &&String| json!({ "ip_address": address, "subnet_id": fabric.subnet(net, address).map(|one| &one.id) });
        port["fixed_ips"] = known.iter().map(fixed).collect();
    }
    if net.port_security_enabled && !other.is_empty() {
        port["allowed_address_pairs"] = other.iter().map(|address| json!({ "ip_address": address })).collect();
    }
    if net.port_security_enabled && !groups.ids.is_empty() {
        port["security_groups"] = json!(groups.ids);
    }
    json!({ "port": port })
}

/// By what Neutron can filter by.
pub async fn list(link: &Link, query: &str) -> Result<Vec<Port>> {
    let Ports { ports } = link.get(Service::Network, &format!("/ports?{query}")).await?;
    Ok(ports)
}

/// The ports of a machine in the order of its cards; those of an earlier try are taken.
pub async fn ensure(link: &Link, spec: &MachineSpec, mapping: &[Mapping], prefix: &str, about: &str) -> Result<Vec<String>> {
    let fabric = Fabric::look(link).await?;
    let groups = groups::look(link, spec, mapping).await?;
    let mut made = vec![];
    for (index, nic) in spec.nics.iter().enumerate() {
        let name = format!("{prefix}{index}");
        let net = fabric.net(nic, mapping).map_err(Error::conflict)?;
        if let Some(there) = list(link, &format!("name={}", escape(&name))).await?.into_iter().find(|port| port.mac_address == nic.mac) {
            made.push(there.id);
            continue;
        }
        let answer = link
            .post(Service::Network, "/ports", &body(nic, &name, about, net, &fabric, &groups))
            .await
            .map_err(|error| explain(error, nic))?;
        made.push(answer["port"]["id"].as_str().unwrap_or_default().to_owned());
    }
    Ok(made)
}

fn explain(error: Error, nic: &Nic) -> Error {
    if error.kind != Kind::Auth {
        return error;
    }
    let remedy =
        "Only the owner of a network may choose MAC and address there: use a network of the project, or have the role in Neutron's policy";
    Error::new(Kind::Auth, format!("{} ({}). {remedy}.", error.message, nic.mac))
}

/// Those whose name begins so.
pub async fn delete(link: &Link, prefix: &str, unused_only: bool) -> Result<()> {
    for port in list(link, "fields=id&fields=name&fields=device_id&fields=mac_address").await? {
        if port.name.starts_with(prefix) && (port.device_id.is_empty() || !unused_only) {
            link.delete(Service::Network, &format!("/ports/{}", port.id)).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::shape::tests::spec, *};

    fn net(id: &str, name: &str, filtered: bool) -> Net {
        let body = json!({ "id": id, "name": name, "status": "ACTIVE", "port_security_enabled": filtered });
        serde_json::from_value(body).unwrap()
    }

    fn fabric(filtered: bool) -> Fabric {
        let subnet = |id: &str, cidr: &str| Subnet { id: id.into(), network_id: "n1".into(), cidr: cidr.into() };
        let nets = vec![net("n1", "svc", filtered), net("n2", "lan", false), net("n3", "lan", false)];
        Fabric { nets, subnets: vec![subnet("s1", "10.88.0.0/24"), subnet("s6", "fd00::/64")] }
    }

    #[test]
    fn an_address_lies_in_a_subnet_or_not() {
        for (cidr, address, inside) in [
            ("10.88.0.0/24", "10.88.0.255", true),
            ("10.88.0.0/24", "10.88.1.0", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("10.0.0.1/32", "10.0.0.1", true),
            ("fd00::/64", "fd00::1", true),
            ("fd00::/64", "fd01::1", false),
            ("fd00::/64", "10.0.0.1", false),
            ("10.0.0.0/33", "10.0.0.0", false),
            ("nonsense", "10.0.0.0", false),
        ] {
            assert_eq!(contains(cidr, address), inside, "{cidr} {address}");
        }
    }

    #[test]
    fn a_card_keeps_its_mac_and_all_of_its_addresses() {
        let mut nic = spec().nics[0].clone();
        nic.addresses = ["10.88.0.21", "fd00::21", "192.0.2.1"].map(str::to_owned).into();
        let fabric = fabric(true);
        let groups = Chosen { ids: vec!["g1".into()], ..Chosen::default() };
        let port = body(&nic, "p", "a", &fabric.nets[0], &fabric, &groups)["port"].clone();
        assert_eq!(port["security_groups"], json!(["g1"]));
        assert_eq!((port["mac_address"].as_str(), port["network_id"].as_str()), (Some("52:54:00:c0:00:01"), Some("n1")));
        assert_eq!(
            port["fixed_ips"],
            json!([{ "ip_address": "10.88.0.21", "subnet_id": "s1" }, { "ip_address": "fd00::21", "subnet_id": "s6" }])
        );
        assert_eq!(port["allowed_address_pairs"], json!([{ "ip_address": "192.0.2.1" }]));
        let open = super::tests::fabric(false);
        let port = body(&nic, "p", "a", &open.nets[0], &open, &groups)["port"].clone();
        assert_eq!((port.get("allowed_address_pairs"), port.get("security_groups")), (None, None), "nothing is filtered there");
    }

    #[test]
    fn a_network_is_mapped_or_named_the_same_and_never_guessed() {
        let (fabric, mut nic) = (fabric(false), spec().nics[0].clone());
        let to = |to: &str| [Mapping { from: "lan".into(), to: to.into() }];
        assert_eq!(fabric.net(&nic, &[]).map(|n| n.id.as_str()), Ok("n1"));
        nic.network = Some("lan".into());
        assert!(fabric.net(&nic, &[]).unwrap_err().contains("several"));
        assert_eq!(fabric.net(&nic, &to("n3")).map(|n| n.id.as_str()), Ok("n3"));
        assert!(fabric.net(&nic, &to("dmz")).unwrap_err().contains("no network 'dmz'"));
    }
}
