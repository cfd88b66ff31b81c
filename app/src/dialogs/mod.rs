//! What is asked before something big begins: move a machine, fail a site over, protect machines.
//!
//! Each shows what would happen before anything does, asks the node alone for that, and ends on the run's page.

pub mod addresses;
pub mod failover;
pub mod mappings;
pub mod move_machine;
mod names;
pub mod points;
pub mod problems;
pub mod protect;
pub mod recover;
