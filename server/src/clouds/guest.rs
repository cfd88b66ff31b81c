//! What a guest is told of its network when its addresses change, as cloud-init and what speaks like it read it. Pure.
//!
//! Formats: <https://cloudinit.readthedocs.io/en/latest/reference/datasources/nocloud.html> and, for the network,
//! <https://cloudinit.readthedocs.io/en/latest/reference/network-config-format-v2.html>. JSON is YAML.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The network of a guest, as it is to configure it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestNetwork {
    /// It configures itself anew when this is another one than at its last start.
    pub instance: String,
    pub hostname: String,
    /// In their order.
    pub cards: Vec<GuestCard>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestCard {
    /// In small letters.
    pub mac: String,
    /// With prefix: `10.77.2.11/24`. Empty: nothing is known of it, and it is left alone.
    pub addresses: Vec<String>,
    pub gateway: Option<String>,
    pub dns: Vec<String>,
}

pub fn meta_data(guest: &GuestNetwork) -> Value {
    json!({ "instance-id": guest.instance, "local-hostname": guest.hostname })
}

/// By MAC address, so that the guest's own names of its cards stay.
pub fn network_config(guest: &GuestNetwork) -> Value {
    let cards = guest.cards.iter().filter(|card| !card.addresses.is_empty()).enumerate();
    let cards: BTreeMap<String, Value> = cards.map(|(index, card)| (format!("card{}", index + 1), of_card(card))).collect();
    json!({ "version": 2, "ethernets": cards })
}

fn of_card(card: &GuestCard) -> Value {
    let mut out = json!({ "match": { "macaddress": card.mac }, "dhcp4": false, "dhcp6": false, "addresses": card.addresses });
    if let Some(gateway) = &card.gateway {
        let version = if gateway.contains(':') { "gateway6" } else { "gateway4" };
        out[version] = json!(gateway);
    }
    if !card.dns.is_empty() {
        out["nameservers"] = json!({ "addresses": card.dns });
    }
    out
}

/// Only the network is meant: what else cloud-init does at the first start of an instance stays undone.
pub const USER_DATA: &str = "#cloud-config\n\
    # Written by Crossfade: addresses only.\n\
    preserve_hostname: true\n\
    ssh_deletekeys: false\n\
    users: []\n\
    growpart: {mode: \"off\"}\n\
    resize_rootfs: false\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_found_by_its_mac_and_one_without_addresses_is_left_alone() {
        let card = GuestCard {
            mac: "52:54:00:00:00:01".into(),
            addresses: vec!["10.77.2.11/24".into()],
            gateway: Some("10.77.2.1".into()),
            dns: vec!["10.77.2.53".into()],
        };
        let guest = GuestNetwork { instance: "run/1".into(), hostname: "web1".into(), cards: vec![GuestCard::default(), card] };
        let all = network_config(&guest);
        assert_eq!(all["ethernets"].as_object().map(serde_json::Map::len), Some(1));
        let card = &all["ethernets"]["card1"];
        assert_eq!((&card["match"]["macaddress"], &card["gateway4"]), (&json!("52:54:00:00:00:01"), &json!("10.77.2.1")));
        assert_eq!(card["nameservers"]["addresses"][0], "10.77.2.53");
        assert!(USER_DATA.starts_with("#cloud-config\n#"), "cloud-init reads the first line");
    }
}
