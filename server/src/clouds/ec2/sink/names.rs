//! How a recovery point is named. Pure.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub lineage: String,
    pub token: String,
    pub disks: Vec<PointDisk>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointDisk {
    pub key: String,
    pub snapshot: String,
    /// Bytes of the disk; the snapshot has whole GiB.
    pub size: u64,
}

impl Point {
    /// By the key of a disk.
    pub fn disk(&self, key: &str) -> Option<&PointDisk> {
        self.disks.iter().find(|disk| disk.key == key)
    }
}
