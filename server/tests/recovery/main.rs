//! Runs on simulated clouds: twice, failing, killed anywhere, raced for. Whatever happens, never two running copies.
#![allow(clippy::unwrap_used)]

mod cancel;
mod clock;
mod control;
mod convert;
mod crash;
mod failback;
mod faults;
mod flow;
mod live;
mod living;
mod names;
mod old_copies;
mod ownership;
mod recover;
mod support;
mod targets;
