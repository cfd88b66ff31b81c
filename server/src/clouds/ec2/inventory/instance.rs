//! An instance as a machine. Pure.

use super::{
    super::{lock, tags},
    known::{Subnets, Types},
    volume::{self, Volumes},
};
use crate::clouds::Observed;
use aws_sdk_ec2::types::{Instance, InstanceNetworkInterface, InstanceStateName};
use model::machine::{Disk, Firmware, Nic, PowerState};
use serde_json::{Value, json};

/// Only what is surely off counts as off.
pub fn state(instance: &Instance) -> PowerState {
    match super::state_name(instance) {
        Some(InstanceStateName::Running) => PowerState::Running,
        Some(InstanceStateName::Stopping | InstanceStateName::ShuttingDown) => PowerState::ShuttingDown,
        Some(InstanceStateName::Stopped) => PowerState::Stopped,
        _ => PowerState::Unknown,
    }
}

pub fn name(instance: &Instance) -> String {
    let id = instance.instance_id().unwrap_or_default();
    tags::get(instance.tags(), tags::NAME).filter(|name| !name.is_empty()).unwrap_or(id).to_owned()
}

pub fn observed(instance: &Instance, volumes: &Volumes, subnets: &Subnets, types: &Types) -> Observed {
    let kind = instance.instance_type().and_then(|name| types.get(name.as_str()));
    let cores = instance.cpu_options().map(|cpu| cpu.core_count().unwrap_or_default() * cpu.threads_per_core().unwrap_or(1));
    let own = cores.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
    Observed {
        native_id: instance.instance_id().unwrap_or_default().to_owned(),
        name: name(instance),
        state: state(instance),
        vcpus: kind.map(|kind| kind.vcpus).filter(|count| *count > 0).or(own).unwrap_or_default(),
        memory_mib: kind.map_or(0, |kind| kind.memory_mib),
        disks: disks(instance, volumes),
        nics: nics(instance, subnets),
        tags: tags::of_people(instance.tags()),
        title: tags::get(instance.tags(), tags::TITLE).map(str::to_owned),
        firmware: firmware(instance),
        arch: instance.architecture().map(|arch| if arch.as_str() == "arm64" { "aarch64" } else { arch.as_str() }.to_owned()),
        guest_os: instance.platform_details().map(str::to_owned),
        // EC2 starts nothing by itself.
        autostart: None,
        locked: lock::reason(instance).map(str::to_owned),
        native: native(instance),
    }
}

fn firmware(instance: &Instance) -> Firmware {
    let current = instance.current_instance_boot_mode().map(|mode| mode.as_str());
    match current.or(instance.boot_mode().map(|mode| mode.as_str())) {
        Some("uefi" | "uefi-preferred") => Firmware::Uefi,
        _ => Firmware::Bios,
    }
}

/// Device and volume, the root first; a root volume that a lock took away is still the machine's.
pub fn attached(instance: &Instance) -> Vec<(String, String)> {
    let root = instance.root_device_name().unwrap_or_default();
    let mappings = instance.block_device_mappings().iter();
    let mut all: Vec<(String, String)> =
        mappings.filter_map(|one| Some((one.device_name()?.to_owned(), one.ebs()?.volume_id()?.to_owned()))).collect();
    if let Some(taken) = lock::Root::of(instance).filter(|taken| all.iter().all(|(_, volume)| *volume != taken.volume)) {
        all.push((taken.device, taken.volume));
    }
    all.sort_by_key(|(device, _)| (device != root, device.len(), device.clone()));
    all
}

fn disks(instance: &Instance, volumes: &Volumes) -> Vec<Disk> {
    let disk = |(device, id): (String, String)| {
        let volume = volumes.get(&id);
        let key = volume.and_then(|one| tags::get(one.tags(), tags::DISK)).unwrap_or(device.trim_start_matches("/dev/"));
        Disk {
            key: key.to_owned(),
            bus: "nvme".into(),
            size_bytes: volume.map_or(0, volume::bytes),
            allocated_bytes: None,
            format: None,
            source: Some(id.clone()),
            pool: volume.and_then(|one| one.volume_type()).map(|kind| kind.as_str().to_owned()),
            device: "disk".into(),
            read_only: false,
        }
    };
    attached(instance).into_iter().map(disk).collect()
}

/// In the order of their places.
fn cards(instance: &Instance) -> Vec<&InstanceNetworkInterface> {
    let mut all: Vec<&InstanceNetworkInterface> = instance.network_interfaces().iter().collect();
    all.sort_by_key(|one| one.attachment().and_then(|at| at.device_index()).unwrap_or(i32::MAX));
    all
}

fn nics(instance: &Instance, subnets: &Subnets) -> Vec<Nic> {
    cards(instance).into_iter().map(|one| nic(one, subnets)).collect()
}

/// The addresses of each card that the guest itself has.
pub fn private(instance: &Instance) -> Vec<Vec<String>> {
    cards(instance).into_iter().map(private_of).collect()
}

fn private_of(card: &InstanceNetworkInterface) -> Vec<String> {
    let mut all: Vec<String> = card.private_ip_addresses().iter().filter_map(|one| one.private_ip_address().map(str::to_owned)).collect();
    if all.is_empty() {
        all.extend(card.private_ip_address().map(str::to_owned));
    }
    all.extend(card.ipv6_addresses().iter().filter_map(|one| one.ipv6_address().map(str::to_owned)));
    all
}

/// Private addresses first, then the public ones that lead to them.
fn nic(card: &InstanceNetworkInterface, subnets: &Subnets) -> Nic {
    let of_each = card.private_ip_addresses().iter().filter_map(|one| one.association()?.public_ip());
    let mut public: Vec<String> = of_each.chain(card.association().and_then(|one| one.public_ip())).map(str::to_owned).collect();
    public.dedup();
    let subnet = card.subnet_id().unwrap_or_default();
    Nic {
        mac: card.mac_address().unwrap_or_default().to_owned(),
        model: Some("ena".into()),
        network: Some(subnets.get(subnet).map_or(subnet, |place| place.name.as_str()).to_owned()).filter(|name| !name.is_empty()),
        addresses: private_of(card).into_iter().chain(public).collect(),
        address_source: Some("configured".into()),
    }
}

fn native(instance: &Instance) -> Value {
    let groups: Vec<&str> = instance.security_groups().iter().filter_map(|one| one.group_name()).collect();
    json!({
        "instance_type": instance.instance_type().map(|one| one.as_str()),
        "image": instance.image_id(),
        "zone": instance.placement().and_then(|one| one.availability_zone()),
        "vpc": instance.vpc_id(),
        "subnet": instance.subnet_id(),
        "public_address": instance.public_ip_address(),
        "security_groups": groups,
        "key": instance.key_name(),
        "profile": instance.iam_instance_profile().and_then(|one| one.arn()),
        "root_device": instance.root_device_name(),
        "lifecycle": instance.instance_lifecycle().map(|one| one.as_str()),
        "launched": instance.launch_time().map(ToString::to_string),
        "why": instance.state_reason().and_then(|one| one.message()),
        "instance_store": instance.root_device_type().is_some_and(|one| one.as_str() == "instance-store"),
    })
}

#[cfg(test)]
pub mod tests {
    use super::{super::known::Type, *};
    use aws_sdk_ec2::types::{
        EbsInstanceBlockDevice, InstanceBlockDeviceMapping, InstanceNetworkInterfaceAssociation, InstanceNetworkInterfaceAttachment,
        InstancePrivateIpAddress, InstanceState, InstanceType, Volume, VolumeType,
    };

    fn mapping(device: &str, volume: &str) -> InstanceBlockDeviceMapping {
        let ebs = EbsInstanceBlockDevice::builder().volume_id(volume).build();
        InstanceBlockDeviceMapping::builder().device_name(device).ebs(ebs).build()
    }

    fn card(index: i32, mac: &str, private: &[&str], public: Option<&str>) -> InstanceNetworkInterface {
        let association = public.map(|ip| InstanceNetworkInterfaceAssociation::builder().public_ip(ip).build());
        let one = |ip: &&str| InstancePrivateIpAddress::builder().private_ip_address(*ip).set_association(association.clone()).build();
        InstanceNetworkInterface::builder()
            .mac_address(mac)
            .subnet_id("subnet-1")
            .attachment(InstanceNetworkInterfaceAttachment::builder().device_index(index).build())
            .set_private_ip_addresses(Some(private.iter().map(one).collect()))
            .build()
    }

    /// Two disks, two cards, out of order as EC2 may give them.
    pub fn one(state: InstanceStateName) -> Instance {
        Instance::builder()
            .instance_id("i-1")
            .instance_type(InstanceType::from("m5.large"))
            .state(InstanceState::builder().name(state).build())
            .root_device_name("/dev/xvda")
            .block_device_mappings(mapping("/dev/sdf", "vol-2"))
            .block_device_mappings(mapping("/dev/xvda", "vol-1"))
            .network_interfaces(card(1, "02:00:00:00:00:02", &["10.0.1.9"], None))
            .network_interfaces(card(0, "02:00:00:00:00:01", &["10.0.0.9"], Some("198.51.100.7")))
            .set_tags(Some(tags::all(&[(tags::NAME, "db1"), ("tier", "db")])))
            .build()
    }

    pub fn volumes() -> Volumes {
        let volume = |id: &str, size: i32| (id.to_owned(), Volume::builder().volume_id(id).size(size).volume_type(VolumeType::Gp3).build());
        [volume("vol-1", 8), volume("vol-2", 100)].into()
    }

    #[test]
    fn an_instance_becomes_a_machine() {
        let types = [("m5.large".to_owned(), Type { vcpus: 2, memory_mib: 8192, ..Type::default() })].into();
        let place = super::super::known::Place { id: "subnet-1".into(), name: "prod-a".into(), ..Default::default() };
        let m = observed(&one(InstanceStateName::Running), &volumes(), &[("subnet-1".to_owned(), place)].into(), &types);
        assert_eq!(
            (m.name.as_str(), m.state, m.vcpus, m.memory_mib, m.tags.join(",")),
            ("db1", PowerState::Running, 2, 8192, "tier=db".into())
        );
        let disks: Vec<_> = m.disks.iter().map(|d| (d.key.as_str(), d.size_bytes >> 30, d.pool.as_deref())).collect();
        assert_eq!(disks, [("xvda", 8, Some("gp3")), ("sdf", 100, Some("gp3"))], "the root comes first");
        assert_eq!(m.nics[0].addresses, ["10.0.0.9", "198.51.100.7"]);
        assert_eq!((m.nics[1].mac.as_str(), m.nics[1].network.as_deref()), ("02:00:00:00:00:02", Some("prod-a")));
    }

    #[test]
    fn only_what_is_surely_off_is_off() {
        use InstanceStateName as Name;
        for (name, wanted) in [
            (Name::Pending, PowerState::Unknown),
            (Name::Running, PowerState::Running),
            (Name::Stopping, PowerState::ShuttingDown),
            (Name::ShuttingDown, PowerState::ShuttingDown),
            (Name::Stopped, PowerState::Stopped),
            (Name::from("hibernated"), PowerState::Unknown),
        ] {
            assert_eq!(state(&one(name.clone())), wanted, "{name:?}");
        }
    }
}
