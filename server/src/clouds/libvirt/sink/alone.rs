//! A point without anything below it: the host itself copies the chain into one file.

use super::{super::sys::Conn, chain, names::PointDisk};
use crate::clouds::error::{Error, Result};

/// Makes `new` with the content of `old` and of all that it is based on.
///
/// # Errors
/// libvirt's; `Full`.
pub fn copy(conn: &Conn, old: &PointDisk, new: &PointDisk) -> Result<()> {
    let pool = conn.pool(&old.pool)?;
    let source = pool.volume(&old.volume)?;
    // Taken for raw, the topmost file alone would be copied, as if it were the disk.
    if !chain::is_qcow2(&source.xml()?) {
        pool.refresh()?;
        if !chain::is_qcow2(&source.xml()?) {
            return Err(Error::transient(format!("libvirt does not know {} as qcow2 yet.", old.volume)));
        }
    }
    let xml = format!(
        "<volume><name>{}</name><capacity unit='bytes'>{}</capacity><allocation>0</allocation><target><format type='qcow2'/></target></volume>",
        new.volume, old.size
    );
    Ok(pool.create_from(&xml, &source, 0).map(drop)?)
}
