//! What would be in the way of a machine in this region, each with what to do.

use super::{
    super::{
        Ec2,
        inventory::{self, is_building, resources::POOLS},
    },
    create::{self, wanted},
    describe,
    network::{self, Card},
    size,
};
use crate::clouds::{MachineSpec, error::Result};
use model::{
    Mapping, Problem,
    Severity::{self, Critical, Info, Warning},
    machine::Firmware,
};

/// The largest volume of a general type, GiB.
const LARGEST: u64 = 16 << 10;

pub async fn problems(
    driver: &Ec2,
    spec: &MachineSpec,
    networks: &[Mapping],
    storage: &[Mapping],
    replaces: Option<&str>,
) -> Result<Vec<Problem>> {
    let link = &driver.link;
    let mut all = definition(spec);
    if create::named(link, &spec.name).await?.iter().any(|one| one.instance_id() != replaces && !is_building(one)) {
        let what = "The region has a machine with this name already.";
        all.push(problem(Critical, &spec.name, what, "Rename one of the two, or remove the old copy."));
    }
    all.extend(pools(spec, storage));
    let types = driver.known.every_type(link).await?;
    all.push(kind(spec, &types, &link.config.types));
    driver.known.forget_subnets();
    let subnets = driver.known.subnets(link).await?;
    match network::cards(&subnets, spec, networks, link.config.subnet.as_deref()) {
        Ok(cards) => all.extend(connections(driver, spec, &cards, replaces).await?),
        Err(why) => {
            let names: Vec<&str> = subnets.values().map(|place| place.name.as_str()).take(20).collect();
            all.push(problem(
                Critical,
                &spec.name,
                format!("In {} {why}.", link.config.region),
                &format!("Map it to one of: {}.", names.join(", ")),
            ));
        }
    }
    Ok(all)
}

fn problem(severity: Severity, subject: &str, what: impl Into<String>, remedy: &str) -> Problem {
    Problem::new(severity, subject, what, remedy)
}

/// What can be told without asking.
fn definition(spec: &MachineSpec) -> Vec<Problem> {
    let mut all = vec![];
    if spec.disks.is_empty() {
        all.push(problem(Critical, &spec.name, "It has no disk: EC2 starts no machine without one.", "Choose another cloud for it."));
    }
    for disk in spec.disks.iter().filter(|disk| disk.size_bytes > LARGEST << 30) {
        all.push(problem(Critical, &disk.key, "It is larger than 16 TiB, the most that a volume has.", "Split it."));
    }
    if spec.nics.is_empty() {
        all.push(problem(Critical, &spec.name, "It has no network card: EC2 makes no machine without one.", "Give it one."));
    }
    if spec.firmware == Firmware::DirectKernel {
        let what = "It boots a kernel of its host, which EC2 cannot do.";
        all.push(problem(Critical, &spec.name, what, "Give it a boot loader on its disk."));
    }
    if spec.firmware == Firmware::Uefi && spec.native_of("ec2").is_none() {
        let what = "The variables of its firmware (boot entries, keys) do not come along; it boots by the default path.";
        all.push(problem(Warning, &spec.name, what, "Make sure that the guest has a fallback boot loader (EFI/BOOT)."));
    }
    if spec.native_of("ec2").is_some() {
        if describe::native(spec).is_some_and(|native| native["profile"].is_string()) {
            all.push(problem(
                Warning,
                &spec.name,
                "Its instance profile does not come along.",
                "Attach the profile at the target after it was made.",
            ));
        }
    } else {
        let what = "Its disks and cards become NVMe and ENA devices, unless its type is an old one.";
        all.push(problem(Warning, &spec.name, what, "Make sure that the guest has both drivers and finds its disks by UUID or label."));
    }
    let what = "EC2 gives its cards MACs of its own, and the guest an identity (SMBIOS UUID) of its own.";
    all.push(problem(Info, &spec.name, what, "Have the guest take its network configuration by DHCP, whatever the MAC."));
    all
}

fn pools(spec: &MachineSpec, storage: &[Mapping]) -> Vec<Problem> {
    // One onto itself says that nothing was chosen.
    let used = |one: &&Mapping| one.from != one.to && spec.disks.iter().any(|disk| disk.pool.as_ref() == Some(&one.from));
    let unknown = storage.iter().filter(used).filter(|one| !POOLS.contains(&one.to.as_str()));
    let what = |one: &Mapping| format!("'{}' is no type of volume that can be chosen.", one.to);
    unknown.map(|one| problem(Critical, &one.from, what(one), &format!("Map it to one of: {}.", POOLS.join(", ")))).collect()
}

fn kind(spec: &MachineSpec, types: &[super::super::inventory::known::Type], patterns: &[String]) -> Problem {
    let wanted = wanted(spec);
    let Some(found) = size::choose(types, patterns, &wanted) else {
        let what = format!(
            "It wants {} CPUs, {} MiB and {} cards of {} with {}: no instance type has that; {}.",
            spec.vcpus,
            spec.memory_mib,
            spec.nics.len(),
            wanted.arch,
            wanted.boot,
            size::largest(types, patterns)
        );
        return problem(Critical, &spec.name, what, "Allow more instance types, or choose another cloud.");
    };
    let what = format!(
        "It will be a {}: {} CPUs, {} MiB, about ${:.3} an hour (estimated).",
        found.name,
        found.vcpus,
        found.memory_mib,
        size::estimate(found)
    );
    problem(Info, &spec.name, what, "Nothing; 'Instance types' of the cloud says which may be chosen.")
}

async fn connections(driver: &Ec2, spec: &MachineSpec, cards: &[Card], replaces: Option<&str>) -> Result<Vec<Problem>> {
    let mut all = vec![];
    for (card, nic) in cards.iter().zip(&spec.nics) {
        let subject = nic.network.as_deref().unwrap_or_default();
        if card.addresses.is_empty() {
            let (place, cidr) = (&card.place.name, &card.place.cidr);
            let what = format!("None of its addresses lies in '{place}' ({cidr}): EC2 will give it one of its own.");
            all.push(problem(Warning, subject, what, "Have its clients use a name, or map the network to a subnet that has the address."));
        }
        for address in card.addresses.iter().filter(|address| network::reserved(&card.place.cidr, address)) {
            all.push(problem(
                Critical,
                address,
                format!("The address {address} is one of Amazon's own in '{}'.", card.place.name),
                "Give it another one.",
            ));
        }
        for other in network::taken(&driver.link, card).await? {
            let owner = other.attachment().and_then(|at| at.instance_id());
            // What was given up gives way when the machine is made.
            if let Some(id) = owner
                && inventory::find(&driver.link, id).await?.is_some_and(|one| is_building(&one))
            {
                continue;
            }
            if owner.is_none() || owner != replaces {
                let who = owner.or(other.network_interface_id()).unwrap_or_default();
                let what = format!("The address {} is in use in '{}', by {who}.", card.addresses.join(" or "), card.place.name);
                all.push(problem(Critical, subject, what, "Remove what has it, maybe an old copy."));
            }
        }
        if card.place.free == 0 {
            all.push(problem(
                Critical,
                subject,
                format!("The subnet '{}' has no free address.", card.place.name),
                "Map the network to another one.",
            ));
        }
    }
    if let Some(first) = cards.first() {
        let there = network::groups_of(&driver.link, &first.place.vpc).await?;
        let (ids, missing) = network::groups(&there, &network::had(spec), &driver.link.config.groups);
        for name in missing {
            let remedy = "Make a security group of this name there, or map it in the settings of the cloud.";
            all.push(problem(Warning, &name, format!("There is no security group '{name}' at the target."), remedy));
        }
        if ids.is_empty() {
            let what = "It will be in the VPC's default security group, which lets nobody in from outside.";
            all.push(problem(Warning, &spec.name, what, "Name the groups for new machines in the settings of the cloud."));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{super::describe::tests::spec, *};

    #[test]
    fn what_cannot_come_along_is_said() {
        let blockers = |spec: &MachineSpec| definition(spec).iter().filter(|p| p.blocks()).count();
        assert_eq!(blockers(&spec()), 0);
        assert_eq!(blockers(&MachineSpec { firmware: Firmware::DirectKernel, disks: vec![], nics: vec![], ..spec() }), 3);
        let mut large = spec();
        large.disks[0].size_bytes = 17 << 40;
        assert_eq!(blockers(&large), 1);
        let native = r#"{"instance_type":"m5.large","profile":"arn:aws:iam::1:instance-profile/x"}"#;
        let born = MachineSpec { native_kind: "ec2".into(), native: native.into(), ..spec() };
        assert!(definition(&born).iter().any(|p| p.what.contains("instance profile")));
    }

    #[test]
    fn a_type_of_volume_must_be_one_that_can_be_chosen() {
        let to = |to: &str| [Mapping { from: "images".into(), to: to.into() }];
        assert!(pools(&spec(), &to("gp3")).is_empty());
        assert!(pools(&spec(), &to("images")).is_empty(), "nothing was chosen");
        assert!(pools(&spec(), &to("io2"))[0].remedy.contains("gp3, gp2"));
        assert!(pools(&spec(), &[Mapping { from: "other".into(), to: "x".into() }]).is_empty(), "not its own");
    }

    #[test]
    fn the_type_is_told_with_what_it_may_cost() {
        use super::super::super::inventory::known::Type;
        let types = [Type {
            name: "t3.small".into(),
            vcpus: 2,
            memory_mib: 2048,
            archs: vec!["x86_64".into()],
            current: true,
            nitro: true,
            ..Type::default()
        }];
        let found = kind(&spec(), &types, &[]);
        assert!(!found.blocks() && found.what.contains("t3.small: 2 CPUs, 2048 MiB, about $0.021"), "{found:?}");
        assert!(kind(&MachineSpec { vcpus: 4, ..spec() }, &types, &[]).blocks());
    }
}
