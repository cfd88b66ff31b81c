//! The screens: compiled twice, for the server's first rendering (`ssr`) and for the browser (`hydrate`).

#![recursion_limit = "512"]

pub mod api;
pub mod state;
