//! re-IP: the addresses that a machine gets at its target. Pure.
//!
//! A rule is a mapping of networks whose both sides are written as addresses, so that it goes wherever mappings go: groups,
//! their further targets, moves, and turned round for the way back. Each side is `SUBNET [via GATEWAY] [dns SERVER[,SERVER]]`:
//! `10.77.1.0/24 via 10.77.1.1` → `10.77.2.0/24 via 10.77.2.1 dns 10.77.2.53`. An address keeps its place in the subnet.
//! A side that is one address (`10.77.1.11/24`) is a rule for that one alone, and goes before those for subnets. What
//! has no rule is never guessed: once one card gets new addresses, each address of the machine needs a rule, if only one
//! with the same subnet on both sides.

use crate::clouds::{GuestCard, GuestNetwork, MachineSpec};
use ipnet::IpNet;
use model::{Mapping, Problem, Severity};
use std::net::IpAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    /// As written: with bits of a host it is one address.
    pub net: IpNet,
    pub gateway: Option<IpAddr>,
    pub dns: Vec<IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub from: Side,
    pub to: Side,
}

/// What is wrong with a mapping that is meant as a rule.
pub fn wrong(mapping: &Mapping) -> Option<String> {
    mapping.is_rule().then(|| rule(mapping).err()).flatten()
}

/// # Errors
/// What is wrong with it, and how it is written.
pub fn rule(mapping: &Mapping) -> Result<Rule, String> {
    let rule = Rule { from: side(&mapping.from)?, to: side(&mapping.to)? };
    if rule.from.net.prefix_len() != rule.to.net.prefix_len() && !(rule.from.is_one() && rule.to.is_one()) {
        return Err(format!("{} and {} are not of the same size: an address could not keep its place.", rule.from.net, rule.to.net));
    }
    if rule.from.is_one() != rule.to.is_one() {
        return Err(format!("{} and {} must both be a subnet or both one address.", rule.from.net, rule.to.net));
    }
    if rule.from.net.addr().is_ipv4() != rule.to.net.addr().is_ipv4() {
        return Err("An address of version 4 does not become one of version 6.".into());
    }
    Ok(rule)
}

fn side(text: &str) -> Result<Side, String> {
    let how = || format!("'{text}' is not understood: write it as 10.1.0.0/24 via 10.1.0.1 dns 10.1.0.53 (via and dns may be left out).");
    let mut words = text.split_whitespace();
    let net: IpNet = words.next().and_then(|word| word.parse().ok()).ok_or_else(how)?;
    let (mut gateway, mut dns) = (None, vec![]);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(how)?;
        match word {
            "via" => gateway = Some(value.parse().map_err(|_| how())?),
            "dns" => dns = value.split(',').map(str::parse).collect::<Result<_, _>>().map_err(|_| how())?,
            _ => return Err(how()),
        }
    }
    if let Some(gateway) = gateway.filter(|gateway| !net.trunc().contains(gateway)) {
        return Err(format!("The gateway {gateway} is not in {}: nothing could reach it.", net.trunc()));
    }
    Ok(Side { net, gateway, dns })
}

impl Side {
    /// With bits of a host, or nothing but them.
    fn is_one(&self) -> bool {
        self.net.trunc() != self.net || self.net.prefix_len() == self.net.max_prefix_len()
    }
}

impl Rule {
    fn covers(&self, address: IpAddr) -> bool {
        if self.from.is_one() { self.from.net.addr() == address } else { self.from.net.contains(&address) }
    }

    /// With its prefix.
    fn moved(&self, address: IpAddr) -> Option<IpNet> {
        if self.from.is_one() {
            return Some(self.to.net);
        }
        let length = self.to.net.prefix_len();
        let moved = match (address, self.to.net.network()) {
            (IpAddr::V4(a), IpAddr::V4(net)) => {
                let host = u32::MAX.checked_shr(length.into()).unwrap_or(0);
                IpAddr::V4((net.to_bits() | a.to_bits() & host).into())
            }
            (IpAddr::V6(a), IpAddr::V6(net)) => {
                let host = u128::MAX.checked_shr(length.into()).unwrap_or(0);
                IpAddr::V6((net.to_bits() | a.to_bits() & host).into())
            }
            _ => return None,
        };
        IpNet::new(moved, length).ok()
    }
}

/// What a machine is to be at the target.
pub struct Readdressed {
    pub spec: MachineSpec,
    /// What its guest must be told, yet without a name of the instance; `None`: nothing changes.
    pub guest: Option<GuestNetwork>,
    /// Addresses that no rule covers although others change, by card.
    pub missing: Vec<(usize, String)>,
    /// `10.77.1.11 → 10.77.2.11`.
    pub changes: Vec<String>,
    /// There are rules, and no address of it is known that they could be for.
    pub blind: bool,
}

/// Rules that are not understood are left out: they were refused when they were written.
pub fn apply(spec: &MachineSpec, networks: &[Mapping]) -> Readdressed {
    let mut rules: Vec<Rule> = networks.iter().filter(|m| m.is_rule()).filter_map(|m| rule(m).ok()).collect();
    // The narrowest first.
    rules.sort_by_key(|rule| (!rule.from.is_one(), u8::MAX - rule.from.net.prefix_len()));
    let mut out = Readdressed { spec: spec.clone(), guest: None, missing: vec![], changes: vec![], blind: false };
    if rules.is_empty() {
        return out;
    }
    out.blind = spec.nics.iter().all(|nic| nic.addresses.is_empty()) && !spec.nics.is_empty();
    let mut cards = vec![];
    for (index, nic) in out.spec.nics.iter_mut().enumerate() {
        let mut card = GuestCard { mac: nic.mac.to_lowercase(), ..GuestCard::default() };
        for address in &mut nic.addresses {
            let bare = address.split('/').next().unwrap_or_default().to_owned();
            let Some(ip) = bare.parse::<IpAddr>().ok().filter(|ip| !is_passing(*ip)) else { continue };
            let Some((rule, net)) = rules.iter().find(|rule| rule.covers(ip)).and_then(|rule| Some((rule, rule.moved(ip)?))) else {
                out.missing.push((index, bare));
                continue;
            };
            if net.addr() != ip {
                out.changes.push(format!("{ip} → {}", net.addr()));
            }
            *address = net.addr().to_string();
            card.addresses.push(net.to_string());
            card.gateway = card.gateway.or(rule.to.gateway.map(|gateway| gateway.to_string()));
            card.dns.extend(rule.to.dns.iter().map(ToString::to_string));
        }
        card.dns.dedup();
        cards.push(card);
    }
    if out.changes.is_empty() {
        return Readdressed { spec: spec.clone(), missing: vec![], ..out };
    }
    out.guest = Some(GuestNetwork { instance: String::new(), hostname: spec.name.clone(), cards });
    out
}

/// What of it no rule could settle, in words.
pub fn open(found: &Readdressed) -> Vec<String> {
    let of = |p: Problem| (p.severity != Severity::Info).then(|| format!("{}: {}", p.subject, p.what));
    problems(found, Some("")).into_iter().filter_map(of).collect()
}

/// Link-local: it comes by itself.
fn is_passing(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

/// What to know before it is made: `how`: by what means the target tells guests; `None`: it cannot.
pub fn problems(found: &Readdressed, how: Option<&str>) -> Vec<Problem> {
    let name = &found.spec.name;
    let mut all = vec![];
    for (card, address) in &found.missing {
        let what = format!("Its network card {} has {address}, and no rule says what becomes of it.", card + 1);
        let remedy = "Add a rule for it; the same subnet on both sides keeps it.";
        all.push(Problem::new(Severity::Critical, name, what, remedy));
    }
    if found.blind {
        let what = "None of its addresses is known, so no rule for addresses can be applied: it keeps what it has.";
        all.push(Problem::new(Severity::Warning, name, what, "Let it run until its cloud sees its addresses, then take a recovery point."));
    }
    let Some(guest) = &found.guest else { return all };
    let unknown = |index: usize| found.spec.nics.get(index).is_some_and(|nic| nic.addresses.is_empty());
    for (index, card) in guest.cards.iter().enumerate().filter(|(index, _)| unknown(*index)) {
        let what = format!("No address of its network card {} ({}) is known: the guest is told of none for it.", index + 1, card.mac);
        all.push(Problem::new(Severity::Warning, name, what, "Start it once, so that its cloud sees its addresses."));
    }
    let changes = found.changes.join(", ");
    all.push(match how {
        Some(how) => {
            let what = format!("Its addresses change: {changes}. The guest is told {how}.");
            Problem::new(Severity::Info, name, what, "A guest without cloud-init keeps its old addresses: change them in it.")
        }
        None => {
            let what = format!("Its addresses are to change ({changes}), and this cloud has no way to tell the guest.");
            Problem::new(Severity::Warning, name, what, "Have the guest take its address by DHCP, or change it after the start.")
        }
    });
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use model::machine::{Firmware, Nic};

    fn map(from: &str, to: &str) -> Mapping {
        Mapping { from: from.into(), to: to.into() }
    }

    fn spec(cards: &[&[&str]]) -> MachineSpec {
        let nic = |addresses: &&[&str]| Nic {
            mac: "52:54:00:AA:00:01".into(),
            model: None,
            network: Some("lan".into()),
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
            address_source: None,
        };
        MachineSpec {
            name: "web1".into(),
            uuid: None,
            vcpus: 1,
            memory_mib: 1,
            firmware: Firmware::Bios,
            arch: None,
            guest_os: None,
            disks: vec![],
            nics: cards.iter().map(nic).collect(),
            tags: vec![],
            title: None,
            native_kind: "x".into(),
            native: String::new(),
            origins: vec![],
        }
    }

    #[test]
    fn an_address_keeps_its_place_in_the_subnet_and_all_of_a_card_go() {
        let rules = [
            map("lan", "lan2"),
            map("10.77.1.0/24", "10.77.2.0/24 via 10.77.2.1 dns 10.77.2.53,10.77.2.54"),
            map("10.77.1.12/24", "10.77.2.200/24"),
            map("fd00:1::/64", "fd00:2::/64 via fd00:2::1"),
        ];
        let found = apply(&spec(&[&["10.77.1.11", "10.77.1.12/24", "fd00:1::5", "fe80::1"]]), &rules);
        assert_eq!(found.spec.nics[0].addresses, ["10.77.2.11", "10.77.2.200", "fd00:2::5", "fe80::1"]);
        let card = &found.guest.unwrap().cards[0];
        assert_eq!(card.addresses, ["10.77.2.11/24", "10.77.2.200/24", "fd00:2::5/64"]);
        assert_eq!((card.gateway.as_deref(), card.dns.len(), card.mac.as_str()), (Some("10.77.2.1"), 2, "52:54:00:aa:00:01"));
        assert!(found.missing.is_empty());
        assert_eq!(found.changes[0], "10.77.1.11 → 10.77.2.11");
    }

    #[test]
    fn what_has_no_rule_is_named_once_something_changes() {
        let rules = [map("10.77.1.0/24", "10.77.2.0/24")];
        let found = apply(&spec(&[&["10.77.1.11"], &["10.88.0.3"], &[]]), &rules);
        assert_eq!(found.missing, [(1, "10.88.0.3".to_owned())]);
        let said = problems(&found, Some("by a drive"));
        assert_eq!(said.iter().filter(|p| p.blocks()).count(), 1);
        assert_eq!(said.len(), 3, "{said:?}");
        // None of it concerns this one.
        let other = apply(&spec(&[&["10.88.0.3"]]), &rules);
        assert!(other.guest.is_none() && other.missing.is_empty() && problems(&other, None).is_empty());
        let blind = problems(&apply(&spec(&[&[]]), &rules), None);
        assert!(blind.len() == 1 && !blind[0].blocks(), "{blind:?}");
        let kept = apply(&spec(&[&["10.77.1.11"], &["10.88.0.3"]]), &[rules[0].clone(), map("10.88.0.0/24", "10.88.0.0/24")]);
        assert!(kept.missing.is_empty());
        assert_eq!(kept.guest.unwrap().cards[1].addresses, ["10.88.0.3/24"]);
    }

    #[test]
    fn a_rule_turned_round_leads_back() {
        let there = map("10.77.1.0/24 via 10.77.1.1", "10.77.2.0/24 via 10.77.2.1");
        let back = map(&there.to, &there.from);
        let once = apply(&spec(&[&["10.77.1.11"]]), &[there]);
        let twice = apply(&once.spec, &[back]);
        assert_eq!(twice.spec.nics[0].addresses, ["10.77.1.11"]);
        assert_eq!(twice.guest.unwrap().cards[0].gateway.as_deref(), Some("10.77.1.1"));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_right_way() {
        for (from, to, says) in [
            ("10.1.0.0/24", "10.2.0.0/16", "same size"),
            ("10.1.0.0/24", "10.2.0.7/24", "both"),
            ("10.1.0.0/24", "lan", "write it as"),
            ("10.1.0.0/24", "10.2.0.0/24 via 10.3.0.1", "nothing could reach it"),
            ("10.1.0.0/24", "10.2.0.0/24 gw 10.2.0.1", "write it as"),
            ("10.1.0.9", "10.2.0.9/24", "write it as"),
        ] {
            let wrong = rule(&map(from, to)).unwrap_err();
            assert!(wrong.contains(says), "{from} {to}: {wrong}");
        }
        assert!(map("10.1.0.9", "x").is_rule() && !map("lan", "10.1.0.0/24").is_rule());
        assert!(rule(&map("10.1.0.9/24", "10.2.0.7/16")).is_ok(), "one address may go to a subnet of another size");
    }
}
