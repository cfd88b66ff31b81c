//! Room beside the disks of a machine that runs.
//!
//! While a point is open QEMU saves what the guest overwrites into scratch files beside the disks. Where these find no
//! room the guest's own write fails, and a production machine stops because of its protection. So no point is opened
//! with little room, and one that is open is ended before the room is gone: the cycle is lost, never the machine.

use super::{
    super::{
        inventory::resources,
        sys::{Conn, Domain, Param, Pool},
    },
    plan::{self, SourceDisk},
};
use crate::clouds::error::{Error, Result};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// A tenth of what the machine could overwrite, since a cycle is short; at least what a small guest writes in a moment.
const SHARE: u64 = 10;
const LEAST: u64 = 16 << 20;
const MOST: u64 = 1 << 30;
/// libvirt knows a pool's room from its last refresh, which reads the head of every file there.
const FRESH: Duration = Duration::from_secs(10);

pub struct Room {
    pools: Vec<Beside>,
    margin: u64,
    keys: Vec<String>,
}

struct Beside {
    pool: Pool,
    name: String,
    /// What was free when it was looked at, and what scratch files and disks took then.
    free: u64,
    taken: u64,
    at: Instant,
}

/// # Errors
/// `Transient`, in words, when there is too little to begin. A folder that is no pool cannot be looked at: none then.
pub fn look(conn: &Conn, machine: &Domain, disks: &[SourceDisk]) -> Result<Room> {
    let keys: Vec<String> = disks.iter().map(|disk| disk.key.clone()).collect();
    let sizes: u64 = keys.iter().filter_map(|key| machine.block_sizes(key).ok()).map(|(size, _)| size).sum();
    let mut room = Room { pools: vec![], margin: margin(sizes), keys };
    let taken = room.taken(machine);
    for pool in conn.pools()? {
        let Some(seen) = resources::pool(&pool).filter(|seen| seen.active) else { continue };
        if disks.iter().any(|disk| Some(plan::scratch_folder(disk)) == seen.path.as_deref()) {
            refresh(&pool, &seen.name, FRESH);
            let mut free = pool.info()?.free;
            // Somebody may have made room since.
            if free < room.margin && refresh(&pool, &seen.name, Duration::ZERO) {
                free = pool.info()?.free;
            }
            room.pools.push(Beside { pool, name: seen.name, free, taken, at: Instant::now() });
        }
    }
    match room.pools.iter().find(|beside| beside.free < room.margin) {
        Some(full) => Err(Error::transient(too_little(&machine.name(), &full.name, full.free, room.margin))),
        None => Ok(room),
    }
}

impl Room {
    /// While a point is open: why it must end now.
    pub fn gone(&mut self, machine: &Domain) -> Option<String> {
        let (taken, margin) = (self.taken(machine), self.margin);
        for beside in &mut self.pools {
            let mut free = left(beside.free, beside.taken, taken);
            // Others write there as well; near the end their part counts.
            if free < margin * 2 || beside.at.elapsed() > FRESH {
                // A pool that is busy refuses: then what QEMU tells is what there is.
                if refresh(&beside.pool, &beside.name, Duration::ZERO) {
                    free = beside.pool.info().map_or(free, |info| info.free);
                }
                (beside.free, beside.taken, beside.at) = (free, taken, Instant::now());
            }
            if free < margin / 2 {
                return Some(ended(&machine.name(), &beside.name, free));
            }
        }
        None
    }

    pub fn is_known(&self) -> bool {
        !self.pools.is_empty()
    }

    /// Scratch files and the disks themselves, as far as QEMU tells.
    fn taken(&self, machine: &Domain) -> u64 {
        let scratch = machine.job().ok().and_then(|(_, stats)| stats.get("disk_temp_used").and_then(Param::as_u64)).unwrap_or(0);
        let disks: u64 = self.keys.iter().filter_map(|key| machine.block_sizes(key).ok()).map(|(_, allocated)| allocated).sum();
        scratch + disks
    }
}

/// Not more often than every `fresh`, over all cycles. `false`: it is not newer.
fn refresh(pool: &Pool, name: &str, fresh: Duration) -> bool {
    static LAST: Mutex<Option<HashMap<String, Instant>>> = Mutex::new(None);
    let key = pool.uuid().unwrap_or_else(|_| name.to_owned());
    {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.get_or_insert_default();
        if last.get(&key).is_some_and(|at| at.elapsed() < fresh) {
            return false;
        }
        last.insert(key, Instant::now());
    }
    pool.refresh().is_ok()
}

fn margin(sizes: u64) -> u64 {
    (sizes / SHARE).clamp(LEAST, MOST)
}

fn left(free: u64, before: u64, now: u64) -> u64 {
    free.saturating_sub(now.saturating_sub(before))
}

fn too_little(machine: &str, pool: &str, free: u64, margin: u64) -> String {
    format!(
        "The storage pool '{pool}', where {machine} has its disks, has {} MiB free. No recovery point is begun below {} MiB: what the machine \
         overwrites meanwhile is kept there, and without room the machine itself would stop. Free space there. The earlier recovery points \
         stay usable, and it goes on by itself.",
        free >> 20,
        margin >> 20
    )
}

fn ended(machine: &str, pool: &str, free: u64) -> String {
    format!(
        "The recovery point was ended early: only {} MiB were left in the storage pool '{pool}', and without room there {machine} itself would \
         stop. Free space there. The earlier recovery points stay usable, and it goes on by itself.",
        free >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_disks_within_bounds() {
        assert_eq!(margin(0), 16 << 20);
        assert_eq!(margin(1 << 30), (1 << 30) / 10);
        assert_eq!(margin(1 << 44), 1 << 30);
    }

    #[test]
    fn what_is_taken_is_no_longer_free() {
        assert_eq!(left(100, 10, 40), 70);
        assert_eq!(left(100, 40, 10), 100, "scratch files of an earlier point are gone");
        assert_eq!(left(100, 0, 1000), 0);
        assert!(too_little("db1", "images", 12 << 20, 16 << 20).contains("'images'"));
        assert!(ended("db1", "images", 12 << 20).contains("12 MiB"));
    }
}
