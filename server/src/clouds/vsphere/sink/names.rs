//! How recovery points are named, on a datastore. Pure.
//!
//! `crossfade/<lineage>/<point>-<disk>.qcow2`   one disk: a whole one, or what changed
//! `crossfade/<lineage>/<point>.<disks>.on.<parent>.json`   what the point is; written last: without it it does not exist

use crate::clouds::Extent;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const ROOT: &str = "crossfade";
/// Parent of a point that stands alone.
const ALONE: &str = "nothing";

/// Names a recovery point.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub lineage: String,
    pub token: String,
    pub datastore: String,
    /// Of the data center that the datastore belongs to.
    pub datacenter: String,
    /// [`id`] of the point below.
    pub parent: Option<String>,
    /// How many it has.
    pub disks: usize,
}

/// What a point is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub point: Point,
    pub disks: Vec<PointDisk>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointDisk {
    pub key: String,
    /// Bytes of the disk.
    pub size: u64,
    /// Bytes of the file.
    pub length: u64,
    pub extents: Vec<Extent>,
}

impl Point {
    pub fn id(&self) -> String {
        id(&self.token)
    }

    pub fn manifest(&self) -> String {
        let parent = self.parent.as_deref().unwrap_or(ALONE);
        format!("{}/{}.{}.on.{parent}.json", folder(&self.lineage), self.id(), self.disks)
    }

    pub fn disk(&self, number: usize) -> String {
        format!("{}/{}", folder(&self.lineage), disk(&self.id(), number))
    }
}

pub fn folder(lineage: &str) -> String {
    let plain: String = lineage.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' }).collect();
    format!("{ROOT}/{plain}")
}

/// Tokens may be long, and file names of datastores have their limits.
pub fn id(token: &str) -> String {
    Sha256::digest(token).iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}

pub fn disk(id: &str, number: usize) -> String {
    format!("{id}-{number}.qcow2")
}

/// What the name of a manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    pub id: &'a str,
    pub disks: usize,
    pub parent: Option<&'a str>,
}

pub fn manifest(name: &str) -> Option<Named<'_>> {
    let (own, parent) = name.strip_suffix(".json")?.split_once(".on.")?;
    let (id, disks) = own.split_once('.')?;
    Some(Named { id, disks: disks.parse().ok()?, parent: (parent != ALONE).then_some(parent) })
}

/// The point that a file belongs to.
pub fn owner(name: &str) -> Option<&str> {
    match manifest(name) {
        Some(named) => Some(named.id),
        None => name.strip_suffix(".qcow2")?.rsplit_once('-').map(|(id, _)| id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_belongs_together() {
        let point = Point {
            lineage: "l/1".into(),
            token: "t".into(),
            datastore: "d".into(),
            datacenter: "dc".into(),
            parent: Some(id("p")),
            disks: 2,
        };
        let (manifest, disk) = (point.manifest(), point.disk(3));
        assert!(manifest.starts_with("crossfade/l_1/") && disk.ends_with("-3.qcow2"), "{manifest} {disk}");
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let named = |text: &str| super::manifest(text).map(|one| (one.id.to_owned(), one.disks, one.parent.map(str::to_owned)));
        assert_eq!(named(&name(&manifest)), Some((point.id(), 2, Some(id("p")))));
        assert_eq!((owner(&name(&manifest)), owner(&name(&disk))), (Some(point.id().as_str()), Some(point.id().as_str())));
        assert_eq!(named(&name(&Point { parent: None, ..point.clone() }.manifest())), Some((point.id(), 2, None)));
        assert_eq!((owner("other.txt"), super::manifest("x.json")), (None, None));
        assert_eq!(crate::clouds::SinkRef::of(&point).read::<Point>().unwrap(), point);
    }
}
