//! Making sure that a file is on the disk, not only in the host's memory.
//!
//! libvirt's streams and copies end when everything is in the page cache, so a power cut at the target within the next
//! half minute would tear a point that counts already. libvirt has no call for it; but a resize to the size that the
//! image has makes `qemu-img` write the head anew and then sync the whole file.

use super::{
    super::sys::{Conn, Fault},
    names::PointDisk,
};

pub fn to_disk(conn: &Conn, disk: &PointDisk) -> Result<(), Fault> {
    let volume = conn.pool(&disk.pool)?.volume(&disk.volume)?;
    match volume.resize(disk.size, 0) {
        // libvirt takes a file with every cluster in use for one that would shrink: its head makes it larger than its
        // disk. Such a point is only as safe as the host's own write-back, a matter of half a minute.
        Err(fault) if fault.says("below existing allocation") => {
            tracing::debug!(volume = disk.volume, "a full image cannot be synced by libvirt");
            Ok(())
        }
        other => other,
    }
}
