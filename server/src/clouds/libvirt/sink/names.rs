//! Names of what a sink keeps in a pool, and what a recovery point is called outside. Pure.
//!
//! `crossfade-<lineage>-p-<token>-<disk>.qcow2`   one disk of a recovery point
//! `crossfade-<lineage>-p-<token>.complete`       an empty file, made last: without it the point does not exist
//! `crossfade-<lineage>-m-<token>-<disk>.qcow2`   a disk of a machine that was created from a point
//! `crossfade-<lineage>-m-<token>-cidata.img`     the drive that tells such a machine its addresses

use super::super::source::plan::plain;
use crate::clouds::{
    SinkRef,
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};

/// What a [`SinkRef`] of this driver says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    pub lineage: String,
    pub token: String,
    /// Where its marker is; each disk may be in a pool of its own.
    pub pool: String,
    pub disks: Vec<PointDisk>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointDisk {
    pub key: String,
    pub pool: String,
    pub volume: String,
    /// As seen by the host.
    pub path: String,
    pub size: u64,
}

impl Point {
    /// # Errors
    /// Not a reference of this driver.
    pub fn parse(reference: &SinkRef) -> Result<Self> {
        serde_json::from_str(&reference.0)
            .map_err(|error| Error::permanent(format!("'{}' names no recovery point of a libvirt host: {error}", reference.0)))
    }

    pub fn reference(&self) -> SinkRef {
        SinkRef(serde_json::to_string(self).unwrap_or_default())
    }

    pub fn marker(&self) -> String {
        marker(&self.lineage, &self.token)
    }
}

/// Everything of a lineage begins with it.
pub fn family(lineage: &str) -> String {
    format!("crossfade-{}-", plain(lineage))
}

pub fn points(lineage: &str) -> String {
    format!("{}p-", family(lineage))
}

pub fn volume(lineage: &str, token: &str, key: &str) -> String {
    format!("{}{}-{}.qcow2", points(lineage), plain(token), plain(key))
}

pub fn marker(lineage: &str, token: &str) -> String {
    format!("{}{}.complete", points(lineage), plain(token))
}

pub fn machine_disk(lineage: &str, token: &str, key: &str) -> String {
    format!("{}m-{}-{}.qcow2", family(lineage), plain(token), plain(key))
}

/// The drive that tells a machine its addresses.
pub fn seed(lineage: &str, token: &str) -> String {
    format!("{}m-{}-cidata.img", family(lineage), plain(token))
}

/// The marker that a volume's point must have; `None` for what is no volume of a point.
pub fn marker_of(lineage: &str, volume: &str) -> Option<String> {
    let rest = volume.strip_prefix(&points(lineage))?.strip_suffix(".qcow2")?;
    let token = rest.rsplit_once('-')?.0;
    Some(format!("{}{token}.complete", points(lineage)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_leads_to_its_marker() {
        let volume = volume("l-1", "m/2-7-ab", "vda");
        assert_eq!(volume, "crossfade-l-1-p-m_2-7-ab-vda.qcow2");
        assert_eq!(marker_of("l-1", &volume), Some(marker("l-1", "m/2-7-ab")));
        assert_eq!(marker_of("l-1", &machine_disk("l-1", "t", "vda")), None);
        assert_eq!(marker_of("l", &volume), None);
        assert_eq!(marker_of("l-1", &marker("l-1", "t")), None);
    }

    #[test]
    fn a_reference_survives_its_journey() {
        let point = Point { lineage: "l".into(), token: "t".into(), pool: "images".into(), disks: vec![] };
        assert_eq!(Point::parse(&point.reference()).unwrap(), point);
        assert!(Point::parse(&SinkRef("x".into())).is_err());
    }
}
