//! Replication between two simulated clouds, with everything going wrong that can.

mod background;
mod clock;
mod crash;
mod faults;
mod flow;
mod nodes;
pub mod support;
mod targets;
