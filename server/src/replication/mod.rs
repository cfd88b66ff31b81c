//! Replication: recovery points of machines, taken at one cloud and kept at another, cycle after cycle.
//!
//! A cycle opens one consistent instant over all disks of a machine, copies what changed since the last committed
//! point into a new one at the target, and writes one row. That row is the only truth: what exists at either cloud
//! without it is left over from a crash and is tidied, so a node may be killed at any instant.
//! It does not start machines and does not decide which copy is the active one: recovery does.

pub mod bucket;
pub mod runtime;

pub use runtime::{Runtime, Slot};
