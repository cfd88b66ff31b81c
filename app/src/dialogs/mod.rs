//! The two red buttons.

pub mod failover;
pub mod move_machine;
