//! Which pool a disk goes to, and whether there is room.

use super::super::{
    inventory::resources,
    probe::is_files,
    sys::{Conn, Volume},
};
use crate::clouds::error::{Error, Kind, Result};
use model::{Mapping, cloud::Pool};

/// The pool that `from` is mapped to, else the pool of the same name, else the first that can be used.
///
/// # Errors
/// `NotFound` or `Unsupported`, in words.
pub fn choose<'a>(pools: &'a [Pool], from: Option<&str>, mapping: &[Mapping]) -> Result<&'a Pool> {
    let usable = |pool: &&Pool| pool.active && is_files(&pool.kind);
    if let Some(to) = from.and_then(|from| mapping.iter().find(|one| one.from == from)).map(|one| one.to.as_str()) {
        let pool = pools
            .iter()
            .find(|pool| pool.name == to)
            .ok_or_else(|| Error::not_found(format!("There is no storage pool '{to}' at the target.")))?;
        return Some(pool).filter(usable).ok_or_else(|| {
            Error::new(
                Kind::Unsupported,
                format!(
                    "The storage pool '{to}' cannot keep recovery points: it must be active and of type dir, fs or netfs (it is {}).",
                    pool.kind
                ),
            )
        });
    }
    let same = pools.iter().filter(usable).find(|pool| Some(pool.name.as_str()) == from);
    same.or_else(|| pools.iter().find(usable))
        .ok_or_else(|| Error::not_found("The target has no active storage pool of type dir, fs or netfs."))
}

/// # Errors
/// libvirt's.
pub fn all(conn: &Conn) -> Result<Vec<Pool>> {
    Ok(resources::pools(conn)?)
}

/// # Errors
/// `Full`, with figures.
pub fn room(pool: &Pool, needed: u64) -> Result<()> {
    match needed <= pool.free_bytes {
        true => Ok(()),
        false => Err(Error::new(
            Kind::Full,
            format!(
                "The storage pool '{}' has {} MiB free; {} MiB are needed.",
                pool.name,
                pool.free_bytes >> 20,
                needed.div_ceil(1 << 20)
            ),
        )),
    }
}

/// Every volume of a family in every pool of files, with its pool's name.
///
/// # Errors
/// libvirt's.
pub fn family(conn: &Conn, prefix: &str) -> Result<Vec<(String, Volume)>> {
    let mut found = vec![];
    for pool in conn.pools()? {
        // A pool that is off, or vanished meanwhile, holds nothing that could be touched.
        let Ok(volumes) = pool.volumes() else { continue };
        found.extend(volumes.into_iter().filter(|volume| volume.name().starts_with(prefix)).map(|volume| (pool.name(), volume)));
    }
    Ok(found)
}

/// Makes libvirt see what is really in a pool: sizes, formats, backing files.
///
/// # Errors
/// libvirt's.
pub fn refresh(conn: &Conn) -> Result<()> {
    for pool in conn.pools()? {
        let Ok(info) = pool.info() else { continue };
        // One that is busy with another transfer refuses; what it knows is then as new as that.
        if info.active {
            let _ = pool.refresh();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(name: &str, kind: &str, active: bool) -> Pool {
        Pool { name: name.into(), active, kind: kind.into(), path: None, total_bytes: 10 << 20, free_bytes: 5 << 20 }
    }

    #[test]
    fn a_mapping_wins_then_the_same_name_then_any() {
        let pools = [pool("lvm", "logical", true), pool("off", "dir", false), pool("a", "dir", true), pool("b", "netfs", true)];
        let map = |from: &str, to: &str| Mapping { from: from.into(), to: to.into() };
        assert_eq!(choose(&pools, Some("x"), &[map("x", "b")]).unwrap().name, "b");
        assert_eq!(choose(&pools, Some("b"), &[]).unwrap().name, "b");
        assert_eq!(choose(&pools, Some("off"), &[]).unwrap().name, "a");
        assert_eq!(choose(&pools, None, &[]).unwrap().name, "a");
        assert_eq!(choose(&pools, Some("x"), &[map("x", "lvm")]).unwrap_err().kind, Kind::Unsupported);
        assert_eq!(choose(&pools, Some("x"), &[map("x", "nope")]).unwrap_err().kind, Kind::NotFound);
        assert_eq!(choose(&pools[..2], None, &[]).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn a_full_pool_says_how_much_is_missing() {
        let error = room(&pool("a", "dir", true), 6 << 20).unwrap_err();
        assert_eq!(error.kind, Kind::Full);
        assert!(error.message.contains("5 MiB free; 6 MiB"));
    }
}
