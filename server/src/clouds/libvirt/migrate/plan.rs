//! What is said to libvirt to migrate a machine: the definition that it gets at the target. Pure.

use super::super::{
    inventory::domain::{child, devices},
    machines::{Edits, interface},
    meta::escape,
    sink::{names, pools},
    source::plan::holds_data,
};
use crate::clouds::{
    MigrateRequest,
    error::{Error, Result},
};
use model::{Problem, Severity, cloud::Pool};
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By disk: the pool that it lies in.
pub type Pools = BTreeMap<String, String>;

/// Where and how a host takes machines in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// libvirt, as the peer reaches it.
    pub uri: String,
    /// Memory and disks.
    pub data: String,
    pub host: String,
    pub tls: bool,
    pub pools: Vec<Pool>,
}

impl Endpoint {
    /// # Errors
    /// Not one of this driver.
    pub fn parse(value: &serde_json::Value) -> Result<Self> {
        serde_json::from_value(value.clone()).map_err(|error| Error::permanent(format!("This is no libvirt host to migrate to: {error}")))
    }
}

/// The same machine with its disks and networks at the target.
///
/// # Errors
/// What cannot come along, in words.
pub fn rewrite(xml: &str, request: &MigrateRequest, endpoint: &Endpoint, from: &Pools) -> std::result::Result<String, String> {
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let mut edits = Edits::default();
    for node in devices(root, "disk").filter(|node| holds_data(*node)) {
        let file = file(node, request, endpoint, from)?;
        let source = child(node, "source").ok_or("a disk has no source")?;
        edits.replace(source, format!("<source file='{}'/>", escape(&file)));
        // It arrives as one file, without what it is based on here.
        for below in ["backingStore", "mirror"] {
            node.children().filter(|one| one.tag_name().name() == below).for_each(|one| edits.cut(one));
        }
    }
    devices(root, "interface").for_each(|node| interface(node, &request.networks, &mut edits));
    Ok(edits.apply(xml))
}

/// A new file in the pool that its own is mapped to.
fn file(node: Node<'_, '_>, request: &MigrateRequest, endpoint: &Endpoint, from: &Pools) -> std::result::Result<String, String> {
    let key = child(node, "target").and_then(|one| one.attribute("dev")).ok_or("a disk has no target")?;
    child(node, "source").and_then(|one| one.attribute("file")).ok_or_else(|| format!("disk {key} is no file"))?;
    let pool = pools::choose(&endpoint.pools, from.get(key).map(String::as_str), &request.storage).map_err(|error| error.message)?;
    let folder = pool.path.as_deref().ok_or_else(|| format!("the pool {} has no folder", pool.name))?;
    let name = names::machine_disk(&request.lineage, &request.token, key);
    let format = child(node, "driver").and_then(|one| one.attribute("type")).unwrap_or("raw");
    Ok(format!("{}/{}.{format}", folder.trim_end_matches('/'), name.trim_end_matches(".qcow2")))
}

/// What the names of all files begin with that a request makes.
pub fn files(lineage: &str, token: &str) -> String {
    names::machine_disk(lineage, token, "").trim_end_matches(".qcow2").to_owned()
}

pub fn problems(xml: &str, name: &str, request: &MigrateRequest, endpoint: &Endpoint, from: &Pools) -> Vec<Problem> {
    let mut found = vec![];
    let mut blocks = |what: String, remedy: &str| found.push(Problem::new(Severity::Critical, name, what, remedy));
    let Ok(document) = Document::parse(xml) else {
        blocks("Its definition cannot be read.".into(), "Look at it at its host.");
        return found;
    };
    let root = document.root_element();
    for disk in devices(root, "disk") {
        let target = child(disk, "target").and_then(|one| one.attribute("dev")).unwrap_or_default();
        let loaded = child(disk, "source").is_some();
        if holds_data(disk) && disk.attribute("type").unwrap_or("file") != "file" {
            blocks(format!("Disk {target} is no file: it cannot be sent while it is used."), "Move it warm.");
        } else if !holds_data(disk) && loaded {
            blocks(format!("A medium lies in its drive {target}, which the target does not have."), "Eject it, or move it warm.");
        }
    }
    if let Err(why) = rewrite(xml, request, endpoint, from) {
        blocks(format!("It cannot be sent: {why}."), "Move it warm.");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Mapping;

    const XML: &str = "<domain type='kvm' id='3'><name>a</name><uuid>u</uuid><devices>\
        <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/p/a.qcow2' index='1'/><backingStore type='file'><format type='qcow2'/><source file='/p/base'/><backingStore/></backingStore><target dev='vda' bus='virtio'/><alias name='d0'/></disk>\
        <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>\
        <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan' portid='x' bridge='br0'/><target dev='vnet0'/></interface></devices></domain>";

    fn request() -> MigrateRequest {
        MigrateRequest {
            token: "run.a.migrate".into(),
            lineage: "l".into(),
            native_id: "u".into(),
            endpoint: serde_json::Value::Null,
            networks: vec![Mapping { from: "lan".into(), to: "prod".into() }],
            storage: vec![Mapping { from: "images".into(), to: "fast".into() }],
        }
    }

    fn from() -> Pools {
        [("vda".to_owned(), "images".to_owned())].into()
    }

    fn endpoint() -> Endpoint {
        let pool = |name: &str| Pool {
            name: name.into(),
            active: true,
            kind: "dir".into(),
            path: Some(format!("/{name}/")),
            total_bytes: 1 << 40,
            free_bytes: 1 << 39,
        };
        Endpoint {
            uri: "qemu+tls://h/system".into(),
            data: "tcp://h".into(),
            host: "h".into(),
            tls: true,
            pools: vec![pool("images"), pool("fast")],
        }
    }

    #[test]
    fn disks_get_files_of_their_own_and_networks_their_names() {
        let out = rewrite(XML, &request(), &endpoint(), &from()).unwrap();
        let document = Document::parse(&out).unwrap();
        let root = document.root_element();
        let disk = devices(root, "disk").next().unwrap();
        assert_eq!(child(disk, "source").unwrap().attribute("file"), Some("/fast/crossfade-l-m-run_a_migrate-vda.qcow2"));
        assert!(child(disk, "backingStore").is_none() && child(disk, "alias").is_some());
        let nic = devices(root, "interface").next().unwrap();
        assert_eq!(child(nic, "source").unwrap().attribute("network"), Some("prod"));
        assert!(child(nic, "target").is_none(), "the host's own name of the card");
        assert!(problems(XML, "a", &request(), &endpoint(), &from()).is_empty());
    }

    #[test]
    fn what_cannot_come_along_is_named() {
        let block = XML.replace("type='file' device='disk'", "type='block' device='disk'").replace("file='/p/a.qcow2'", "dev='/dev/x'");
        assert!(problems(&block, "a", &request(), &endpoint(), &from())[0].what.contains("vda"));
        let loaded = XML.replace("<target dev='sda'", "<source file='/x.iso'/><target dev='sda'");
        assert!(problems(&loaded, "a", &request(), &endpoint(), &from())[0].what.contains("medium"));
        let none = Endpoint { pools: vec![], ..endpoint() };
        assert!(problems(XML, "a", &request(), &none, &from())[0].blocks());
    }
}
