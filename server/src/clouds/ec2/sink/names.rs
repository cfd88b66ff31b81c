//! How a recovery point is named. Pure.

use crate::clouds::{
    SinkRef,
    error::{Error, Result},
};
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
    /// # Errors
    /// It was not written by this driver.
    pub fn parse(reference: &SinkRef) -> Result<Self> {
        serde_json::from_str(&reference.0).map_err(|_| Error::permanent("This recovery point was not made by this kind of cloud."))
    }

    pub fn reference(&self) -> SinkRef {
        SinkRef(serde_json::to_string(self).unwrap_or_default())
    }

    /// By the key of a disk.
    pub fn disk(&self, key: &str) -> Option<&PointDisk> {
        self.disks.iter().find(|disk| disk.key == key)
    }
}
