//! A point made anew under another name, resting further down. Its earlier form and all below stay as they are.
//!
//! Killed at any instant, what was begun has no marker: the next cycle finds it by its name and removes it.

use super::{
    super::sys::Conn,
    alone, clean, merge,
    names::{self, Point, PointDisk},
    point, rest,
};
use crate::clouds::{
    Shortened,
    error::{Error, Result},
};

/// # Errors
/// libvirt's; `Full`.
pub fn shorten(conn: &Conn, chain: &[Point]) -> Result<Shortened> {
    let Some(old) = chain.first() else { return Err(Error::permanent("A chain without points cannot be shortened.")) };
    let on = rest::rests_on(&sizes(conn, chain)?);
    let new = renamed(old);
    // Left by an attempt that was interrupted: nobody knows whether it is whole.
    merge::end(conn, &old.lineage)?;
    clean::remove_point(conn, &new)?;
    let made = match on.and_then(|index| chain.get(index)) {
        Some(below) => merge::merge(conn, old, &new, below),
        None => old.disks.iter().zip(&new.disks).try_for_each(|(old, new)| alone::copy(conn, old, new)),
    };
    if let Err(error) = made.and_then(|()| point::complete(conn, &new)) {
        // The first error is the one to tell.
        let _ = clean::remove_point(conn, &new);
        return Err(error);
    }
    Ok(Shortened { point: new.reference(), on })
}

/// Bytes of each point's files.
fn sizes(conn: &Conn, chain: &[Point]) -> Result<Vec<u64>> {
    let of_disk = |disk: &PointDisk| Ok::<_, Error>(conn.pool(&disk.pool)?.volume(&disk.volume)?.sizes()?.1);
    chain.iter().map(|point| point.disks.iter().map(of_disk).sum::<Result<u64>>()).collect()
}

fn renamed(old: &Point) -> Point {
    let token = format!("{}-f", old.token);
    let disk = |disk: &PointDisk| {
        let volume = names::volume(&old.lineage, &token, &disk.key);
        let folder = disk.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        PointDisk { path: format!("{folder}/{volume}"), volume, ..disk.clone() }
    };
    Point { disks: old.disks.iter().map(disk).collect(), token: token.clone(), ..old.clone() }
}
