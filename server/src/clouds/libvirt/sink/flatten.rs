//! A point without anything below it: the host itself copies the chain into one file.

use super::{
    super::sys::Conn,
    chain,
    names::{self, Point, PointDisk},
    point,
};
use crate::clouds::error::{Error, Result};

/// Answers the new point; the old one stays until it is deleted.
///
/// # Errors
/// libvirt's; `Full`.
pub fn flatten(conn: &Conn, old: &Point) -> Result<Point> {
    let token = format!("{}-f", old.token);
    let mut new = Point { token: token.clone(), disks: vec![], ..old.clone() };
    for disk in &old.disks {
        new.disks.push(copy(conn, &old.lineage, &token, disk)?);
    }
    point::complete(conn, &new)?;
    Ok(new)
}

fn copy(conn: &Conn, lineage: &str, token: &str, old: &PointDisk) -> Result<PointDisk> {
    let pool = conn.pool(&old.pool)?;
    let name = names::volume(lineage, token, &old.key);
    let source = pool.volume(&old.volume)?;
    // Taken for raw, the topmost file alone would be copied, as if it were the disk.
    if !chain::is_qcow2(&source.xml()?) {
        pool.refresh()?;
        if !chain::is_qcow2(&source.xml()?) {
            return Err(Error::transient(format!("libvirt does not know {} as qcow2 yet.", old.volume)));
        }
    }
    // Left by an attempt that was interrupted: nobody knows whether it is whole.
    match pool.volume(&name) {
        Ok(left) => left.delete()?,
        Err(fault) if fault.is_missing() => {}
        Err(fault) => return Err(fault.into()),
    }
    let xml = format!(
        "<volume><name>{name}</name><capacity unit='bytes'>{}</capacity><allocation>0</allocation><target><format type='qcow2'/></target></volume>",
        old.size
    );
    let made = pool.create_from(&xml, &source, 0)?;
    Ok(PointDisk { volume: name, path: made.path()?, ..old.clone() })
}
