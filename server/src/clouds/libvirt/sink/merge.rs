//! Several deltas in one: an empty file on top of a point takes in, at the host itself, all that lies above a lower one,
//! and is then based on that. What it costs goes by what these deltas hold.
//!
//! libvirt does this only for the disk of a running machine, so a helper has the new file as its disk: paused from its
//! first instant and never resumed, no network, gone with this node's connection. It only reads the points.

use super::{
    super::{
        source::plan::{self, SourceDisk},
        sys::{Conn, Domain, Fault, R, raw},
    },
    chain,
    names::{Point, PointDisk},
    point,
};
use crate::clouds::error::{Error, Result};
use std::time::Duration;

/// Between two looks at how far it is.
const LOOK: Duration = Duration::from_millis(15);

/// Makes `new`, which shows the same as `old` and is based on `below`.
///
/// # Errors
/// libvirt's; `Full`.
pub fn merge(conn: &Conn, old: &Point, new: &Point, below: &Point) -> Result<()> {
    for (disk, from) in new.disks.iter().zip(&old.disks) {
        // By its name only, as the points below: a pool may be moved.
        point::make(conn, disk, Some(&from.volume))?;
    }
    let helper = start(conn, new)?;
    let pulled = new.disks.iter().try_for_each(|disk| pull(&helper, disk, point::disk_of(below, &disk.key)?));
    // It goes with the connection otherwise.
    let ended = helper.destroy(0);
    pulled?;
    ended?;
    look(conn, new, below)
}

fn name(lineage: &str) -> String {
    format!("crossfade-merge-{}", plan::plain(lineage))
}

/// Ends a helper that an interrupted attempt left.
///
/// # Errors
/// libvirt's.
pub fn end(conn: &Conn, lineage: &str) -> R<()> {
    match conn.domain_by_name(&name(lineage)).and_then(|helper| helper.destroy(0)) {
        Err(fault) if !fault.is_missing() => Err(fault),
        _ => Ok(()),
    }
}

fn start(conn: &Conn, new: &Point) -> Result<Domain> {
    // It computes nothing: emulation does, wherever the host has it.
    let kind = if conn.capabilities()?.contains("<domain type='qemu'") { "qemu" } else { "kvm" };
    let like = format!("<domain type='{kind}'><os><type>hvm</type></os></domain>");
    let disk =
        |disk: &PointDisk| SourceDisk { key: disk.key.clone(), path: disk.path.clone(), kind: "file".into(), format: "qcow2".into() };
    let disks: Vec<SourceDisk> = new.disks.iter().map(disk).collect();
    let title = "Merges recovery points for Crossfade";
    let xml = plan::helper_xml(&name(&new.lineage), title, &new.lineage, &like, &disks).map_err(Error::permanent)?;
    Ok(conn.create_transient(&xml, raw::VIR_DOMAIN_START_PAUSED | raw::VIR_DOMAIN_START_AUTODESTROY)?)
}

fn pull(helper: &Domain, disk: &PointDisk, below: &PointDisk) -> Result<()> {
    helper.pull(&disk.key, &below.path)?;
    while helper.has_block_job(&disk.key)? {
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Read back from the files themselves: a job that failed leaves them based on the earlier form.
fn look(conn: &Conn, new: &Point, below: &Point) -> Result<()> {
    let links = chain::read(conn, &new.lineage)?;
    for disk in &new.disks {
        let wanted = point::disk_of(below, &disk.key)?;
        let found = links.iter().find(|link| link.path == disk.path).and_then(|link| link.backing.as_deref());
        if found != Some(wanted.path.as_str()) {
            return Err(Fault::ours(&format!("merging recovery points into {} did not come to its end", disk.volume)).into());
        }
    }
    Ok(())
}
