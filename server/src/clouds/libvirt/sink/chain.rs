//! Which volume is based on which.

use super::{
    super::{
        inventory::domain::{path, text},
        sys::Conn,
    },
    names, pools,
};
use crate::clouds::error::Result;
use roxmltree::Document;
use std::collections::{BTreeMap, BTreeSet};

/// One file of a lineage, a point's or a machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub pool: String,
    pub name: String,
    pub path: String,
    /// Path of what it is based on.
    pub backing: Option<String>,
}

/// All files of a lineage as they really are: the pools are read again first.
///
/// # Errors
/// libvirt's.
pub fn read(conn: &Conn, lineage: &str) -> Result<Vec<Link>> {
    pools::refresh(conn)?;
    let mut all = vec![];
    for (pool, volume) in pools::family(conn, &names::family(lineage))? {
        match volume.xml() {
            Ok(xml) => all.extend(link(&pool, &xml)),
            Err(fault) if fault.is_missing() => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(all)
}

/// Of a volume's XML.
pub fn is_qcow2(xml: &str) -> bool {
    let Ok(document) = Document::parse(xml) else { return false };
    path(document.root_element(), &["target", "format"]).and_then(|node| node.attribute("type")) == Some("qcow2")
}

fn link(pool: &str, xml: &str) -> Option<Link> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let file = path(root, &["target", "path"])?.text()?.to_owned();
    let backing = path(root, &["backingStore", "path"]).and_then(|node| node.text()).map(|name| absolute(&file, name));
    Some(Link { pool: pool.to_owned(), name: text(root, "name")?, path: file, backing })
}

/// A backing file may be named relative to the file above it.
fn absolute(above: &str, name: &str) -> String {
    match (name.starts_with('/'), above.rsplit_once('/')) {
        (false, Some((folder, _))) => format!("{folder}/{name}"),
        _ => name.to_owned(),
    }
}

/// Paths of everything that `roots` (paths) are based on, themselves included.
pub fn needed(all: &[Link], roots: impl Iterator<Item = String>) -> BTreeSet<String> {
    let below: BTreeMap<&str, &str> = all.iter().filter_map(|one| Some((one.path.as_str(), one.backing.as_deref()?))).collect();
    let mut found = BTreeSet::new();
    for root in roots {
        let mut next = Some(root.as_str());
        while let Some(path) = next.filter(|path| !found.contains(*path)) {
            found.insert(path.to_owned());
            next = below.get(path).copied();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(path: &str, backing: Option<&str>) -> Link {
        Link { pool: "p".into(), name: path[1..].into(), path: path.into(), backing: backing.map(str::to_owned) }
    }

    #[test]
    fn what_a_point_is_based_on_is_needed_and_a_ring_does_no_harm() {
        let all =
            [one("/a", None), one("/b", Some("/a")), one("/c", Some("/b")), one("/d", None), one("/x", Some("/y")), one("/y", Some("/x"))];
        let found = needed(&all, ["/c".to_owned(), "/x".to_owned()].into_iter());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["/a", "/b", "/c", "/x", "/y"]);
    }

    #[test]
    fn a_relative_backing_file_lies_beside() {
        let xml = "<volume><name>b</name><target><path>/p/b</path></target><backingStore><path>a</path></backingStore></volume>";
        assert_eq!(link("p", xml).unwrap().backing.as_deref(), Some("/p/a"));
    }
}
