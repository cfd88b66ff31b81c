//! The facet `FloatingAddresses`: Neutron's floating IPs of the project, on ports of its machines.

use super::{OpenStack, auth::Service, images::escape, inventory, link::Link};
use crate::clouds::{
    FloatingAddress, FloatingAddresses,
    error::{Error, Result},
};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

#[derive(Clone, Debug, Deserialize)]
struct Floating {
    id: String,
    floating_ip_address: String,
    #[serde(default)]
    port_id: Option<String>,
}
#[derive(Deserialize)]
struct All {
    floatingips: Vec<Floating>,
}
#[derive(Deserialize)]
struct One {
    floatingip: Floating,
}

#[derive(Clone, Debug, Deserialize)]
struct Port {
    id: String,
    #[serde(default)]
    device_id: String,
    mac_address: String,
    #[serde(default)]
    fixed_ips: Vec<Fixed>,
}
#[derive(Clone, Debug, Deserialize)]
struct Fixed {
    ip_address: String,
}
#[derive(Deserialize)]
struct Ports {
    ports: Vec<Port>,
}

#[async_trait]
impl FloatingAddresses for OpenStack {
    async fn list(&self) -> Result<Vec<FloatingAddress>> {
        let All { floatingips } = self.link.get(Service::Network, "/floatingips").await?;
        let ports = if floatingips.iter().any(|one| one.port_id.is_some()) { ports(&self.link, "").await? } else { vec![] };
        Ok(floatingips.iter().map(|one| shown(one, &ports)).collect())
    }

    async fn assign(&self, address: &str, native_id: &str, mac: &str) -> Result<FloatingAddress> {
        inventory::path(native_id)?;
        let query = format!("/floatingips?floating_ip_address={}", escape(address));
        let All { floatingips } = self.link.get(Service::Network, &query).await?;
        let none = || Error::not_found(format!("The project has no floating address {address}: allocate it there."));
        let own = floatingips.into_iter().find(|one| one.floating_ip_address == address).ok_or_else(none)?;
        let cards = ports(&self.link, &format!("&device_id={native_id}")).await?;
        let gone = || Error::not_found(format!("The machine has no card {mac}."));
        let port = cards.iter().find(|port| port.mac_address.eq_ignore_ascii_case(mac)).ok_or_else(gone)?;
        let path = format!("/floatingips/{}", own.id);
        if own.port_id.as_deref() != Some(port.id.as_str()) {
            self.link.put(Service::Network, &path, &json!({ "floatingip": target(port) })).await?;
        }
        // What was asked for is no proof.
        let One { floatingip } = self.link.get(Service::Network, &path).await?;
        if floatingip.port_id.as_deref() == Some(port.id.as_str()) {
            return Ok(shown(&floatingip, &cards));
        }
        Err(Error::transient(format!("{address} does not point at the machine although Neutron took it.")))
    }
}

/// Neutron wants to know which, where a card has several.
fn target(port: &Port) -> serde_json::Value {
    let mut body = json!({ "port_id": port.id });
    let mut v4 = port.fixed_ips.iter().filter(|one| one.ip_address.parse::<std::net::Ipv4Addr>().is_ok());
    if let (Some(first), Some(_)) = (v4.next(), v4.next()) {
        body["fixed_ip_address"] = json!(first.ip_address);
    }
    body
}

async fn ports(link: &Link, query: &str) -> Result<Vec<Port>> {
    let fields = "fields=id&fields=device_id&fields=mac_address&fields=fixed_ips";
    let Ports { ports } = link.get(Service::Network, &format!("/ports?{fields}{query}")).await?;
    Ok(ports)
}

fn shown(one: &Floating, ports: &[Port]) -> FloatingAddress {
    let port = one.port_id.as_deref().and_then(|id| ports.iter().find(|port| port.id == id));
    FloatingAddress {
        address: one.floating_ip_address.clone(),
        machine: port.map(|port| port.device_id.clone()).filter(|id| !id.is_empty()),
        mac: port.map(|port| port.mac_address.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neutrons_answer_says_what_an_address_reaches() {
        let text = r#"{"floatingips":[{"id":"f1","tenant_id":"p","floating_ip_address":"198.18.7.10","floating_network_id":"n","router_id":"r","port_id":"p1",
          "fixed_ip_address":"10.88.7.21","status":"DOWN"},{"id":"f2","floating_ip_address":"198.18.7.11","port_id":null,"router_id":null}]}"#;
        let All { floatingips } = serde_json::from_str(text).unwrap();
        let port = |text: &str| serde_json::from_str::<Port>(text).unwrap();
        let one = port(
            r#"{"id":"p1","device_id":"s1","mac_address":"fa:16:3e:00:00:01","fixed_ips":[{"subnet_id":"s","ip_address":"10.88.7.21"}]}"#,
        );
        let seen: Vec<_> = floatingips.iter().map(|f| shown(f, std::slice::from_ref(&one))).collect();
        assert_eq!((seen[0].machine.as_deref(), seen[0].mac.as_deref()), (Some("s1"), Some("fa:16:3e:00:00:01")));
        assert_eq!((seen[1].address.as_str(), &seen[1].machine), ("198.18.7.11", &None));
        assert_eq!(target(&one).get("fixed_ip_address"), None);
        let two = port(
            r#"{"id":"p1","mac_address":"m","fixed_ips":[{"ip_address":"fd00::1"},{"ip_address":"10.0.0.2"},{"ip_address":"10.0.0.3"}]}"#,
        );
        assert_eq!(target(&two)["fixed_ip_address"], "10.0.0.2");
    }
}
