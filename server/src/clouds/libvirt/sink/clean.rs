//! Removing points: what was never finished, what nobody needs, one by name.

use super::{
    super::sys::{Conn, Fault, R, raw},
    chain, names,
    names::Point,
    pools,
};
use crate::clouds::error::{Error, Result};
use std::collections::BTreeSet;

/// Files of points of this lineage that have no marker.
///
/// # Errors
/// libvirt's.
pub fn unfinished(conn: &Conn, lineage: &str) -> Result<()> {
    let all = pools::family(conn, &names::points(lineage))?;
    let present: BTreeSet<String> = all.iter().map(|(_, volume)| volume.name()).collect();
    for (_, volume) in all {
        let name = volume.name();
        if names::marker_of(lineage, &name).is_some_and(|marker| !present.contains(&marker)) {
            gone(volume.delete())?;
        }
    }
    Ok(())
}

/// # Errors
/// `Conflict` when something is based on it.
pub fn delete(conn: &Conn, point: &Point) -> Result<()> {
    let own: BTreeSet<&str> = point.disks.iter().map(|disk| disk.path.as_str()).collect();
    let links = chain::read(conn, &point.lineage)?;
    if let Some(above) = links.iter().find(|one| one.backing.as_deref().is_some_and(|path| own.contains(path))) {
        return Err(Error::conflict(format!("{} is based on this recovery point.", above.name)));
    }
    Ok(remove_point(conn, point)?)
}

/// The marker first: killed in between, the rest is an unfinished point.
///
/// # Errors
/// libvirt's.
pub fn remove_point(conn: &Conn, point: &Point) -> R<()> {
    remove(conn, &point.pool, &point.marker())?;
    point.disks.iter().try_for_each(|disk| remove(conn, &disk.pool, &disk.volume))
}

/// # Errors
/// libvirt's.
pub fn tidy(conn: &Conn, lineage: &str, keep: &[Point]) -> Result<()> {
    let links = chain::read(conn, lineage)?;
    let machines = links.iter().filter(|one| !one.name.starts_with(&names::points(lineage)));
    let roots = keep.iter().flat_map(|point| point.disks.iter().map(|disk| disk.path.clone())).chain(machines.map(|one| one.path.clone()));
    let needed = chain::needed(&links, roots);
    let stay: BTreeSet<String> =
        links.iter().filter(|one| needed.contains(&one.path)).filter_map(|one| names::marker_of(lineage, &one.name)).collect();
    let of_points = || links.iter().filter(|one| one.name.starts_with(&names::points(lineage)));
    for marker in of_points().filter(|one| one.name.ends_with(".complete") && !stay.contains(&one.name)) {
        remove(conn, &marker.pool, &marker.name)?;
    }
    for volume in of_points().filter(|one| one.name.ends_with(".qcow2") && !needed.contains(&one.path)) {
        remove(conn, &volume.pool, &volume.name)?;
    }
    Ok(())
}

fn remove(conn: &Conn, pool: &str, name: &str) -> R<()> {
    gone(conn.pool(pool).and_then(|pool| pool.volume(name)).and_then(|volume| volume.delete()))
}

/// Gone already is fine, also where libvirt's own list was behind.
fn gone(done: R<()>) -> R<()> {
    let missing = |fault: &Fault| fault.is_missing() || (fault.is(raw::VIR_ERR_SYSTEM_ERROR) && fault.says("No such file"));
    match done {
        Err(fault) if missing(&fault) => Ok(()),
        other => other,
    }
}
