//! The REST API, one file for each noun. `router.rs` has the list.

pub mod alarms;
pub mod audit;
pub mod clouds;
pub mod drivers;
pub mod failover;
pub mod groups;
pub mod machines;
pub mod moves;
pub mod overview;
pub mod placement;
pub mod plans;
pub mod points;
pub mod prices;
pub mod recover;
pub mod runs;
pub mod session;
pub mod tokens;
pub mod users;
