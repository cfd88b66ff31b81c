//! How a recovery point is named. Pure.

use serde::{Deserialize, Serialize};

/// Of the property `crossfade_kind`.
pub const KIND: &str = "point";
/// How many images its point has: fewer, and it was torn.
pub const DISKS: &str = "crossfade_disks";
/// Which disk of the machine it is.
pub const DISK: &str = "crossfade_disk";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub lineage: String,
    pub token: String,
    pub disks: Vec<PointDisk>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointDisk {
    pub key: String,
    pub image: String,
    pub size: u64,
}

impl Point {
    /// For people who look at the images.
    pub fn image_name(lineage: &str, token: &str, key: &str) -> String {
        let name = format!("crossfade point {lineage} {token} {key}");
        name.chars().take(255).collect()
    }
}
