//! Crossfade's node: see `docs/architecture.md` for the shape and the walkthroughs.

#![recursion_limit = "512"]

pub mod boot;
pub mod cli;
pub mod clouds;
pub mod config;
pub mod error;
pub mod inventory;
pub mod live;
pub mod recovery;
pub mod replication;
pub mod secrets;
pub mod services;
pub mod state;
pub mod steering;
pub mod store;
pub mod web;
