//! Runs: the list, and one run with its timeline, clock, log and what was observed.

mod actions;
mod clock;
mod command;
mod follow;
mod header;
mod list;
mod log;
mod outcome;
mod run;
#[cfg(test)]
mod sample;
mod scale;
mod skip;
mod step_actions;
mod step_row;
mod table;
mod timeline;
mod words;

pub use list::RunsPage;
pub use run::RunPage;
