//! The reader: how the disks of a *stopped* machine are read, with its dirty bitmaps.
//!
//! QEMU serves backups only while it runs, and a source is never started. So a transient helper gets the same disks:
//! paused from its first instant and never resumed, no network, 32 MiB, nothing to boot from, gone with this node's
//! connection. QEMU's image lock keeps the machine itself from being started meanwhile. The helper is hidden from the
//! inventory by its metadata. That a bitmap outlives a shutdown is what makes the last delta of a move small.

use super::{
    source::plan::{self, PREFIX, SourceDisk},
    sys::{Conn, Domain, Fault, R, raw},
};
use crate::clouds::error::{Error, Result};

pub fn name(uuid: &str) -> String {
    format!("crossfade-reader-{uuid}")
}

/// Ends a reader of this machine, if there is one.
///
/// # Errors
/// libvirt's.
pub fn remove(conn: &Conn, uuid: &str) -> R<()> {
    match conn.domain_by_name(&name(uuid)).and_then(|helper| helper.destroy(0)) {
        Err(fault) if !fault.is_missing() => Err(fault),
        _ => Ok(()),
    }
}

/// Starts the reader of a stopped machine and tells it which bitmaps are in the disks.
///
/// # Errors
/// libvirt's; `Transient` when the disks are in use.
pub fn start(conn: &Conn, machine: &Domain, disks: &[SourceDisk]) -> Result<Domain> {
    let uuid = machine.uuid()?;
    remove(conn, &uuid)?;
    let xml = plan::helper_xml(&name(&uuid), "Reads the disks of a stopped machine for Crossfade", &uuid, &machine.inactive_xml()?, disks)
        .map_err(Error::permanent)?;
    let flags = raw::VIR_DOMAIN_START_PAUSED | raw::VIR_DOMAIN_START_AUTODESTROY;
    let reader = conn.create_transient(&xml, flags).map_err(|fault| in_use(machine, fault))?;
    let told = tell(machine, &reader);
    if told.is_err() {
        // It would go with the connection anyway.
        let _ = reader.destroy(0);
    }
    told.map(|()| reader)
}

fn in_use(machine: &Domain, fault: Fault) -> Error {
    if fault.says(" lock") {
        return Error::transient(format!("The disks of {} are in use by another process: {}", machine.name(), fault.message));
    }
    fault.into()
}

fn tell(machine: &Domain, reader: &Domain) -> Result<()> {
    let own = reader.xml(0)?;
    for one in machine.checkpoints()?.iter().filter(|one| one.name().starts_with(PREFIX)) {
        let xml = plan::redefined(&one.xml()?, &own).map_err(Error::permanent)?;
        reader.redefine_checkpoint(&xml)?;
    }
    Ok(())
}
