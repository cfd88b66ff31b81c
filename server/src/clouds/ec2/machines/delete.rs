//! Removing machines, and what a creation that was killed left.

use super::{
    super::{
        fault::change,
        inventory::{
            self,
            instance::{attached, name, state},
            is_building, volume,
        },
        link::Link,
        lock, power,
        tags::{self, GONE, KIND, LINEAGE, MACHINE, TOKEN, having, kind},
    },
    build::by_token,
    definition, volumes,
};
use crate::clouds::error::{Error, Result};
use aws_sdk_ec2::{primitives::DateTime, types::VolumeState};
use jiff::Timestamp;

/// What was begun so long ago is not worked on any more, by no node, s.
const STALE: i64 = 900;

pub async fn delete(link: &Link, native_id: &str, with_disks: bool) -> Result<()> {
    if let Some(seen) = inventory::find(link, native_id).await? {
        if !is_building(&seen) && !state(&seen).is_off() {
            return Err(Error::conflict(format!("{} runs; only a stopped machine can be deleted.", name(&seen))));
        }
        let ec2 = link.ec2().await?;
        let mut all: Vec<String> = attached(&seen).into_iter().map(|(_, volume)| volume).collect();
        if let Some(token) = tags::get(seen.tags(), TOKEN).filter(|_| is_building(&seen)) {
            let waiting = volume::found(link, vec![having(TOKEN, token), having(KIND, kind::MACHINE)]).await?;
            all.extend(
                waiting.into_iter().filter_map(|one| one.volume_id).filter(|id| !attached(&seen).iter().any(|(_, known)| known == id)),
            );
        }
        if with_disks && !all.is_empty() {
            // Noted first: once the instance is gone nobody knows which were its volumes.
            let note = ec2.create_tags().set_resources(Some(all)).tags(tags::tag(GONE, native_id));
            change("note the volumes that go", note.send()).await?;
        } else {
            keep_volumes(link, &seen, native_id).await?;
        }
        change("remove the instance", ec2.terminate_instances().instance_ids(native_id).send()).await?;
        power::until_gone(link, native_id).await?;
        if let Some(token) = tags::get(seen.tags(), TOKEN) {
            definition::delete(link, token).await?;
        }
    }
    if with_disks {
        for one in volume::found(link, vec![having(GONE, native_id)]).await? {
            volumes::delete(link, one.volume_id().unwrap_or_default()).await?;
        }
    }
    Ok(())
}

async fn keep_volumes(link: &Link, seen: &aws_sdk_ec2::types::Instance, native_id: &str) -> Result<()> {
    for one in seen.block_device_mappings() {
        if let (Some(device), Some(true)) = (one.device_name(), one.ebs().and_then(|ebs| ebs.delete_on_termination())) {
            lock::goes_with(link, native_id, device, false).await?;
        }
    }
    Ok(())
}

/// Instances, volumes and definitions of this lineage that were begun and never done.
pub async fn tidy(link: &Link, lineage: &str) -> Result<()> {
    let ours = || vec![having(LINEAGE, lineage), having(KIND, kind::MACHINE)];
    for one in inventory::found(link, ours()).await?.iter().filter(|one| is_building(one) && is_stale(one.launch_time())) {
        delete(link, one.instance_id().unwrap_or_default(), true).await?;
    }
    for one in volume::found(link, ours()).await? {
        // A volume that a lock took away has the name of its machine.
        let free = one.state() == Some(&VolumeState::Available) && tags::get(one.tags(), MACHINE).is_none();
        let token = tags::get(one.tags(), TOKEN).unwrap_or_default();
        if free && is_stale(one.create_time()) && by_token(link, token).await?.is_none() {
            volumes::delete(link, one.volume_id().unwrap_or_default()).await?;
        }
    }
    for one in definition::found(link, LINEAGE, lineage).await? {
        let token = tags::get(one.tags(), TOKEN).unwrap_or_default();
        if is_stale(one.start_time()) && by_token(link, token).await?.is_none() {
            definition::delete(link, token).await?;
        }
    }
    Ok(())
}

fn is_stale(begun: Option<&DateTime>) -> bool {
    begun.is_some_and(|at| at.secs() + STALE < Timestamp::now().as_second())
}
