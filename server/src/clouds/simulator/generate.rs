//! The machines that a simulated cloud begins with: names, tags and addresses as in real life, the same for a seed.

use super::{super::Observed, settings::Config};
use model::machine::{Disk, Firmware, Nic, PowerState};
use uuid::Uuid;

/// Role, share in a hundred, vCPUs, memory, disk, network.
const ROLES: [(&str, u64, u32, u64, u64, &str); 10] = [
    ("web", 22, 2, 4, 20, "dmz"),
    ("app", 24, 4, 8, 40, "lan"),
    ("worker", 18, 4, 8, 40, "lan"),
    ("db", 12, 8, 32, 200, "lan"),
    ("cache", 8, 2, 16, 20, "lan"),
    ("queue", 5, 2, 8, 60, "lan"),
    ("ci", 4, 8, 16, 100, "lan"),
    ("mon", 3, 2, 8, 120, "lan"),
    ("lb", 3, 2, 2, 10, "dmz"),
    ("bastion", 1, 1, 1, 10, "dmz"),
];
const STAGES: [(&str, u64); 3] = [("prod", 60), ("stage", 25), ("test", 15)];
const SYSTEMS: [&str; 4] = ["Debian 12", "Ubuntu 24.04", "Rocky Linux 9", "Windows Server 2022"];

/// A stream of numbers that depends on nothing but its start (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64, index: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ index.wrapping_mul(0xBF58_476D_1CE4_E5B9))
    }
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides.max(1)
    }
    fn weighted<T: Copy>(&mut self, from: &[T], weight: impl Fn(&T) -> u64) -> T {
        let mut left = self.roll(from.iter().map(&weight).sum());
        for item in from {
            if left < weight(item) {
                return *item;
            }
            left -= weight(item);
        }
        from[0]
    }
}

/// Machine number `index` of this cloud. The name alone could repeat between clouds, the identity cannot.
pub fn machine(config: &Config, index: usize) -> Observed {
    let dice = &mut Dice::new(config.seed, index as u64);
    let (role, _, vcpus, gib, disk_gib, network) = dice.weighted(&ROLES, |r| r.1);
    let (stage, _) = dice.weighted(&STAGES, |s| s.1);
    let short: String = config.site.chars().filter(char::is_ascii_alphanumeric).take(3).collect();
    let uuid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{}/{}/{}/{index}", config.world, config.seed, config.site).as_bytes());
    let name = format!("{role}-{stage}-{:03}.{short}{}", index + 1, config.seed);
    let state = state(stage, dice.roll(100));
    let address = address(config.seed, index);
    let mut tags = vec![stage.to_owned(), role.to_owned(), format!("owner=team-{}", dice.roll(9) + 1)];
    if role == "worker" {
        tags.push("elastic".into());
    }
    Observed {
        native_id: uuid.hyphenated().to_string(),
        state,
        vcpus: vcpus << dice.roll(2),
        memory_mib: (gib << dice.roll(2)) << 10,
        disks: disks(&name, role, disk_gib, dice),
        nics: vec![nic(&uuid, network, state.is_live().then_some(address))],
        tags,
        title: None,
        firmware: if dice.roll(4) == 0 { Firmware::Uefi } else { Firmware::Bios },
        arch: Some("x86_64".into()),
        guest_os: Some(SYSTEMS[dice.roll(4) as usize].into()),
        autostart: Some(stage == "prod"),
        locked: None,
        native: serde_json::Value::Null,
        name,
    }
}

fn state(stage: &str, luck: u64) -> PowerState {
    let off = if stage == "prod" { 3 } else { 18 };
    match luck {
        99 => PowerState::Paused,
        luck if luck < off => PowerState::Stopped,
        _ => PowerState::Running,
    }
}

/// 10.a.b.c, unlike for up to 62,500 machines of one cloud.
pub fn address(seed: u64, index: usize) -> String {
    format!("10.{}.{}.{}", seed % 250 + 1, index / 250 % 250, index % 250 + 1)
}

fn disks(name: &str, role: &str, gib: u64, dice: &mut Dice) -> Vec<Disk> {
    let mut all = vec![disk(name, "vda", gib, "fast")];
    if role == "db" {
        all.push(disk(name, "vdb", gib << (1 + dice.roll(2)), "bulk"));
    }
    all
}

fn disk(name: &str, key: &str, gib: u64, pool: &str) -> Disk {
    Disk {
        key: key.into(),
        bus: "virtio".into(),
        size_bytes: gib << 30,
        allocated_bytes: Some((gib << 30) / 3),
        format: Some("qcow2".into()),
        source: Some(format!("/{pool}/{name}.{key}")),
        pool: Some(pool.into()),
        device: "disk".into(),
        read_only: false,
    }
}

fn nic(uuid: &Uuid, network: &str, address: Option<String>) -> Nic {
    let b = uuid.as_bytes();
    Nic {
        mac: format!("52:54:00:{:02x}:{:02x}:{:02x}", b[0], b[1], b[2]),
        model: Some("virtio".into()),
        network: Some(network.into()),
        address_source: address.is_some().then(|| "agent".into()),
        addresses: address.into_iter().collect(),
    }
}
