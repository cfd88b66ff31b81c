//! Gratuitous ARP: everybody on a stretched network learns that an address has a new MAC.
//!
//! The payload names the machine's MAC as the sender. The Ethernet source is our own: bridges on the way learn ports
//! from it, and they must not look for the machine at our port. Without it a neighbour's entry has to expire (6 to 7 s
//! measured, 26 to 153 ms with it). The guest itself announces at boot where it can; this makes sure.

use super::{Capabilities, Plan, Request, Result, Steering, probe, route, socket};
use async_trait::async_trait;
use model::{machine::Nic, plan::HealthCheck};
use std::{net::Ipv4Addr, time::Duration};

pub struct Garp;

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
        let mac = carrier(&request.nics, address).and_then(|n| mac(&n.mac));
        let probe = aimed(&request.probe, &request.address);
        let in_words = format!("announce {address} at {}", mac.map_or("the machine's MAC".into(), text));
        Ok(Plan { address, mac, probe, in_words })
    }

    async fn apply(&self, plan: &Plan, _epoch: i64) -> Result<String> {
        let mac = plan.mac.ok_or("it is not known which NIC of the machine carries the address.")?;
        let interface = route::interface(plan.address)?;
        for _ in 0..REPEATS {
            for reply in [false, true] {
                let frame = frame(interface.mac, mac, plan.address, reply);
                socket::send_frame(interface.index, &frame).map_err(|e| missing(&e))?;
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(format!("announced on {} for {}", interface.name, text(mac)))
    }

    async fn verify(&self, plan: &Plan) -> Result<String> {
        probe::answer(&plan.probe, &plan.address.to_string()).await
    }
}

fn missing(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        return "this node may not send Ethernet frames. Give its program CAP_NET_RAW (setcap cap_net_raw+ep).".into();
    }
    format!("the announcement could not be sent: {error}.")
}

fn parse(address: &str) -> Result<Ipv4Addr> {
    address.parse().map_err(|_| format!("'{address}' is not an IPv4 address. Write it like 10.0.0.5, without a prefix length."))
}

/// The probe of a service address looks at that address, unless it names another one.
fn aimed(check: &HealthCheck, address: &str) -> HealthCheck {
    let to = Some(address.to_owned());
    match check.clone() {
        HealthCheck::Running | HealthCheck::GuestAgent | HealthCheck::Ping { address: None } => HealthCheck::Ping { address: to },
        HealthCheck::Tcp { address: None, port } => HealthCheck::Tcp { address: to, port },
        HealthCheck::Http { address: None, port, path } => HealthCheck::Http { address: to, port, path },
        named => named,
    }
}

/// The NIC that has the address, else the only one, else the one in its network of 256.
fn carrier(nics: &[Nic], address: Ipv4Addr) -> Option<&Nic> {
    let has = |n: &&Nic| n.addresses.iter().any(|a| a.parse() == Ok(address));
    let near = |n: &&Nic| n.addresses.iter().filter_map(|a| a.parse::<Ipv4Addr>().ok()).any(|a| a.octets()[..3] == address.octets()[..3]);
    nics.iter().find(has).or(if nics.len() == 1 { nics.first() } else { None }).or_else(|| nics.iter().find(near))
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

    #[test]
    fn the_nic_with_the_address_carries_it() {
        let nics = [nic("52:54:00:00:00:01", &["10.77.1.11"]), nic("52:54:00:00:00:02", &["10.88.4.11"])];
        assert_eq!(carrier(&nics, Ipv4Addr::new(10, 88, 4, 100)).map(|n| n.mac.as_str()), Some("52:54:00:00:00:02"));
        assert!(carrier(&nics, Ipv4Addr::new(10, 99, 0, 1)).is_none());
    }

    #[test]
    fn a_wrong_address_is_named() {
        assert!(parse("10.88.4.100/24").unwrap_err().contains("10.88.4.100/24"));
    }
}
