//! An instance that was never started as what it is: made from the placeholder, stopped, then given its volumes.
//!
//! Nothing of a machine runs in between, and at the end EC2 itself holds it for stopped, with an id that stays. Look, then ensure:
//! each call may be the second, and one that was killed anywhere goes on where it was.

use super::{
    super::{
        fault::change,
        inventory::{self, instance::state},
        link::Link,
        lock::{only_key, until_volume},
        power,
        tags::{self, BUILDING, KIND, LINEAGE, TOKEN, having, kind},
    },
    placeholder, volumes,
};
use crate::clouds::{
    error::{Error, Kind, Result},
    guest::USER_DATA,
};
use aws_sdk_ec2::types::{Instance, InstanceNetworkInterfaceSpecification, InstanceType, ResourceType, ShutdownBehavior, Tag, VolumeState};
use base64::{Engine, prelude::BASE64_STANDARD};
use model::machine::PowerState;

pub struct Order<'a> {
    pub token: &'a str,
    pub lineage: &'a str,
    /// Its name too.
    pub tags: Vec<Tag>,
    pub kind: &'a str,
    pub arch: &'a str,
    pub boot: &'a str,
    pub cards: Vec<InstanceNetworkInterfaceSpecification>,
}

/// Whatever was made with this token, whether it is done or not.
pub async fn by_token(link: &Link, token: &str) -> Result<Option<Instance>> {
    Ok(inventory::found(link, vec![having(TOKEN, token), having(KIND, kind::MACHINE)]).await?.into_iter().next())
}

/// Stopped, without any volume but those that are to be its own.
pub async fn empty(link: &Link, order: Order<'_>, own: &[&str]) -> Result<Instance> {
    let token = order.token;
    let id = match by_token(link, token).await? {
        Some(begun) => begun.instance_id.unwrap_or_default(),
        None => run(link, order).await?,
    };
    // It is not shown at once.
    for _ in 0..power::LOOKS {
        if inventory::find(link, &id).await?.is_some() {
            break;
        }
        tokio::time::sleep(power::TICK).await;
    }
    let seen = power::until(link, &id, |now| matches!(state(now), PowerState::Running | PowerState::Stopped)).await?;
    if !state(&seen).is_off() {
        power::hard_stop(link, &id).await?;
    }
    let seen = inventory::instance(link, &id).await?;
    for (_, volume) in inventory::instance::attached(&seen).iter().filter(|(_, volume)| !own.contains(&volume.as_str())) {
        detach(link, &id, volume).await?;
        volumes::delete(link, volume).await?;
    }
    inventory::instance(link, &id).await
}

async fn run(link: &Link, order: Order<'_>) -> Result<String> {
    let image = placeholder::ensure(link, order.arch, order.boot).await?;
    let mut notes = order.tags;
    notes.extend(tags::all(&[(KIND, kind::MACHINE), (TOKEN, order.token), (LINEAGE, order.lineage), (BUILDING, "yes")]));
    let call = link.ec2().await?.run_instances().image_id(image).min_count(1).max_count(1).client_token(tags::hash(order.token));
    // For EC2 it is a new instance, for its guest it is not: cloud-init must not make it one.
    let call = call.user_data(BASE64_STANDARD.encode(USER_DATA));
    let call = call.instance_type(InstanceType::from(order.kind)).set_network_interfaces(Some(order.cards));
    let call = call.instance_initiated_shutdown_behavior(ShutdownBehavior::Stop);
    let answer = change("make an instance", call.tag_specifications(tags::at_birth(ResourceType::Instance, &notes)).send()).await?;
    let id = answer.instances().first().and_then(Instance::instance_id);
    id.map(str::to_owned).ok_or_else(|| Error::new(Kind::Unknown, "EC2 made an instance and does not say which."))
}

pub async fn detach(link: &Link, id: &str, volume: &str) -> Result<()> {
    change("detach a volume", link.ec2().await?.detach_volume().volume_id(volume).instance_id(id).send()).await?;
    until_volume(link, volume, &VolumeState::Available).await
}

/// Gives it its volumes, by device; those that it has already stay. From then on it is a machine.
pub async fn finish(link: &Link, seen: &Instance, disks: &[(String, String)]) -> Result<()> {
    let id = seen.instance_id().unwrap_or_default();
    let there = inventory::instance::attached(seen);
    for (device, volume) in disks.iter().filter(|(_, volume)| there.iter().all(|(_, known)| known != volume)) {
        until_volume(link, volume, &VolumeState::Available).await?;
        let call = link.ec2().await?.attach_volume().volume_id(volume).instance_id(id).device(device);
        change("attach a volume", call.send()).await?;
        until_volume(link, volume, &VolumeState::InUse).await?;
    }
    change("note that it is made", link.ec2().await?.delete_tags().resources(id).tags(only_key(BUILDING)).send()).await?;
    power::until(link, id, |now| !inventory::is_building(now)).await.map(drop)
}

/// Names that EC2 takes for further volumes; what the guest sees is its own affair.
pub fn device(root: &str, number: usize) -> String {
    let letter = |at: usize| char::from(b"abcdefghijklmnopqrstuvwxyz"[at % 26]);
    match number {
        0 => root.to_owned(),
        1..=11 => format!("/dev/sd{}", letter(number + 4)),
        _ => format!("/dev/xvd{}{}", letter(1 + (number - 12) / 26), letter(number - 12)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_disk_has_a_name_that_ec2_takes() {
        let names: Vec<_> = [0, 1, 11, 12, 37, 38].map(|number| device("/dev/xvda", number)).into();
        assert_eq!(names, ["/dev/xvda", "/dev/sdf", "/dev/sdp", "/dev/xvdba", "/dev/xvdbz", "/dev/xvdca"]);
    }
}
