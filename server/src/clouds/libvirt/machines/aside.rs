//! Giving a stopped machine another name and identity, so that another copy of it can have its own.
//!
//! Its disks, its lock and its hardware stay; its cards get new addresses, so that nobody mistakes it for the other copy
//! should it ever be looked at running. Look, then ensure: each call may be the second.

use super::{
    super::{
        inventory::domain::{child, devices},
        reader,
        source::plan,
        sys::{Conn, Domain, raw},
    },
    edit::Edits,
};
use crate::clouds::error::{Error, Result};
use roxmltree::Document;

/// The new definition is made before the old one goes: killed in between, both name the same disks and neither runs.
///
/// # Errors
/// `NotFound`; `Conflict` for a machine that runs.
pub fn set_aside(conn: &Conn, uuid: &str, token: &str) -> Result<String> {
    let to = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, token.as_bytes()).hyphenated().to_string();
    let made = match conn.domain(&to) {
        Ok(made) => made,
        Err(fault) if fault.is_missing() => define(conn, &conn.domain(uuid)?, &to)?,
        Err(fault) => return Err(fault.into()),
    };
    match conn.domain(uuid) {
        // Another machine has that place by now.
        Ok(old) if !same_disks(&old, &made)? => {}
        Ok(old) => forget(conn, &old)?,
        Err(fault) if fault.is_missing() => {}
        Err(fault) => return Err(fault.into()),
    }
    Ok(to)
}

fn define(conn: &Conn, old: &Domain, to: &str) -> Result<Domain> {
    if old.is_active()? {
        return Err(Error::conflict(format!("{} runs; only a stopped machine can be set aside.", old.name())));
    }
    let name = format!("{}~{}", old.name(), &to[..8]);
    let xml = renamed(&old.inactive_xml()?, &name, to).map_err(Error::permanent)?;
    Ok(conn.define(&xml)?)
}

fn same_disks(one: &Domain, other: &Domain) -> Result<bool> {
    let files = |domain: &Domain| -> Result<Vec<String>> {
        Ok(plan::disks(&domain.inactive_xml()?).unwrap_or_default().into_iter().map(|disk| disk.path).collect())
    };
    let (one, other) = (files(one)?, files(other)?);
    Ok(!one.is_empty() && one == other)
}

/// Its definition only: the variables of its firmware belong to the new one as well.
fn forget(conn: &Conn, old: &Domain) -> Result<()> {
    if old.is_active()? {
        return Err(Error::conflict(format!("{} runs; only a stopped machine can be set aside.", old.name())));
    }
    reader::remove(conn, &old.uuid()?)?;
    let flags = raw::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | raw::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | raw::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | raw::VIR_DOMAIN_UNDEFINE_KEEP_NVRAM;
    Ok(old.undefine(flags)?)
}

fn renamed(xml: &str, name: &str, uuid: &str) -> std::result::Result<String, String> {
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let mut edits = Edits::default();
    edits.replace(child(root, "name").ok_or("it has no name")?, format!("<name>{}</name>", super::super::meta::escape(name)));
    edits.replace(child(root, "uuid").ok_or("it has no UUID")?, format!("<uuid>{uuid}</uuid>"));
    devices(root, "interface").filter_map(|nic| child(nic, "mac")).for_each(|mac| edits.cut(mac));
    // What made it is done: a look for that request must not find this one.
    let made = root.descendants().filter(|one| one.tag_name().namespace() == Some(super::super::meta::MACHINE_NS));
    made.for_each(|one| edits.cut(one));
    // The guest's own view of its identity follows the definition's.
    let identity = root.descendants().filter(|one| one.tag_name().name() == "entry" && one.attribute("name") == Some("uuid"));
    identity.for_each(|one| edits.cut(one));
    Ok(edits.apply(xml))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::libvirt::{lock, meta};

    const XML: &str = "<domain type='kvm'><name>db1</name><uuid>11111111-1111-1111-1111-111111111111</uuid><metadata>\
        <crossfade:machine xmlns:crossfade=\"https://crossfade.dev/libvirt/machine/1\" token=\"t\" lineage=\"l\"/></metadata><devices>\
        <disk type='file' device='disk'><driver type='qcow2'/><source file='/p/a'/><target dev='vda' bus='virtio'/></disk>\
        <interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/></interface></devices></domain>";

    #[test]
    fn name_identity_and_cards_are_new_and_disks_and_lock_stay() {
        let locked = lock::lock(XML, "Moved to Dublin").unwrap();
        let aside = renamed(&locked, "db1~2222", "22222222-2222-2222-2222-222222222222").unwrap();
        assert!(aside.contains("<name>db1~2222</name>") && aside.contains("<uuid>22222222"), "{aside}");
        assert!(!aside.contains("11111111-1111") && !aside.contains("52:54:00:00:00:01"), "{aside}");
        assert_eq!(plan::disks(&aside).unwrap()[0].path, "/p/a");
        let document = Document::parse(&aside).unwrap();
        let meta = meta::read(document.root_element());
        assert_eq!(meta.locked.as_deref(), Some("Moved to Dublin"));
        assert_eq!(meta.token, None, "a look for the request that made it must not find it");
    }
}
