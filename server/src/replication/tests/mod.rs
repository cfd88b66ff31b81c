//! Replication between two simulated clouds, with everything going wrong that can.

mod background;
mod clock;
mod crash;
mod faults;
mod flow;
pub mod support;
