//! Notices when the node's own disk runs full: before it happens, and when the store cannot write any more.

use crate::state::{Node, disk};
use std::time::{Duration, Instant};

/// The write-ahead log, the log of runs and an upgrade of the schema want room.
pub const LOW: u64 = 256 << 20;
/// Looking costs a system call and a synced write of one page.
const EVERY: Duration = Duration::from_secs(10);
/// While it is full somebody makes room, and wants to see that it helped.
const EVERY_WHEN_FULL: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    /// What is left, when it is little (bytes).
    pub low: Option<u64>,
    /// The store said that it is full.
    pub full: bool,
    pub folder: String,
}

#[derive(Default)]
pub struct Watch {
    looked: Option<Instant>,
    seen: Disk,
}

impl Watch {
    pub async fn look(&mut self, node: &Node) -> &Disk {
        let every = if self.seen.full { EVERY_WHEN_FULL } else { EVERY };
        if self.looked.is_none_or(|at| at.elapsed() >= every) {
            self.looked = Some(Instant::now());
            let low = disk::free(&node.data_dir).ok().filter(|free| *free < LOW);
            let tried = node.db.try_write().await;
            let full = tried.as_ref().is_err_and(crate::error::is_full);
            self.seen = Disk { low, full, folder: node.data_dir.display().to_string() };
        }
        &self.seen
    }
}
