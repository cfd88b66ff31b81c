//! Snapshots of EBS as they are found, waited for and removed.

use super::super::{
    fault::{change, look},
    link::Link,
    power::{LOOKS, TICK},
    tags::{self, COMPLETE, DISKS, TOKEN},
};
use crate::clouds::error::{Error, Kind, Result};
use aws_sdk_ec2::types::{Filter, Snapshot, SnapshotState};
use std::collections::BTreeMap;

pub async fn found(link: &Link, filters: Vec<Filter>) -> Result<Vec<Snapshot>> {
    let (ec2, mut all, mut next) = (link.ec2().await?, vec![], None);
    loop {
        let call = ec2.describe_snapshots().owner_ids("self").set_filters(Some(filters.clone())).max_results(1000).set_next_token(next);
        let answer = look("snapshots", call.send()).await?;
        next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        all.extend(answer.snapshots.unwrap_or_default());
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// Those of them that are there.
pub async fn by_id(link: &Link, ids: &[&str]) -> Result<Vec<Snapshot>> {
    if ids.is_empty() { Ok(vec![]) } else { found(link, vec![tags::filter("snapshot-id", ids.iter().copied())]).await }
}

/// Completed, and so were all others of its point.
pub fn is_whole(snapshot: &Snapshot) -> bool {
    is_completed(snapshot) && tags::get(snapshot.tags(), COMPLETE).is_some()
}

pub fn is_completed(snapshot: &Snapshot) -> bool {
    snapshot.state() == Some(&SnapshotState::Completed)
}

/// One that is gone already is fine.
pub async fn delete(link: &Link, id: &str) -> Result<()> {
    match change("delete a snapshot", link.ec2().await?.delete_snapshot().snapshot_id(id).send()).await {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// The caller's own time limit ends the wait.
pub async fn until_completed(link: &Link, ids: &[&str]) -> Result<()> {
    until(link, ids, is_completed).await
}

pub async fn until_whole(link: &Link, ids: &[&str]) -> Result<()> {
    until(link, ids, is_whole).await
}

async fn until(link: &Link, ids: &[&str], so: fn(&Snapshot) -> bool) -> Result<()> {
    let mut missed = 0;
    loop {
        let seen = by_id(link, ids).await?;
        missed += u32::from(seen.len() < ids.len());
        if missed > LOOKS {
            return Err(Error::not_found("A snapshot vanished while it was made."));
        }
        if let Some(bad) = seen.iter().find(|one| matches!(one.state(), Some(SnapshotState::Error | SnapshotState::Recoverable))) {
            let said = bad.state_message().unwrap_or("EBS does not say why");
            return Err(Error::permanent(format!("The snapshot {} failed: {said}", bad.snapshot_id().unwrap_or_default())));
        }
        if seen.len() == ids.len() && seen.iter().all(so) {
            return Ok(());
        }
        tokio::time::sleep(TICK).await;
    }
}

/// Of points of which a snapshot is missing or was not finished.
pub fn torn(family: &[Snapshot]) -> Vec<&str> {
    let mut whole: BTreeMap<&str, usize> = BTreeMap::new();
    for one in family.iter().filter(|one| is_whole(one)) {
        *whole.entry(token(one)).or_default() += 1;
    }
    let is_torn = |one: &&Snapshot| {
        let wanted = tags::get(one.tags(), DISKS).and_then(|text| text.parse::<usize>().ok());
        whole.get(token(one)).copied() != wanted
    };
    family.iter().filter(is_torn).filter_map(Snapshot::snapshot_id).collect()
}

pub fn token(snapshot: &Snapshot) -> &str {
    tags::get(snapshot.tags(), TOKEN).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, token: &str, disks: &str, state: SnapshotState, whole: bool) -> Snapshot {
        let tags = tags::all(&[(TOKEN, token), (DISKS, disks), (COMPLETE, if whole { "yes" } else { "" })]);
        Snapshot::builder().snapshot_id(id).state(state).set_tags(Some(tags)).build()
    }

    #[test]
    fn a_point_with_a_disk_missing_is_torn() {
        use SnapshotState::{Completed, Pending};
        let all = [
            one("a1", "a", "2", Completed, true),
            one("a2", "a", "2", Completed, true),
            one("b1", "b", "2", Completed, true),
            one("c1", "c", "1", Completed, false),
            one("d1", "d", "1", Pending, false),
            one("e1", "e", "2", Completed, true),
            one("e2", "e", "2", Pending, true),
        ];
        assert_eq!(torn(&all), ["b1", "c1", "d1", "e1", "e2"]);
    }
}
