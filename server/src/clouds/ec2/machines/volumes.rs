//! The volumes of a machine that is made: each from the snapshot of its recovery point.
//!
//! EBS fetches their blocks when they are read for the first time: a machine starts at once, and is slow where it reads anew.

use super::super::{
    fault::change,
    inventory::{resources::POOLS, volume},
    link::Link,
    power::TICK,
    sink::{Point, PointDisk},
    tags::{self, BYTES, DISK, KIND, LINEAGE, TOKEN, having, kind},
};
use crate::clouds::{
    CreateRequest, MachineSpec,
    error::{Error, Kind, Result},
};
use aws_sdk_ec2::types::{ResourceType, Volume, VolumeState, VolumeType};
use model::Mapping;

/// In the order of the machine's disks; those of an earlier try are taken.
pub async fn ensure(link: &Link, request: &CreateRequest, zone: &str) -> Result<Vec<String>> {
    let point = request.point.read::<Point>()?;
    let known = volume::found(link, vec![having(TOKEN, &request.token), having(KIND, kind::MACHINE)]).await?;
    let mut all = vec![];
    for disk in &request.spec.disks {
        let part = point.disk(&disk.key).ok_or_else(|| Error::conflict(format!("The recovery point has no disk {}.", disk.key)))?;
        let there = known.iter().find(|one| tags::get(one.tags(), DISK) == Some(&disk.key)).and_then(Volume::volume_id);
        let id = match there {
            Some(id) => id.to_owned(),
            None => create(link, request, part, &pool(&request.spec, &disk.key, &request.storage), zone).await?,
        };
        all.push(id);
    }
    Ok(all)
}

async fn create(link: &Link, request: &CreateRequest, part: &PointDisk, pool: &str, zone: &str) -> Result<String> {
    let notes = tags::all(&[
        (KIND, kind::MACHINE),
        (TOKEN, &request.token),
        (LINEAGE, &request.lineage),
        (DISK, &part.key),
        (BYTES, &part.size.to_string()),
        (tags::NAME, &format!("{} {}", request.spec.name, part.key)),
    ]);
    let call = link.ec2().await?.create_volume().snapshot_id(&part.snapshot).availability_zone(zone).volume_type(VolumeType::from(pool));
    let call = call.client_token(tags::hash(&format!("{} {}", request.token, part.key)));
    let answer = change("make a volume", call.tag_specifications(tags::at_birth(ResourceType::Volume, &notes)).send()).await?;
    answer.volume_id().map(str::to_owned).ok_or_else(|| Error::new(Kind::Unknown, "EBS made a volume and does not say which."))
}

/// As mapped, or the type that it had, if it is one that may be chosen.
pub fn pool(spec: &MachineSpec, key: &str, mapping: &[Mapping]) -> String {
    let had = spec.disks.iter().find(|disk| disk.key == key).and_then(|disk| disk.pool.as_deref()).unwrap_or_default();
    let to = mapping.iter().find(|one| one.from == had).map_or(had, |one| one.to.as_str());
    POOLS.iter().find(|name| **name == to).unwrap_or(&POOLS[0]).to_string()
}

/// Once it is free; one that is gone already is fine.
pub async fn delete(link: &Link, id: &str) -> Result<()> {
    while let Some(seen) = volume::found(link, vec![tags::filter("volume-id", [id])]).await?.pop() {
        if !matches!(seen.state(), Some(VolumeState::Available | VolumeState::Error)) {
            tokio::time::sleep(TICK).await;
            continue;
        }
        return match change("delete a volume", link.ec2().await?.delete_volume().volume_id(id).send()).await {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            other => other.map(drop),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_keeps_its_kind_of_volume_or_gets_a_plain_one() {
        let mut spec = super::super::describe::tests::spec();
        let to = |to: &str| [Mapping { from: "images".into(), to: to.into() }];
        assert_eq!(pool(&spec, "vda", &[]), "gp3");
        assert_eq!(pool(&spec, "vda", &to("standard")), "standard");
        spec.disks[0].pool = Some("gp2".into());
        assert_eq!(pool(&spec, "vda", &[]), "gp2");
        spec.disks[0].pool = Some("io2".into());
        assert_eq!(pool(&spec, "vda", &[]), "gp3", "what costs by its speed is not chosen by itself");
    }
}
