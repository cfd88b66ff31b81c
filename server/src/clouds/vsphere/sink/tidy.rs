//! Removing what nobody needs: torn points, and those without a row. By names alone.

use super::{
    super::{
        fields::Place,
        files,
        inventory::places::{Places, Store},
        link::Link,
    },
    names::{self, Point},
};
use crate::clouds::error::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

type Files = [(String, u64)];

/// Its manifest is there, and those of all that it builds on.
pub fn is_whole(files: &Files, id: &str) -> bool {
    let parents = parents(files);
    let mut next = Some(id);
    let mut seen = BTreeSet::new();
    while let Some(id) = next {
        let Some(parent) = parents.get(id) else { return false };
        if !seen.insert(id) {
            return false;
        }
        next = *parent;
    }
    true
}

fn parents(files: &Files) -> BTreeMap<&str, Option<&str>> {
    files.iter().filter_map(|(name, _)| names::whole(name)).collect()
}

/// These points and what they build on.
fn needed<'a>(files: &'a Files, keep: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let parents = parents(files);
    let mut found = BTreeSet::new();
    for root in keep {
        let mut next = Some(root);
        while let Some(id) = next.filter(|id| found.insert(*id)) {
            next = parents.get(id).copied().flatten();
        }
    }
    found
}

/// What is not needed. The manifests come first: a point that has lost its data must not look whole.
fn surplus<'a>(files: &'a Files, needed: &BTreeSet<&str>) -> Vec<&'a str> {
    let mut out: Vec<&str> =
        files.iter().map(|(name, _)| name.as_str()).filter(|name| names::owner(name).is_some_and(|id| !needed.contains(id))).collect();
    out.sort_by_key(|name| names::whole(name).is_none());
    out
}

/// Uploads of this lineage that were never committed.
pub async fn unfinished(link: &Link, places: &Places, place: &Place, lineage: &str) -> Result<()> {
    for store in stores(places, place)? {
        let files = files::list(link, &store, &names::folder(lineage)).await?;
        let whole: BTreeSet<&str> = parents(&files).into_keys().collect();
        remove(link, &store, lineage, &surplus(&files, &whole)).await?;
    }
    Ok(())
}

pub async fn tidy(link: &Link, places: &Places, place: &Place, lineage: &str, keep: &[Point]) -> Result<()> {
    let ids: Vec<String> = keep.iter().map(Point::id).collect();
    for store in stores(places, place)? {
        let files = files::list(link, &store, &names::folder(lineage)).await?;
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
    if parents(&files).values().any(|parent| *parent == Some(id.as_str())) {
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

/// All that points may lie on: what is mapped may have been another one before.
fn stores(places: &Places, place: &Place) -> Result<Vec<Store>> {
    Ok(places.stores(&places.target(place)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<(String, u64)> {
        names.iter().map(|name| ((*name).to_owned(), 1)).collect()
    }

    #[test]
    fn a_point_is_whole_with_all_that_it_builds_on() {
        let all = files(&["a.on.nothing.json", "a-0.qcow2", "b.on.a.json", "b-0.qcow2", "d.on.c.json", "e-0.qcow2"]);
        assert!(is_whole(&all, "a") && is_whole(&all, "b"));
        assert!(!is_whole(&all, "d") && !is_whole(&all, "e") && !is_whole(&all, "x"));
        assert!(!is_whole(&files(&["a.on.b.json", "b.on.a.json"]), "a"), "a ring");
    }

    #[test]
    fn what_is_kept_keeps_what_it_is_based_on_and_manifests_go_first() {
        let all =
            files(&["a-0.qcow2", "a.on.nothing.json", "b-0.qcow2", "b.on.a.json", "c-0.qcow2", "c-1.qcow2", "c.on.b.json", "notes.txt"]);
        let kept = needed(&all, ["b"].into_iter());
        assert_eq!(kept.iter().copied().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(surplus(&all, &kept), ["c.on.b.json", "c-0.qcow2", "c-1.qcow2"]);
        assert_eq!(surplus(&all, &BTreeSet::new()).len(), 7, "what is not ours stays");
    }
}
