//! The reader: how the disks of a *stopped* machine are read, with its dirty bitmaps.
//!
//! QEMU serves backups only while it runs, and a source is never started. So a transient helper gets the same disks:
//! paused from its first instant and never resumed, no network, 16 MiB, nothing to boot from. QEMU's image lock keeps
//! the machine itself from being started meanwhile. The helper is hidden from the inventory by its metadata.

use super::sys::{Conn, Fault};

pub fn name(uuid: &str) -> String {
    format!("crossfade-reader-{uuid}")
}

/// Ends a reader of this machine, if there is one.
///
/// # Errors
/// libvirt's.
pub fn remove(conn: &Conn, uuid: &str) -> Result<(), Fault> {
    match conn.domain_by_name(&name(uuid)).and_then(|helper| helper.destroy(0)) {
        Err(fault) if !fault.is_missing() => Err(fault),
        _ => Ok(()),
    }
}
