//! What Crossfade writes into a domain's `<metadata>`, and what it reads there. Pure.

use crate::clouds::{GuestNetwork, Origin};
use roxmltree::Node;
use std::collections::BTreeMap;

/// Our namespaces begin with it. libvirt keeps only the first element of each namespace, so every one of ours has its
/// own: `…/1` for tags (written by people), the following for what this driver writes.
pub const NS: &str = "https://crossfade.dev/libvirt/";
pub const LOCK_NS: &str = "https://crossfade.dev/libvirt/lock/1";
pub const MACHINE_NS: &str = "https://crossfade.dev/libvirt/machine/1";
/// Addresses that a machine was given, in the place of those that people wrote.
pub const ADDRESSES_NS: &str = "https://crossfade.dev/libvirt/addresses/1";
/// What a machine is at other kinds of cloud.
pub const ORIGINS_NS: &str = "https://crossfade.dev/libvirt/origins/1";
pub const HELPER_NS: &str = "https://crossfade.dev/libvirt/helper/1";
/// A file that never exists: what keeps a locked machine from starting, and says why in libvirt's own error.
pub const LOCK_FOLDER: &str = "/crossfade-locked/";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    pub tags: Vec<String>,
    pub guest_os: Option<String>,
    /// By MAC.
    pub addresses: BTreeMap<String, Vec<String>>,
    pub locked: Option<String>,
    /// The request that made it.
    pub token: Option<String>,
    pub lineage: Option<String>,
    /// What its guest was told of its network when it was made.
    pub guest: Option<GuestNetwork>,
    /// What it is at other kinds of cloud.
    pub origins: Vec<Origin>,
    /// Not a machine but a tool of this driver.
    pub helper: bool,
}

pub fn is_lock(source: &str) -> bool {
    source.starts_with(LOCK_FOLDER)
}

pub fn read(root: Node<'_, '_>) -> Meta {
    let mut meta = Meta::default();
    let Some(metadata) = root.children().find(|one| one.tag_name().name() == "metadata") else { return meta };
    for node in metadata.descendants().filter(Node::is_element) {
        let ours = node.tag_name().namespace().is_some_and(|ns| ns.starts_with(NS));
        match node.tag_name().name() {
            "tags" => meta.tags.extend(words(node)),
            "tag" => meta.tags.extend(words(node)),
            "os" => meta.guest_os = node.attribute("id").map(str::to_owned),
            "address" if ours => address(node, &mut meta),
            "lock" if ours => meta.locked = node.attribute("reason").map(str::to_owned),
            "origins" if ours => meta.origins = node.text().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            "helper" if ours => meta.helper = true,
            "machine" if ours => {
                meta.token = node.attribute("token").map(str::to_owned);
                meta.lineage = node.attribute("lineage").map(str::to_owned);
                meta.guest = node.attribute("guest").and_then(|text| serde_json::from_str(text).ok());
            }
            _ => {}
        }
    }
    meta
}

/// Any tool's tags: separated by commas or lines.
fn words<'a>(node: Node<'a, '_>) -> impl Iterator<Item = String> + 'a {
    node.text().unwrap_or_default().split([',', '\n']).map(|word| word.trim().to_owned()).filter(|word| !word.is_empty())
}

fn address(node: Node<'_, '_>, meta: &mut Meta) {
    if let (Some(mac), Some(ip)) = (node.attribute("mac"), node.attribute("ip")) {
        meta.addresses.entry(mac.to_lowercase()).or_default().push(ip.to_owned());
    }
}

/// For text in XML, in elements and attributes alike.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&apos;",
            // XML 1.0 has no way to write these.
            c if c.is_control() && !matches!(c, '\n' | '\t') => {}
            c => out.push(c),
        }
    }
    out
}
