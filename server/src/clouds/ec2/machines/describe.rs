//! All that is needed to make a machine again elsewhere.
//!
//! A machine that came from another cloud goes back as what it was there (`definition.rs`); what changed here is taken from here.

use super::{
    super::{
        inventory::instance::private,
        inventory::{self, known::Known},
        link::Link,
        tags::{self, TOKEN, TYPE},
    },
    definition,
};
use crate::clouds::{
    MachineSpec, Observed, Origin,
    error::{Error, Kind, Result},
};
use aws_sdk_ec2::types::Instance;
use serde_json::Value;

pub async fn describe(link: &Link, known: &Known, native_id: &str) -> Result<MachineSpec> {
    let instance = inventory::instance(link, native_id).await?;
    let lost = || Error::not_found(format!("There is no instance {native_id}."));
    let seen = inventory::observe(link, known, std::slice::from_ref(&instance)).await?.pop().ok_or_else(lost)?;
    if let Some(disk) = seen.disks.iter().find(|disk| disk.size_bytes == 0) {
        return Err(Error::new(Kind::Transient, format!("How large the disk {} of {} is was not told.", disk.key, seen.name)));
    }
    let kept = match tags::get(instance.tags(), TOKEN) {
        Some(token) => definition::read(link, token).await?,
        None => None,
    };
    Ok(spec(&instance, seen, kept))
}

fn spec(instance: &Instance, seen: Observed, kept: Option<MachineSpec>) -> MachineSpec {
    let own = own(instance, seen);
    let Some(kept) = kept else { return own };
    // It comes back to EC2 as what it is now.
    let origins = kept.origins_with(Origin::of(&own));
    let (mut disks, mut nics) = (own.disks, own.nics);
    for disk in &mut disks {
        if let Some(was) = kept.disks.iter().find(|was| was.key == disk.key) {
            disk.bus.clone_from(&was.bus);
            disk.pool.clone_from(&was.pool);
        }
    }
    // EC2 gives out MACs of its own: the guest gets back the one that it knew.
    if nics.len() == kept.nics.len() {
        for (nic, was) in nics.iter_mut().zip(&kept.nics) {
            nic.mac.clone_from(&was.mac);
            nic.model.clone_from(&was.model);
        }
    }
    // A type may be larger than what the machine asked for; with another one somebody meant it.
    let same = tags::get(instance.tags(), TYPE) == instance.instance_type().map(|kind| kind.as_str());
    let (vcpus, memory_mib) = if same { (kept.vcpus, kept.memory_mib) } else { (own.vcpus, own.memory_mib) };
    MachineSpec { name: own.name, vcpus, memory_mib, disks, nics, tags: own.tags, origins, ..kept }
}

/// As EC2 has it.
fn own(instance: &Instance, mut seen: Observed) -> MachineSpec {
    // A public address leads to a machine only while it is here.
    seen.nics.iter_mut().zip(private(instance)).for_each(|(nic, private)| nic.addresses = private);
    MachineSpec::seen("ec2", None, seen)
}

/// What EC2 showed of it, if it was born there.
pub fn native(spec: &MachineSpec) -> Option<Value> {
    serde_json::from_str(spec.native_of("ec2")?).ok()
}

/// The type that it had at another region.
pub fn type_of(spec: &MachineSpec) -> Option<&str> {
    let (_, after) = spec.native_of("ec2")?.split_once("\"instance_type\":\"")?;
    after.split('"').next()
}

#[cfg(test)]
pub mod tests {
    use super::{super::super::inventory::instance, *};
    use aws_sdk_ec2::types::InstanceStateName;

    pub use crate::clouds::sample::machine as spec;

    fn seen(instance: &Instance) -> Observed {
        instance::observed(instance, &instance::tests::volumes(), &Default::default(), &Default::default())
    }

    #[test]
    fn one_that_was_born_here_is_what_it_is() {
        let one = instance::tests::one(InstanceStateName::Stopped);
        let born = super::spec(&one, seen(&one), None);
        assert_eq!((born.native_kind.as_str(), type_of(&born)), ("ec2", Some("m5.large")));
        assert_eq!(born.nics[0].addresses, ["10.0.0.9"], "without the public one");
        assert_eq!(native(&born).unwrap()["instance_type"], "m5.large");
    }

    #[test]
    fn one_that_came_from_elsewhere_goes_back_as_what_it_was() {
        let mut one = instance::tests::one(InstanceStateName::Stopped);
        one.network_interfaces.as_mut().unwrap().truncate(1);
        one.tags.as_mut().unwrap().push(tags::tag(TYPE, "m5.large"));
        let kept = spec();
        let got = super::spec(&one, seen(&one), Some(kept.clone()));
        assert_eq!((got.uuid, got.memory_mib, got.native_kind.as_str(), &got.nics[0].mac), (kept.uuid, 96, "libvirt", &kept.nics[0].mac));
        one.tags = None;
        assert_eq!(super::spec(&one, seen(&one), Some(spec())).memory_mib, 0, "another type was chosen since");
    }
}
