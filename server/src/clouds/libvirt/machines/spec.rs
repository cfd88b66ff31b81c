//! All that is needed to make a machine again. Pure.

use super::super::{
    inventory::domain::{self, Facts, text},
    lock, meta,
};
use crate::clouds::MachineSpec;
use roxmltree::Document;

/// Of an inactive definition; `facts` give sizes and pools.
///
/// # Errors
/// The XML cannot be read.
pub fn of(xml: &str, facts: &Facts) -> Result<MachineSpec, String> {
    let xml = lock::unlock(xml).map_err(|error| error.to_string())?;
    let seen = domain::observed(&xml, facts).map_err(|error| error.to_string())?.ok_or("it is a tool of Crossfade, not a machine")?;
    let document = Document::parse(&xml).map_err(|error| error.to_string())?;
    let (uuid, origins) = (text(document.root_element(), "uuid"), meta::read(document.root_element()).origins);
    Ok(MachineSpec {
        name: seen.name,
        uuid,
        vcpus: seen.vcpus,
        memory_mib: seen.memory_mib,
        firmware: seen.firmware,
        arch: seen.arch,
        guest_os: seen.guest_os,
        disks: seen.disks.into_iter().filter(|disk| matches!(disk.device.as_str(), "disk" | "lun") && !disk.read_only).collect(),
        nics: seen.nics,
        tags: seen.tags,
        title: seen.title,
        native_kind: "libvirt".into(),
        native: xml.clone(),
        origins,
    })
}
