//! Making the hypervisor itself refuse to start a machine: a disk whose file does not exist, and whose name says why.
//!
//! Whoever starts it, by any tool, reads `Cannot access storage file '/crossfade-locked/moved-to-dublin'`. Pure.

use super::{
    inventory::domain::devices,
    meta::{LOCK_FOLDER, LOCK_NS, escape, is_lock},
};
use roxmltree::{Document, Node};
use std::ops::Range;

/// # Errors
/// The XML cannot be read.
pub fn lock(xml: &str, reason: &str) -> Result<String, roxmltree::Error> {
    // A lock that is there already gives way, so that the reason is the newest.
    let xml = unlock(xml)?;
    let document = Document::parse(&xml)?;
    let root = document.root_element();
    let marker = format!(
        "<crossfade:lock xmlns:crossfade=\"{LOCK_NS}\" reason=\"{}\" controllers=\"{}\"/>",
        escape(reason),
        escape(&controllers(root).join(" "))
    );
    let disk = format!(
        "<disk type='file' device='disk'><source file='{LOCK_FOLDER}{}' startupPolicy='mandatory'/><target dev='{}' bus='virtio'/><readonly/></disk>",
        slug(reason),
        free_target(root)
    );
    Ok(insert(&xml, root, &marker, &disk))
}

/// # Errors
/// The XML cannot be read.
pub fn unlock(xml: &str) -> Result<String, roxmltree::Error> {
    let document = Document::parse(xml)?;
    let root = document.root_element();
    let marker = root.descendants().find(|one| one.tag_name().namespace() == Some(LOCK_NS) && one.tag_name().name() == "lock");
    let mut cut: Vec<Range<usize>> = devices(root, "disk").filter(|disk| is_lock_disk(*disk)).map(|disk| disk.range()).collect();
    if let Some(marker) = marker {
        cut.push(marker.range());
        let before: Vec<&str> = marker.attribute("controllers").unwrap_or_default().split(' ').collect();
        // libvirt may have given the lock's disk a controller: the machine gets its old hardware back.
        let added = devices(root, "controller").filter(|one| !before.contains(&controller(*one).as_str()));
        cut.extend(added.map(|one| one.range()));
    }
    cut.sort_by_key(|range| std::cmp::Reverse(range.start));
    let mut out = xml.to_owned();
    cut.into_iter().for_each(|range| out.replace_range(range, ""));
    Ok(out)
}

pub fn is_lock_disk(disk: Node<'_, '_>) -> bool {
    let source = disk.children().find(|one| one.tag_name().name() == "source");
    source.and_then(|one| one.attribute("file")).is_some_and(is_lock)
}

fn insert(xml: &str, root: Node<'_, '_>, marker: &str, disk: &str) -> String {
    let devices = root.children().find(|one| one.tag_name().name() == "devices");
    let metadata = root.children().find(|one| one.tag_name().name() == "metadata");
    let mut out = xml.to_owned();
    // Back to front, so that positions stay true.
    match devices {
        Some(node) => out.insert_str(inner_end(xml, node), disk),
        None => out.insert_str(inner_end(xml, root), &format!("<devices>{disk}</devices>")),
    }
    match metadata {
        Some(node) if xml[node.range()].ends_with("</metadata>") => out.insert_str(inner_end(xml, node), marker),
        Some(node) => out.replace_range(node.range(), &format!("<metadata>{marker}</metadata>")),
        None => {
            let at = devices.map_or_else(|| inner_end(xml, root), |node| node.range().start);
            out.insert_str(at, &format!("<metadata>{marker}</metadata>\n  "));
        }
    }
    out
}

/// Where the closing tag of an element begins.
fn inner_end(xml: &str, node: Node<'_, '_>) -> usize {
    let range = node.range();
    range.start + xml[range].rfind("</").unwrap_or(0)
}

fn controllers(root: Node<'_, '_>) -> Vec<String> {
    let Some(list) = root.children().find(|one| one.tag_name().name() == "devices") else { return vec![] };
    list.children().filter(|one| one.tag_name().name() == "controller").map(controller).collect()
}

fn controller(node: Node<'_, '_>) -> String {
    format!("{}:{}", node.attribute("type").unwrap_or_default(), node.attribute("index").unwrap_or_default())
}

fn free_target(root: Node<'_, '_>) -> String {
    let taken = |name: &str| root.descendants().any(|one| one.tag_name().name() == "target" && one.attribute("dev") == Some(name));
    ('a'..='z').rev().map(|last| format!("vdz{last}")).find(|name| !taken(name)).unwrap_or_else(|| "vdzzz".into())
}

fn slug(reason: &str) -> String {
    let plain: String = reason.to_lowercase().chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    let mut slug = words.join("-");
    slug.truncate(100);
    if slug.is_empty() { "locked".into() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<domain type='kvm'>\n  <name>a</name>\n  <metadata>\n    <x:y xmlns:x='urn:x'/>\n  </metadata>\n  <devices>\n    \
        <disk type='file' device='disk'><source file='/a.qcow2'/><target dev='vda' bus='virtio'/></disk>\n    <controller type='pci' index='0' model='pcie-root'/>\n  </devices>\n</domain>";

    #[test]
    fn unlock_gives_back_what_lock_took() {
        let locked = lock(XML, "Moved to Dublin").unwrap();
        assert!(locked.contains("file='/crossfade-locked/moved-to-dublin'"), "{locked}");
        assert_eq!(unlock(&locked).unwrap(), XML);
        assert_eq!(lock(&locked, "Moved to Dublin").unwrap(), locked);
    }

    #[test]
    fn a_controller_that_came_with_the_lock_goes_with_it() {
        let locked = lock(XML, "x").unwrap().replace("</devices>", "<controller type='pci' index='1' model='pcie-root-port'/></devices>");
        assert_eq!(unlock(&locked).unwrap(), XML);
    }

    #[test]
    fn a_machine_without_metadata_can_be_locked() {
        for bare in [
            XML.replace("<metadata>\n    <x:y xmlns:x='urn:x'/>\n  </metadata>\n  ", ""),
            XML.replace("<metadata>\n    <x:y xmlns:x='urn:x'/>\n  </metadata>", "<metadata/>"),
        ] {
            let locked = lock(&bare, "a \"quoted\" <reason> & more").unwrap();
            let root = Document::parse(&locked).unwrap();
            assert_eq!(super::super::meta::read(root.root_element()).locked.as_deref(), Some("a \"quoted\" <reason> & more"));
        }
    }
}
