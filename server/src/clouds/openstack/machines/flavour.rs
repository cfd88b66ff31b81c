//! Which flavour a machine gets: the smallest that is not smaller than it. Pure.

use serde::Deserialize;

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Flavour {
    pub id: String,
    pub name: String,
    pub vcpus: u32,
    pub ram: u64,
    /// GiB of the disk; 0: as large as the image, which Nova allows administrators only, unless told otherwise.
    pub disk: u64,
}

impl Flavour {
    fn fits(&self, vcpus: u32, memory_mib: u64, disk_bytes: u64) -> bool {
        self.vcpus >= vcpus && self.ram >= memory_mib && (self.disk == 0 || self.disk << 30 >= disk_bytes)
    }
}

pub fn choose(all: &[Flavour], vcpus: u32, memory_mib: u64, disk_bytes: u64) -> Option<&Flavour> {
    let fitting = all.iter().filter(|one| one.fits(vcpus, memory_mib, disk_bytes));
    fitting.min_by_key(|one| (one.disk == 0, one.ram, one.vcpus, one.disk, &one.name))
}

/// For people: what there is instead.
pub fn largest(all: &[Flavour]) -> String {
    let most = all.iter().max_by_key(|one| (one.ram, one.vcpus, one.disk));
    most.map_or("there is none at all".into(), |one| {
        format!("the largest is {} with {} CPUs, {} MiB and {} GiB of disk", one.name, one.vcpus, one.ram, one.disk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, vcpus: u32, ram: u64, disk: u64) -> Flavour {
        Flavour { id: name.into(), name: name.into(), vcpus, ram, disk }
    }

    #[test]
    fn the_smallest_that_is_not_smaller() {
        let all =
            [one("big", 8, 16384, 80), one("zero", 1, 128, 0), one("tight", 1, 128, 1), one("wide", 1, 128, 20), one("cpu", 4, 128, 1)];
        let name = |vcpus, ram, disk: u64| choose(&all, vcpus, ram, disk << 30).map(|f| f.name.as_str());
        assert_eq!(name(1, 96, 1), Some("tight"));
        assert_eq!(name(1, 128, 5), Some("wide"));
        assert_eq!(name(2, 64, 1), Some("cpu"));
        assert_eq!(name(2, 64, 30), Some("big"));
        assert_eq!(name(1, 64, 100), Some("zero"), "rather than none");
        assert_eq!(name(16, 64, 1), None);
        assert!(largest(&all).contains("big with 8 CPUs"));
    }
}
