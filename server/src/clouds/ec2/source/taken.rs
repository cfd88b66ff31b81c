//! Snapshots that were taken of a machine: one for each volume, with the token of their point.
//!
//! A point is `waiting` until EBS has all of it, `reading` while it is read, `kept` when the next one is to build on it.

use super::super::{
    fault::change,
    link::Link,
    sink::snapshots,
    tags::{self, KIND, MACHINE, SEEN, STATE, TOKEN, having, kind},
};
use crate::clouds::{PointRef, error::Result};
use aws_sdk_ec2::types::Snapshot;
use model::Millis;
use std::collections::BTreeMap;

/// Two clocks that are kept by a time service, ms.
const SKEW: Millis = 2_000;

pub const WAITING: &str = "waiting";
pub const READING: &str = "reading";
pub const KEPT: &str = "kept";

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taken {
    pub token: String,
    pub state: String,
    pub seen: String,
    /// Snapshot by volume.
    pub parts: BTreeMap<String, String>,
    pub started: Millis,
}

/// By token.
pub async fn all(link: &Link, native_id: &str) -> Result<Vec<Taken>> {
    let found = snapshots::found(link, vec![having(KIND, kind::SOURCE), having(MACHINE, native_id)]).await?;
    Ok(grouped(&found))
}

fn grouped(found: &[Snapshot]) -> Vec<Taken> {
    let mut all: BTreeMap<&str, Taken> = BTreeMap::new();
    for one in found {
        let get = |key: &str| tags::get(one.tags(), key).unwrap_or_default();
        let (Some(id), Some(volume)) = (one.snapshot_id(), one.volume_id()) else { continue };
        // The cloud's clock, which differs from ours by less than this.
        let started = one.start_time().and_then(|at| at.to_millis().ok()).unwrap_or_default() - SKEW;
        let taken = all.entry(get(TOKEN)).or_insert_with(|| Taken {
            token: get(TOKEN).to_owned(),
            state: get(STATE).to_owned(),
            seen: get(SEEN).to_owned(),
            parts: BTreeMap::new(),
            started,
        });
        taken.parts.insert(volume.to_owned(), id.to_owned());
        taken.started = taken.started.min(started);
        // Torn between two notes: it is what the worse of its parts is.
        if get(STATE) != taken.state {
            taken.state = READING.to_owned();
        }
    }
    all.into_values().collect()
}

impl Taken {
    pub fn ids(&self) -> Vec<&str> {
        self.parts.values().map(String::as_str).collect()
    }

    pub async fn note(&self, link: &Link, state: &str) -> Result<()> {
        let ids = self.ids().into_iter().map(str::to_owned).collect();
        let call = link.ec2().await?.create_tags().set_resources(Some(ids)).tags(tags::tag(STATE, state));
        change("note a point", call.send()).await.map(drop)
    }

    pub async fn delete(&self, link: &Link) -> Result<()> {
        for id in self.ids() {
            snapshots::delete(link, id).await?;
        }
        Ok(())
    }
}

/// Everything but the points to keep.
pub async fn tidy(link: &Link, native_id: &str, keep: &[PointRef]) -> Result<()> {
    for taken in all(link, native_id).await? {
        if !keep.iter().any(|point| point.0 == taken.token) {
            taken.delete(link).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, volume: &str, token: &str, state: &str) -> Snapshot {
        Snapshot::builder().snapshot_id(id).volume_id(volume).set_tags(Some(tags::all(&[(TOKEN, token), (STATE, state)]))).build()
    }

    #[test]
    fn parts_of_a_point_belong_together() {
        let all =
            grouped(&[one("s1", "v1", "a", KEPT), one("s2", "v2", "a", KEPT), one("s3", "v1", "b", WAITING), one("s4", "v2", "b", KEPT)]);
        assert_eq!((all[0].ids(), all[0].state.as_str()), (vec!["s1", "s2"], KEPT));
        assert_eq!(all[1].state, READING, "noted in part: not to be taken up again");
    }
}
