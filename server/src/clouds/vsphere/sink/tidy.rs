//! Removing what nobody needs: torn points, and those without a row. By names alone.

use super::{
    super::{
        fields::Place,
        files,
        inventory::places::{Places, Store},
        link::Link,
    },
    names::{self, Named, Point},
};
use crate::clouds::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

type Files = [(String, u64)];

/// Its manifest and its files are there, and those of all that it builds on.
pub fn is_whole(files: &Files, id: &str) -> bool {
    let manifests = manifests(files);
    let there: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let (mut next, mut seen) = (Some(id), BTreeSet::new());
    while let Some(id) = next {
        let Some(named) = manifests.get(id) else { return false };
        let complete = (0..named.disks).all(|number| there.contains(names::disk(id, number).as_str()));
        if !complete || !seen.insert(id) {
            return false;
        }
        next = named.parent;
    }
    true
}

fn manifests(files: &Files) -> BTreeMap<&str, Named<'_>> {
    files.iter().filter_map(|(name, _)| names::manifest(name)).map(|named| (named.id, named)).collect()
}

/// These points and what they build on.
fn needed<'a>(files: &'a Files, keep: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let manifests = manifests(files);
    let mut found = BTreeSet::new();
    for root in keep {
        let mut next = Some(root);
        while let Some(id) = next.filter(|id| found.insert(*id)) {
            next = manifests.get(id).and_then(|named| named.parent);
        }
    }
    found
}

/// What is not needed. The manifests come first: a point that has lost its data must not look whole.
fn surplus<'a>(files: &'a Files, needed: &BTreeSet<&str>) -> Vec<&'a str> {
    let mut out: Vec<&str> =
        files.iter().map(|(name, _)| name.as_str()).filter(|name| names::owner(name).is_some_and(|id| !needed.contains(id))).collect();
    out.sort_by_key(|name| names::manifest(name).is_none());
    out
}

/// Uploads of this lineage that were never committed.
pub async fn unfinished(link: &Link, places: &Places, place: &Place, lineage: &str) -> Result<()> {
    for (store, files) in everywhere(link, places, place, lineage).await? {
        let whole: BTreeSet<&str> = manifests(&files).into_keys().collect();
        remove(link, &store, lineage, &surplus(&files, &whole)).await?;
    }
    Ok(())
}

pub async fn tidy(link: &Link, places: &Places, place: &Place, lineage: &str, keep: &[Point]) -> Result<()> {
    let ids: Vec<String> = keep.iter().map(Point::id).collect();
    for (store, files) in everywhere(link, places, place, lineage).await? {
        let needed = needed(&files, ids.iter().map(String::as_str));
        let gone = surplus(&files, &needed);
        remove(link, &store, lineage, &gone).await?;
        if !files.is_empty() && gone.len() == files.len() {
            files::delete(link, &store, &names::folder(lineage)).await?;
        }
    }
    Ok(())
}

pub async fn delete(link: &Link, store: &Store, point: &Point) -> Result<()> {
    let files = files::list(link, store, &names::folder(&point.lineage)).await?;
    let id = point.id();
    if manifests(&files).values().any(|named| named.parent == Some(id.as_str())) {
        return Err(Error::conflict("Other recovery points are based on this one."));
    }
    let others: BTreeSet<&str> = files.iter().filter_map(|(name, _)| names::owner(name)).filter(|owner| *owner != id).collect();
    remove(link, store, &point.lineage, &surplus(&files, &others)).await
}

async fn remove(link: &Link, store: &Store, lineage: &str, names: &[&str]) -> Result<()> {
    for name in names {
        files::delete(link, store, &format!("{}/{name}", names::folder(lineage))).await?;
    }
    Ok(())
}

/// On all datastores that points may lie on: what is mapped may have been another one before. All at once, since each takes the
/// server a moment.
async fn everywhere(link: &Link, places: &Places, place: &Place, lineage: &str) -> Result<Vec<(Store, Vec<(String, u64)>)>> {
    let folder = names::folder(lineage);
    let stores = places.stores(&places.target(place)?).into_iter().filter(Store::has_files);
    let looks = stores.map(|store| async {
        let files = files::list(link, &store, &folder).await?;
        Ok((store, files))
    });
    futures::future::try_join_all(looks).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<(String, u64)> {
        names.iter().map(|name| ((*name).to_owned(), 1)).collect()
    }

    #[test]
    fn a_point_is_whole_with_all_that_it_builds_on() {
        let all = files(&[
            "a.1.on.nothing.json",
            "a-0.qcow2",
            "b.1.on.a.json",
            "b-0.qcow2",
            "d.1.on.c.json",
            "d-0.qcow2",
            "e-0.qcow2",
            "f.2.on.a.json",
            "f-0.qcow2",
        ]);
        assert!(is_whole(&all, "a") && is_whole(&all, "b"));
        assert!(["d", "e", "f", "x"].iter().all(|id| !is_whole(&all, id)));
        assert!(!is_whole(&files(&["a.0.on.b.json", "b.0.on.a.json"]), "a"), "a ring");
    }

    #[test]
    fn what_is_kept_keeps_what_it_is_based_on_and_manifests_go_first() {
        let all = files(&[
            "a-0.qcow2",
            "a.1.on.nothing.json",
            "b-0.qcow2",
            "b.1.on.a.json",
            "c-0.qcow2",
            "c-1.qcow2",
            "c.2.on.b.json",
            "notes.txt",
        ]);
        let kept = needed(&all, ["b"].into_iter());
        assert_eq!(kept.iter().copied().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(surplus(&all, &kept), ["c.2.on.b.json", "c-0.qcow2", "c-1.qcow2"]);
        assert_eq!(surplus(&all, &BTreeSet::new()).len(), 7, "what is not ours stays");
    }
}
