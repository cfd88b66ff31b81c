//! What would be in the way of a machine's disks: block storage, its types and its quotas.

use super::{
    super::{
        inventory::resources::{self, Quota},
        link::Link,
        volumes::gib,
    },
    check::{missing, problem},
    disks,
    storage::{self, Place},
};
use crate::clouds::{MachineSpec, error::Result};
use model::{
    Mapping, Problem,
    Severity::{Critical, Info},
    machine::Disk,
};

/// Where each disk would go; an image where that cannot be told.
pub async fn look(link: &Link, spec: &MachineSpec, mapping: &[Mapping]) -> Result<(Vec<Place>, Vec<Problem>)> {
    let types = disks::types(link).await?;
    let (places, mut all) = places(spec, mapping, types.as_deref());
    if types.is_some() && places.iter().any(|place| *place != Place::Image) {
        all.extend(room(spec, &places, &resources::volume_quota(link).await?));
        if matches!(places.first(), Some(Place::Volume(_))) && !disks::renews_volumes(link).await? {
            all.push(problem(Critical, &spec.name, disks::OLD, "Map its storage to 'image'."));
        }
    }
    Ok((places, all))
}

fn places(spec: &MachineSpec, mapping: &[Mapping], types: Option<&[String]>) -> (Vec<Place>, Vec<Problem>) {
    let (mut places, mut all) = (vec![], vec![]);
    for (index, disk) in spec.disks.iter().enumerate() {
        places.push(storage::place(index, disk, mapping, types.unwrap_or_default()).unwrap_or_else(|why| {
            let remedy = format!("Map it to one of: {}.", [&[storage::IMAGE.to_owned()], types.unwrap_or_default()].concat().join(", "));
            all.push(problem(Critical, &disk.key, format!("In this project {why}."), &remedy));
            Place::Image
        }));
    }
    if spec.disks.is_empty() {
        all.push(problem(Critical, &spec.name, "It has no disk.", "Choose another cloud for this machine."));
    }
    if types.is_none() && places.iter().any(|place| *place != Place::Image) {
        let what =
            format!("It has {} disks, and this cloud has no block storage (Cinder): a machine has one disk there.", spec.disks.len());
        all.push(problem(Critical, &spec.name, what, "Have Cinder added to the catalogue, or choose another cloud."));
    }
    (places, all)
}

fn room(spec: &MachineSpec, places: &[Place], quota: &Quota) -> Vec<Problem> {
    let disks: Vec<&Disk> = spec.disks.iter().zip(places).filter(|(_, place)| **place != Place::Image).map(|(disk, _)| disk).collect();
    let whole = |disk: &Disk| i64::try_from(gib(disk.size_bytes)).unwrap_or(i64::MAX);
    let count = i64::try_from(disks.len()).unwrap_or(i64::MAX);
    let mut all = missing(
        &[
            ("maxTotalVolumes", "totalVolumesUsed", count, "volumes"),
            ("maxTotalVolumeGigabytes", "totalGigabytesUsed", disks.iter().map(|disk| whole(disk)).sum(), "gigabytes"),
        ],
        quota,
    );
    for disk in disks.iter().filter(|disk| disk.size_bytes % (1 << 30) != 0) {
        let what = format!("Cinder's volumes are whole GiB: the disk {} will have {}.", disk.key, whole(disk));
        all.push(problem(Info, &disk.key, what, "Nothing; what is beyond its old end stays unused."));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{super::shape::tests::spec, *};
    use serde_json::json;

    fn two() -> MachineSpec {
        let mut spec = spec();
        spec.disks.push(Disk { key: "vdb".into(), size_bytes: (3 << 30) + 1, ..spec.disks[0].clone() });
        spec
    }

    #[test]
    fn several_disks_need_block_storage() {
        let blockers = |spec: &MachineSpec, types: Option<&[String]>| places(spec, &[], types).1.iter().filter(|one| one.blocks()).count();
        assert_eq!((blockers(&spec(), None), blockers(&two(), None), blockers(&two(), Some(&[]))), (0, 1, 0));
        let elsewhere = [Mapping { from: "images".into(), to: "nowhere".into() }];
        let (_, found) = places(&two(), &elsewhere, Some(&["ssd".into()]));
        assert!(found.len() == 2 && found[0].remedy.contains("image, ssd"), "{found:?}");
    }

    #[test]
    fn quotas_of_volumes_are_named_with_their_figures() {
        let figures = json!({ "maxTotalVolumes": 10, "totalVolumesUsed": 10, "maxTotalVolumeGigabytes": 5, "totalGigabytesUsed": 2 });
        let quota = Quota::of(serde_json::from_value(figures).unwrap());
        let places = [Place::Image, Place::Volume(None)];
        let said: Vec<String> = room(&two(), &places, &quota).into_iter().map(|one| one.what).collect();
        assert_eq!(said[0], "The project's quota 'volumes' is 10 and 0 are left; it needs 1.");
        assert_eq!(said[1], "The project's quota 'gigabytes' is 5 and 3 are left; it needs 4.");
        assert!(said[2].contains("whole GiB"));
        assert!(room(&spec(), &[Place::Image], &quota).is_empty());
    }
}
