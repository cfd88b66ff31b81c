//! Where the cards of a machine go: subnet, address and security groups for each.

use super::super::{
    Ec2,
    fault::look,
    fields::Group,
    inventory::known::{Place, Subnets},
    link::Link,
    tags::filter,
};
use crate::clouds::{
    MachineSpec,
    error::{Error, Result},
};
use aws_sdk_ec2::types::{InstanceNetworkInterfaceSpecification, NetworkInterface, PrivateIpAddressSpecification, SecurityGroup};
use model::{Mapping, machine::Nic};
use std::net::IpAddr;

/// One card.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub place: Place,
    /// Those that lie in the subnet.
    pub addresses: Vec<String>,
}

/// By name or id, as mapped; else the same name, else the cloud's own default. Nothing is guessed.
pub fn place<'a>(subnets: &'a Subnets, nic: &Nic, mapping: &[Mapping], default: Option<&str>) -> std::result::Result<&'a Place, String> {
    let from = nic.network.as_deref().unwrap_or_default();
    let named = |name: &str| subnets.values().find(|place| place.name == name || place.id == name);
    if let Some(to) = mapping.iter().find(|one| one.from == from).map(|one| one.to.as_str()) {
        return named(to).ok_or_else(|| format!("there is no subnet '{to}'"));
    }
    let found = named(from).or_else(|| default.and_then(named));
    found.ok_or_else(|| match default {
        Some(default) => format!("there is no subnet '{from}', and no '{default}'"),
        None => format!("there is no subnet '{from}'"),
    })
}

pub fn cards(subnets: &Subnets, spec: &MachineSpec, mapping: &[Mapping], default: Option<&str>) -> std::result::Result<Vec<Card>, String> {
    let card = |nic: &Nic| {
        let place = place(subnets, nic, mapping, default)?;
        let inside = nic.addresses.iter().filter(|address| contains(&place.cidr, address)).cloned();
        Ok(Card { place: place.clone(), addresses: inside.collect() })
    };
    let all: Vec<Card> = spec.nics.iter().map(card).collect::<std::result::Result<_, String>>()?;
    match all.iter().find(|one| one.place.zone != all[0].place.zone) {
        Some(other) => {
            Err(format!("its cards would be in {} and {}: an instance has all of them in one zone", all[0].place.zone, other.place.zone))
        }
        None => Ok(all),
    }
}

/// Only addresses that AWS gives to hosts: of version 4.
pub fn contains(cidr: &str, address: &str) -> bool {
    let Some((base, length)) = cidr.split_once('/') else { return false };
    let (Ok(IpAddr::V4(base)), Ok(IpAddr::V4(one)), Ok(length)) = (base.parse(), address.parse(), length.parse::<u32>()) else {
        return false;
    };
    length <= 32 && (base.to_bits() ^ one.to_bits()).checked_shr(32 - length).unwrap_or(0) == 0
}

/// The first four addresses of a subnet and its last are Amazon's own.
pub fn reserved(cidr: &str, address: &str) -> bool {
    let Some((base, length)) = cidr.split_once('/') else { return false };
    let (Ok(IpAddr::V4(base)), Ok(IpAddr::V4(one)), Ok(length)) = (base.parse(), address.parse(), length.parse::<u32>()) else {
        return false;
    };
    let size = 1u64.checked_shl(32u32.saturating_sub(length)).unwrap_or(u64::MAX);
    let at = u64::from(one.to_bits().wrapping_sub(base.to_bits()));
    at < 4 || at + 1 == size
}

/// Interfaces that have one of these addresses already.
pub async fn taken(link: &Link, card: &Card) -> Result<Vec<NetworkInterface>> {
    if card.addresses.is_empty() {
        return Ok(vec![]);
    }
    let call = link.ec2().await?.describe_network_interfaces().filters(filter("subnet-id", [card.place.id.as_str()]));
    let call = call.filters(filter("addresses.private-ip-address", card.addresses.iter().cloned()));
    Ok(look("network interfaces", call.send()).await?.network_interfaces.unwrap_or_default())
}

pub async fn groups_of(link: &Link, vpc: &str) -> Result<Vec<SecurityGroup>> {
    let (ec2, mut all, mut next) = (link.ec2().await?, vec![], None);
    loop {
        let call = ec2.describe_security_groups().filters(filter("vpc-id", [vpc])).set_next_token(next);
        let answer = look("security groups", call.send()).await?;
        next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        all.extend(answer.security_groups.unwrap_or_default());
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// Ids, and the names that could not be found. `had`: names of the machine's groups where it came from.
pub fn groups(there: &[SecurityGroup], had: &[String], wanted: &[Group]) -> (Vec<String>, Vec<String>) {
    let find = |name: &str| there.iter().find(|one| one.group_name() == Some(name) || one.group_id() == Some(name));
    let mapped = |name: &String| wanted.iter().find(|one| one.from.as_ref() == Some(name)).map_or(name.clone(), |one| one.to.clone());
    let always = wanted.iter().filter(|one| one.from.is_none()).map(|one| one.to.clone());
    let (mut ids, mut missing): (Vec<String>, Vec<String>) = (vec![], vec![]);
    for name in had.iter().map(mapped).chain(always) {
        match find(&name).and_then(SecurityGroup::group_id) {
            Some(id) if ids.iter().any(|known| known == id) => {}
            Some(id) => ids.push(id.to_owned()),
            None => missing.push(name),
        }
    }
    (ids, missing)
}

/// Names of the security groups that it had, if it comes from EC2.
pub fn had(spec: &MachineSpec) -> Vec<String> {
    let Some(native) = super::describe::native(spec) else { return vec![] };
    let names = native["security_groups"].as_array().cloned().unwrap_or_default();
    names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// For `RunInstances`.
pub async fn interfaces(driver: &Ec2, spec: &MachineSpec, cards: &[Card]) -> Result<Vec<InstanceNetworkInterfaceSpecification>> {
    let Some(first) = cards.first() else { return Err(Error::conflict("It has no network card: EC2 makes no machine without one.")) };
    let there = groups_of(&driver.link, &first.place.vpc).await?;
    let (groups, _) = groups(&there, &had(spec), &driver.link.config.groups);
    Ok(interfaces_of(cards, &groups))
}

pub fn interfaces_of(cards: &[Card], groups: &[String]) -> Vec<InstanceNetworkInterfaceSpecification> {
    cards.iter().enumerate().map(|(index, card)| interface(index, card, groups)).collect()
}

fn interface(index: usize, card: &Card, groups: &[String]) -> InstanceNetworkInterfaceSpecification {
    let address =
        |(number, ip): (usize, &String)| PrivateIpAddressSpecification::builder().private_ip_address(ip).primary(number == 0).build();
    let addresses: Vec<_> = card.addresses.iter().enumerate().map(address).collect();
    InstanceNetworkInterfaceSpecification::builder()
        .device_index(i32::try_from(index).unwrap_or_default())
        .subnet_id(&card.place.id)
        .delete_on_termination(true)
        .set_private_ip_addresses(Some(addresses).filter(|all| !all.is_empty()))
        .set_groups(Some(groups.to_vec()).filter(|all| !all.is_empty()))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subnets() -> Subnets {
        let place = |id: &str, name: &str, cidr: &str, zone: &str| {
            let (id, name, cidr, zone) = (id.to_owned(), name.to_owned(), cidr.to_owned(), zone.to_owned());
            (id.clone(), Place { id, name, cidr, zone, vpc: "vpc-1".into(), available: true, free: 100 })
        };
        [place("subnet-1", "prod", "10.0.0.0/24", "a"), place("subnet-2", "lan", "10.0.1.0/24", "b")].into()
    }

    fn nic(network: &str, addresses: &[&str]) -> Nic {
        Nic {
            mac: "52:54:00:00:00:01".into(),
            model: None,
            network: Some(network.into()),
            addresses: addresses.iter().map(|one| (*one).to_owned()).collect(),
            address_source: None,
        }
    }

    #[test]
    fn a_card_is_mapped_or_named_the_same_or_goes_to_the_default() {
        let (all, to) = (subnets(), [Mapping { from: "svc".into(), to: "lan".into() }]);
        let id = |nic: &Nic, mapping: &[Mapping], default| place(&all, nic, mapping, default).map(|place| place.id.clone());
        assert_eq!(id(&nic("svc", &[]), &to, None).as_deref(), Ok("subnet-2"));
        assert_eq!(id(&nic("prod", &[]), &to, Some("lan")).as_deref(), Ok("subnet-1"));
        assert_eq!(id(&nic("dmz", &[]), &to, Some("subnet-2")).as_deref(), Ok("subnet-2"));
        assert!(id(&nic("dmz", &[]), &[], None).unwrap_err().contains("no subnet 'dmz'"));
        assert!(id(&nic("svc", &[]), &[Mapping { from: "svc".into(), to: "x".into() }], Some("lan")).unwrap_err().contains("'x'"));
    }

    #[test]
    fn all_cards_are_in_one_zone_and_keep_their_addresses() {
        let mut spec = super::super::describe::tests::spec();
        spec.nics = vec![nic("prod", &["10.0.0.9", "10.0.0.10", "192.0.2.1"])];
        let all = cards(&subnets(), &spec, &[], None).unwrap();
        assert_eq!(all[0].addresses, ["10.0.0.9", "10.0.0.10"]);
        spec.nics.push(nic("lan", &[]));
        assert!(cards(&subnets(), &spec, &[], None).unwrap_err().contains("in a and b"));
    }

    #[test]
    fn some_addresses_are_amazons_own() {
        for (address, own) in [("10.0.0.0", true), ("10.0.0.3", true), ("10.0.0.4", false), ("10.0.0.254", false), ("10.0.0.255", true)] {
            assert_eq!(reserved("10.0.0.0/24", address), own, "{address}");
        }
        assert!(contains("10.0.0.0/24", "10.0.0.9") && !contains("10.0.0.0/24", "10.0.1.9") && !contains("10.0.0.0/24", "fd00::1"));
    }

    #[test]
    fn groups_are_found_by_name_or_mapped() {
        let group = |name: &str| SecurityGroup::builder().group_name(name).group_id(format!("sg-{name}")).build();
        let there = [group("default"), group("web"), group("base"), group("dmz")];
        let wanted = [Group { from: None, to: "base".into() }, Group { from: Some("front".into()), to: "dmz".into() }];
        let had = ["web".to_owned(), "front".to_owned(), "odd".to_owned()];
        let (ids, missing) = groups(&there, &had, &wanted);
        assert_eq!((ids, missing), (vec!["sg-web".into(), "sg-dmz".into(), "sg-base".into()], vec!["odd".to_owned()]));
    }
}
