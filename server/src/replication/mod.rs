//! Replication: recovery points of machines, taken at one cloud and kept at another, cycle after cycle.
//!
//! A cycle opens one consistent instant over all disks of a machine, copies what changed since the last committed
//! point into a new one at the target, and writes one row. That row is the only truth: what exists at either cloud
//! without it is left over from a crash and is tidied, so a node may be killed at any instant.
//! It does not start machines and does not decide which copy is the active one: recovery does.

mod above;
pub mod autostart;
mod base;
mod bucket;
mod cycle;
mod error;
mod hold;
mod job;
mod lease;
mod meter;
mod pace;
pub(crate) mod prune;
mod retention;
mod runtime;
#[cfg(test)]
mod samples;
mod schedule;
mod scheduler;
mod shorten;
#[cfg(test)]
pub(crate) mod tests;
mod transfer;
pub(crate) mod turn;
mod verify;
pub mod view;

pub use above::{Above, Below, Piece, Shared, Written, above};
pub use cycle::Cycle;
pub use error::{Error, Result};
pub use hold::{adopt, cycle, hold, hold_point, release, retire};
pub use job::Job;
pub use runtime::{Runtime, Slot};
pub use scheduler::start;

use crate::store::{
    Db, StoreResult,
    points::{self, StoredPoint},
};

/// The recovery point to bring a machine up from.
///
/// # Errors
/// The database's own.
pub async fn newest(db: &Db, member_id: &str) -> StoreResult<Option<StoredPoint>> {
    points::newest(db, member_id).await
}
