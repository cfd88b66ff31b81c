//! What becomes of a machine's hardware at a cloud: a cloud of the same kind takes its definition as it is, another one
//! makes its own from the normalised description, and how is not known before it has. Pure.

use crate::clouds::MachineSpec;
use model::{machine::Firmware, placement::Conversion};

pub fn of(spec: &MachineSpec, kind: &str) -> Vec<Conversion> {
    let same = spec.native_of(kind).is_some();
    let firmware = match spec.firmware {
        Firmware::Bios => "BIOS",
        Firmware::Uefi => "UEFI",
        Firmware::DirectKernel => "kernel loaded by the hypervisor",
    };
    let buses = each_once(spec.disks.iter().map(|d| d.bus.clone()));
    let cards = each_once(spec.nics.iter().map(|n| n.model.clone().unwrap_or_else(|| "not known".into())));
    let all = [
        ("Disk bus", buses),
        ("Network card", cards),
        ("Firmware", firmware.to_owned()),
        ("Boot order", format!("as defined at its {} cloud", spec.native_kind)),
    ];
    let of = |(what, from): (&str, String)| {
        let to = same.then(|| from.clone()).filter(|from| from != "not known");
        Conversion { what: what.into(), from, to }
    };
    all.into_iter().filter(|(_, from)| !from.is_empty()).map(of).collect()
}

fn each_once(all: impl Iterator<Item = String>) -> String {
    let mut found: Vec<String> = all.collect();
    found.sort();
    found.dedup();
    found.join(", ")
}
