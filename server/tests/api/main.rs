//! The API from outside: the real router on a real store, one file for each noun, as the addresses are.
//!
//! SQLite in a folder of its own for each test; with `CROSSFADE_TEST_PG` set (see `tests/postgres.sh`) a PostgreSQL
//! database of its own instead.
#![allow(clippy::unwrap_used)]

mod audit;
mod certificate;
mod clouds;
mod contract;
mod events;
mod failover;
mod groups;
mod health;
mod idempotency;
mod lab;
mod machines;
mod moves;
mod nodes;
mod overview;
mod pages;
mod placement;
mod plans;
mod points;
mod recover;
mod runs;
mod serve;
mod session;
mod start;
mod support;
mod tokens;
mod users;
mod viewer;
mod wallboard;
