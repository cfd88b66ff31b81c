//! The REST API, one file for each noun. `router.rs` has the list.

pub mod audit;
pub mod session;
pub mod tokens;
pub mod users;
