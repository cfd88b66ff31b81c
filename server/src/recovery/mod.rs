//! Recovery: moves and failovers as durable runs.
//!
//! `schedule` decides which step is next, from the rows of a run alone.

mod runtime;
pub mod schedule;
pub mod spec;

pub use runtime::{Runtime, Timing};
