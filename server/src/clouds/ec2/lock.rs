//! The lock against start: the root volume is taken from the instance.
//!
//! EC2 has no switch that keeps a stopped instance off (its protections are against stopping and terminating). An instance
//! without a volume at its root device cannot be started by anybody, by any tool: `StartInstances` refuses it. So that is the
//! lock. Tags of the instance say why and which volume belongs where; they are written before it is detached, so that nothing is
//! lost when the node dies in between.

use super::{
    fault::change,
    inventory::{self, instance, volume},
    link::Link,
    power::{LOOKS, TICK},
    tags::{self, LOCK, MACHINE, ROOT},
};
use crate::clouds::error::{Error, Kind, Result};
use aws_sdk_ec2::types::{EbsInstanceBlockDeviceSpecification, Instance, InstanceBlockDeviceMappingSpecification, VolumeState};

/// The root volume of a locked instance, as its tag names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    pub volume: String,
    pub device: String,
    /// It was to go with the instance.
    pub goes: bool,
}

impl Root {
    pub fn of(instance: &Instance) -> Option<Self> {
        Self::parse(tags::get(instance.tags(), ROOT)?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (volume, device) = (words.next()?.to_owned(), words.next()?.to_owned());
        Some(Self { volume, device, goes: words.next() == Some("goes") })
    }

    fn text(&self) -> String {
        format!("{} {} {}", self.volume, self.device, if self.goes { "goes" } else { "stays" })
    }

    fn attached(instance: &Instance) -> Option<Self> {
        let device = instance.root_device_name()?;
        let ebs = instance.block_device_mappings().iter().find(|one| one.device_name() == Some(device))?.ebs()?;
        Some(Self { volume: ebs.volume_id()?.to_owned(), device: device.to_owned(), goes: ebs.delete_on_termination() == Some(true) })
    }
}

/// Why it cannot be started; `None` when somebody put its root volume back.
pub fn reason(instance: &Instance) -> Option<&str> {
    tags::get(instance.tags(), LOCK).filter(|_| Root::attached(instance).is_none())
}

/// Now, in the eyes of EC2.
pub fn is_attached(instance: &Instance, volume: &str) -> bool {
    instance.block_device_mappings().iter().any(|one| one.ebs().and_then(|ebs| ebs.volume_id()) == Some(volume))
}

pub async fn lock(link: &Link, native_id: &str, why: &str) -> Result<()> {
    let seen = inventory::instance(link, native_id).await?;
    if !instance::state(&seen).is_off() {
        return Err(Error::conflict("It runs: only a stopped machine can be locked."));
    }
    if seen.root_device_type().is_some_and(|kind| kind.as_str() == "instance-store") {
        return Err(Error::new(Kind::Unsupported, "Its root disk is no volume, so it cannot be locked against start."));
    }
    let ec2 = link.ec2().await?;
    let attached = Root::attached(&seen);
    let mut notes = vec![tags::tag(LOCK, why)];
    notes.extend(attached.as_ref().map(|root| tags::tag(ROOT, &root.text())));
    change("note the lock", ec2.create_tags().resources(native_id).set_tags(Some(notes)).send()).await?;
    let Some(root) = attached else { return Ok(()) };
    change("note the lock", ec2.create_tags().resources(&root.volume).tags(tags::tag(MACHINE, native_id)).send()).await?;
    change("take the root volume", ec2.detach_volume().volume_id(&root.volume).instance_id(native_id).send()).await?;
    until_volume(link, &root.volume, &VolumeState::Available).await?;
    for _ in 0..LOOKS {
        if reason(&inventory::instance(link, native_id).await?).is_some() {
            return Ok(());
        }
        tokio::time::sleep(TICK).await;
    }
    Err(Error::transient(format!("The root volume of {} is still there.", instance::name(&seen))))
}

pub async fn unlock(link: &Link, native_id: &str) -> Result<()> {
    let seen = inventory::instance(link, native_id).await?;
    if tags::get(seen.tags(), LOCK).is_none() {
        return Ok(());
    }
    let ec2 = link.ec2().await?;
    if let (Some(root), None) = (Root::of(&seen), Root::attached(&seen)) {
        until_volume(link, &root.volume, &VolumeState::Available).await?;
        let call = ec2.attach_volume().volume_id(&root.volume).instance_id(native_id).device(&root.device);
        change("give the root volume back", call.send()).await?;
        until_volume(link, &root.volume, &VolumeState::InUse).await?;
        if root.goes {
            goes_with(link, native_id, &root.device, true).await?;
        }
    }
    let untag = ec2.delete_tags().resources(native_id).tags(only_key(LOCK)).tags(only_key(ROOT));
    change("remove the lock's note", untag.send()).await.map(drop)
}

pub fn only_key(key: &str) -> aws_sdk_ec2::types::Tag {
    aws_sdk_ec2::types::Tag::builder().key(key).build()
}

/// Whether a volume is deleted when its instance is terminated.
pub async fn goes_with(link: &Link, native_id: &str, device: &str, goes: bool) -> Result<()> {
    let ebs = EbsInstanceBlockDeviceSpecification::builder().delete_on_termination(goes).build();
    let mapping = InstanceBlockDeviceMappingSpecification::builder().device_name(device).ebs(ebs).build();
    let call = link.ec2().await?.modify_instance_attribute().instance_id(native_id).block_device_mappings(mapping);
    change("keep the volume", call.send()).await.map(drop)
}

/// The caller's own time limit ends the wait.
pub async fn until_volume(link: &Link, id: &str, wanted: &VolumeState) -> Result<()> {
    let mut missed = 0;
    loop {
        let volume = volume::found(link, vec![tags::filter("volume-id", [id])]).await?.pop();
        missed += u32::from(volume.is_none());
        match volume.as_ref().and_then(|volume| volume.state()) {
            Some(state) if state == wanted => return Ok(()),
            _ if missed > LOOKS => return Err(Error::not_found(format!("The volume {id} is gone."))),
            Some(VolumeState::Error) => return Err(Error::permanent(format!("EBS could not make the volume {id}."))),
            _ => tokio::time::sleep(TICK).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::InstanceStateName;

    #[test]
    fn a_lock_is_one_only_while_the_root_volume_is_away() {
        let mut seen = instance::tests::one(InstanceStateName::Stopped);
        let root = Root::attached(&seen).unwrap();
        assert_eq!((root.text().as_str(), Root::parse(&root.text())), ("vol-1 /dev/xvda stays", Some(root.clone())));
        let mut notes = seen.tags.take().unwrap();
        notes.extend(tags::all(&[(LOCK, "moved to dublin"), (ROOT, &root.text())]));
        seen.tags = Some(notes);
        assert_eq!(reason(&seen), None, "somebody put it back, or it was not taken yet");
        let mappings = seen.block_device_mappings.take().unwrap();
        seen.block_device_mappings = Some(mappings.into_iter().filter(|one| one.device_name() != Some("/dev/xvda")).collect());
        assert_eq!(reason(&seen), Some("moved to dublin"));
        let disks = instance::attached(&seen);
        assert_eq!(disks[0], ("/dev/xvda".to_owned(), "vol-1".to_owned()), "it is still the machine's");
    }
}
