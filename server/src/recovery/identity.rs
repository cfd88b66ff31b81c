//! Is a machine that came up elsewhere what it was: its cards in their order, its addresses, its size. Pure.

use crate::clouds::{MachineSpec, Observed};
use model::machine::{Disk, Nic};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What was compared and is the same, in words.
    pub same: Vec<String>,
    /// What is another, or less, than it was.
    pub differs: Vec<String>,
    /// Addresses that it had and that were not seen at the target so far. Not a difference: a cloud learns addresses
    /// late, or not at all.
    pub unseen: Vec<String>,
    /// What its cloud never keeps, and that was said before. Not a difference.
    pub new: Vec<String>,
}

/// `was`: at the instant of the recovery point. `is`: as its cloud shows it now. `macs`: its cloud keeps those of its cards.
pub fn compare(was: &MachineSpec, is: &Observed, macs: bool) -> Comparison {
    let mut c = Comparison::default();
    cards(&mut c, &was.nics, &is.nics, macs);
    let disks: Vec<&Disk> = is.disks.iter().filter(|d| d.device == "disk").collect();
    number(&mut c, "disks", was.disks.len() as u64, disks.len() as u64);
    for (i, (a, b)) in was.disks.iter().zip(&disks).enumerate() {
        // A cloud that hands out disks in whole sizes makes them larger; the guest sees that, and loses nothing.
        if b.size_bytes < a.size_bytes {
            c.differs.push(format!("disk {} has {} bytes instead of {}", i + 1, b.size_bytes, a.size_bytes));
        }
    }
    number(&mut c, "processors", was.vcpus.into(), is.vcpus.into());
    number(&mut c, "MiB of memory", was.memory_mib, is.memory_mib);
    if was.firmware == is.firmware {
        c.same.push("firmware".into())
    } else {
        c.differs.push("its firmware is another".into())
    }
    c
}

fn cards(c: &mut Comparison, was: &[Nic], is: &[Nic], macs: bool) {
    number(c, "network cards", was.len() as u64, is.len() as u64);
    let others = was.iter().zip(is).enumerate().filter(|(_, (a, b))| !a.mac.eq_ignore_ascii_case(&b.mac));
    let others: Vec<String> = others.map(|(i, (a, b))| format!("network card {} is {} instead of {}", i + 1, b.mac, a.mac)).collect();
    let same = others.is_empty();
    if macs {
        c.differs.extend(others)
    } else {
        c.new.extend(others)
    }
    if same && !was.is_empty() && was.len() == is.len() {
        c.same.push("MAC addresses in their order".into());
    }
    for (i, a) in was.iter().enumerate() {
        addresses(c, i, &lasting(a), &is.get(i).map(lasting).unwrap_or_default());
    }
}

/// Link-local addresses come by themselves and say nothing.
fn lasting(nic: &Nic) -> Vec<&str> {
    let passing = |a: &str| a.to_ascii_lowercase().starts_with("fe80:") || a.starts_with("169.254.");
    nic.addresses.iter().map(|a| a.split('/').next().unwrap_or(a)).filter(|a| !passing(a)).collect()
}

fn addresses(c: &mut Comparison, card: usize, was: &[&str], is: &[&str]) {
    let (there, missing): (Vec<&str>, Vec<&str>) = was.iter().partition(|a| is.contains(a));
    let other: Vec<&str> = is.iter().filter(|a| !was.contains(a)).copied().collect();
    if !there.is_empty() {
        c.same.push(there.join(", "));
    }
    if !missing.is_empty() && !other.is_empty() {
        c.differs.push(format!("network card {} has {} instead of {}", card + 1, other.join(", "), missing.join(", ")));
    } else {
        c.unseen.extend(missing.into_iter().map(str::to_owned));
    }
}

/// More than it had is no loss.
fn number(c: &mut Comparison, what: &str, was: u64, is: u64) {
    if is < was { c.differs.push(format!("{is} {what} instead of {was}")) } else { c.same.push(format!("{is} {what}")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use model::machine::{Firmware, PowerState};

    fn nic(mac: &str, addresses: &[&str]) -> Nic {
        let addresses = addresses.iter().map(|a| (*a).to_owned()).collect();
        Nic { mac: mac.into(), model: None, network: None, addresses, address_source: None }
    }

    fn was(nics: Vec<Nic>) -> MachineSpec {
        let mut spec: MachineSpec = serde_json::from_value(serde_json::json!({
            "name": "web1", "uuid": null, "vcpus": 2, "memory_mib": 512, "firmware": "bios", "arch": null, "guest_os": null,
            "disks": [], "nics": [], "tags": [], "title": null, "native_kind": "x", "native": ""
        }))
        .unwrap();
        spec.nics = nics;
        spec
    }

    fn is(nics: Vec<Nic>) -> Observed {
        Observed {
            native_id: "1".into(),
            name: "web1".into(),
            state: PowerState::Running,
            vcpus: 2,
            memory_mib: 512,
            disks: vec![],
            nics,
            tags: vec![],
            title: None,
            firmware: Firmware::Bios,
            arch: None,
            guest_os: None,
            autostart: None,
            locked: None,
            native: serde_json::Value::Null,
        }
    }

    #[test]
    fn what_is_the_same_is_said_and_nothing_else() {
        let cards = || vec![nic("52:54:00:00:00:01", &["10.0.0.1", "10.0.0.2"]), nic("52:54:00:00:00:02", &["fd00::1"])];
        let mut there = cards();
        there[0].mac = there[0].mac.to_uppercase();
        there[0].addresses.insert(0, "fe80::5054:ff:fe00:1/64".into());
        let c = compare(&was(cards()), &is(there), true);
        assert_eq!((c.differs, c.unseen), (vec![], vec![]));
        assert!(c.same.contains(&"10.0.0.1, 10.0.0.2".to_owned()) && c.same.contains(&"fd00::1".to_owned()), "{:?}", c.same);
    }

    #[test]
    fn another_order_another_address_and_less_memory_are_differences() {
        let (a, b) = ("52:54:00:00:00:01", "52:54:00:00:00:02");
        let mut there = is(vec![nic(b, &["10.0.0.9"]), nic(a, &[])]);
        there.memory_mib = 256;
        let c = compare(&was(vec![nic(a, &["10.0.0.1"]), nic(b, &["10.0.0.2"])]), &there, true);
        assert_eq!(c.differs.len(), 4, "{:?}", c.differs);
        assert!(c.differs[2].contains("10.0.0.9 instead of 10.0.0.1") && c.differs[3].contains("256 MiB"), "{:?}", c.differs);
        assert_eq!(c.unseen, ["10.0.0.2"]);
    }

    #[test]
    fn what_a_cloud_never_keeps_is_no_difference() {
        let c = compare(&was(vec![nic("52:54:00:00:00:01", &["10.0.0.1"])]), &is(vec![nic("02:00:00:00:00:09", &["10.0.0.1"])]), false);
        assert_eq!((c.differs, c.new), (vec![], vec!["network card 1 is 02:00:00:00:00:09 instead of 52:54:00:00:00:01".to_owned()]));
        assert!(c.same.contains(&"10.0.0.1".to_owned()) && !c.same.iter().any(|one| one.contains("MAC")), "{:?}", c.same);
        let gone = compare(&was(vec![nic("52:54:00:00:00:01", &[])]), &is(vec![]), false);
        assert_eq!(gone.differs, ["0 network cards instead of 1"], "a card that is not there is one all the same");
    }

    #[test]
    fn a_card_that_is_gone_is_a_difference() {
        let c = compare(&was(vec![nic("52:54:00:00:00:01", &["10.0.0.1"])]), &is(vec![]), true);
        assert_eq!(c.differs, ["0 network cards instead of 1"]);
        assert_eq!(c.unseen, ["10.0.0.1"]);
    }
}
