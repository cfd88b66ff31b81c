//! Gratuitous ARP: everybody on a stretched network learns that an address has a new MAC.
//!
//! The payload names the machine's MAC as the sender. The Ethernet source is our own: bridges on the way learn ports
//! from it, and they must not look for the machine at our port. Without it a neighbour's entry has to expire (6 to 7 s
//! measured, 26 to 153 ms with it). The guest itself announces at boot where it can; this makes sure.

use super::{Capabilities, Plan, Request, Result, Steering, probe, route, socket};
use async_trait::async_trait;
use model::{machine::Nic, plan::HealthCheck};
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, time::Duration};

pub struct Garp;

/// What is announced.
#[derive(Serialize, Deserialize)]
struct Announcement {
    /// Of the card that carries the address, where that is known.
    mac: Option<String>,
}

const REPEATS: u32 = 3;
const BETWEEN: Duration = Duration::from_millis(50);

#[async_trait]
impl Steering for Garp {
    fn capabilities(&self) -> Capabilities {
        Capabilities { checks_epoch: false, same_address: true }
    }

    async fn probe(&self, address: &str) -> Result<String> {
        let interface = route::interface(parse(address)?)?;
        Ok(format!("{address} is on the network of {}.", interface.name))
    }

    async fn plan(&self, request: &Request) -> Result<Plan> {
        let address = parse(&request.address)?;
        let mac = carrier(request, address).and_then(|n| mac(&n.mac)).map(text);
        let probe = aimed(&request.probe, &request.address);
        let in_words = format!("announce {address} at {}", mac.as_deref().unwrap_or("the machine's MAC"));
        let how = serde_json::json!(Announcement { mac });
        Ok(Plan { mechanism: "garp".into(), address: address.to_string(), how, probe, in_words })
    }

    async fn apply(&self, plan: &Plan, _epoch: i64) -> Result<String> {
        let own: Announcement = serde_json::from_value(plan.how.clone()).map_err(|e| format!("this plan is of another mechanism: {e}."))?;
        let unknown = "it is not known which card of the machine carries the address: name its network in the plan.";
        let (mac, address) = (own.mac.as_deref().and_then(mac).ok_or(unknown)?, parse(&plan.address)?);
        let interface = route::interface(address)?;
        for _ in 0..REPEATS {
            for reply in [false, true] {
                let frame = frame(interface.mac, mac, address, reply);
                socket::send_frame(interface.index, &frame).map_err(|e| missing(&e))?;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(format!("announced on {} for {}", interface.name, text(mac)))
    }

    async fn verify(&self, plan: &Plan) -> Result<String> {
        probe::answer(&plan.probe, &plan.address).await
    }
}

fn missing(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return "this node may not send Ethernet frames. Give its program CAP_NET_RAW (setcap cap_net_raw+ep).".into();
    }
    format!("the announcement could not be sent: {error}.")
}

pub(super) fn parse(address: &str) -> Result<Ipv4Addr> {
    address.parse().map_err(|_| format!("'{address}' is not an IPv4 address. Write it like 10.0.0.5, without a prefix length."))
}

/// The probe of a service address looks at that address, unless it names another one.
pub(super) fn aimed(check: &HealthCheck, address: &str) -> HealthCheck {
    let to = Some(address.to_owned());
    match check.clone() {
        HealthCheck::Running | HealthCheck::GuestAgent | HealthCheck::Ping { address: None } => HealthCheck::Ping { address: to },
        HealthCheck::Tcp { address: None, port } => HealthCheck::Tcp { address: to, port },
        HealthCheck::Http { address: None, port, path } => HealthCheck::Http { address: to, port, path },
        named => named,
    }
}

/// The card on the network that was named; else the one that has the address, the one on the network that the address
/// belongs to, or the only one. Nothing is guessed: where several fit, none does.
pub(super) fn carrier(request: &Request, address: Ipv4Addr) -> Option<&Nic> {
    let on = |name: &str| only(request.nics.iter().filter(|n| n.network.as_deref() == Some(name)));
    if let Some(name) = &request.network {
        return on(name);
    }
    let has = |n: &&Nic| n.addresses.iter().any(|a| a.parse() == Ok(address));
    let home =
        || only(request.networks.iter().filter(|n| n.cidr.as_deref().is_some_and(|c| contains(c, address)))).and_then(|n| on(&n.name));
    only(request.nics.iter().filter(has)).or_else(home).or_else(|| only(request.nics.iter()))
}

pub(super) fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    if all.next().is_none() { Some(first) } else { None }
}

fn contains(cidr: &str, address: Ipv4Addr) -> bool {
    let parts = cidr.split_once('/').and_then(|(net, bits)| Some((net.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?)));
    let Some((net, bits)) = parts.filter(|(_, bits)| (1..=32).contains(bits)) else { return false };
    (u32::from(net) ^ u32::from(address)) >> (32 - bits) == 0
}

fn mac(text: &str) -> Option<[u8; 6]> {
    let bytes: Vec<u8> = text.split(':').map(|b| u8::from_str_radix(b, 16)).collect::<std::result::Result<_, _>>().ok()?;
    bytes.try_into().ok()
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|b| format!("{b:02x}")).join(":")
}

/// An announcement as an ARP request for itself, or as a reply that nobody asked for: some stacks hear only one of them.
fn frame(own: [u8; 6], mac: [u8; 6], address: Ipv4Addr, reply: bool) -> [u8; 42] {
    let mut f = [0; 42];
    f[..6].fill(0xff);
    f[6..12].copy_from_slice(&own);
    f[12..14].copy_from_slice(&[0x08, 0x06]); // EtherType ARP
    f[14..20].copy_from_slice(&[0, 1, 8, 0, 6, 4]); // Ethernet, IPv4, lengths
    f[21] = if reply { 2 } else { 1 };
    f[22..28].copy_from_slice(&mac);
    f[28..32].copy_from_slice(&address.octets());
    f[32..38].fill(if reply { 0xff } else { 0 });
    f[38..42].copy_from_slice(&address.octets());
    f
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nic(mac: &str, addresses: &[&str]) -> Nic {
        let addresses = addresses.iter().map(|a| (*a).to_owned()).collect();
        Nic { mac: mac.into(), model: None, network: None, addresses, address_source: None }
    }

    #[test]
    fn the_payload_names_the_machine_and_the_frame_names_us() {
        let f = frame([2; 6], [0x52, 0x54, 0, 0x77, 0, 9], Ipv4Addr::new(10, 88, 4, 100), false);
        assert_eq!(&f[6..12], &[2; 6]);
        assert_eq!(&f[20..22], &[0, 1]);
        assert_eq!(&f[22..28], &[0x52, 0x54, 0, 0x77, 0, 9]);
        assert_eq!(&f[28..32], &f[38..42]);
    }

    fn request(network: Option<&str>) -> Request {
        let on = |mac: &str, network: &str, addresses: &[&str]| Nic { network: Some(network.into()), ..nic(mac, addresses) };
        let cidr = Some("10.88.4.0/24".into());
        let svc = model::cloud::Network { name: "svc".into(), active: true, kind: "bridge".into(), bridge: None, cidr, vlan: None };
        Request {
            address: "10.88.4.100".into(),
            nics: vec![on("52:54:00:00:00:01", "lan", &["10.77.1.11"]), on("52:54:00:00:00:02", "svc", &["10.99.4.11"])],
            network: network.map(str::to_owned),
            networks: vec![svc],
            probe: HealthCheck::Running,
        }
    }

    #[test]
    fn the_card_is_chosen_by_its_network() {
        let address = Ipv4Addr::new(10, 88, 4, 100);
        let of = |r: &Request, a| carrier(r, a).map(|n| n.mac.clone());
        assert_eq!(of(&request(None), address).as_deref(), Some("52:54:00:00:00:02"), "its network has the address");
        assert_eq!(of(&request(Some("lan")), address).as_deref(), Some("52:54:00:00:00:01"), "somebody named it");
        assert_eq!(of(&request(Some("dmz")), address), None, "it has no card there");
        assert_eq!(of(&request(None), Ipv4Addr::new(10, 1, 0, 1)), None, "nothing is guessed");
        let mut has = request(None);
        has.nics[0].addresses.push("10.88.4.100".into());
        assert_eq!(of(&has, address).as_deref(), Some("52:54:00:00:00:01"), "it has the address already");
    }

    #[tokio::test]
    async fn a_plan_survives_being_written_down() {
        let plan = Garp.plan(&request(None)).await.unwrap();
        let read: Plan = serde_json::from_str(&serde_json::json!(plan).to_string()).unwrap();
        assert_eq!(read, plan);
        assert_eq!(read.how["mac"], "52:54:00:00:00:02");
    }

    #[test]
    fn a_wrong_address_is_named() {
        assert!(parse("10.88.4.100/24").unwrap_err().contains("10.88.4.100/24"));
    }
}
