//! One module for each page; a page is thin: it loads, and puts together what its own files and the components draw.

pub mod activity;
pub mod clouds;
pub mod machine;
pub mod machines;
pub mod not_found;
pub mod overview;
pub mod plans;
pub mod protection;
pub mod runs;
pub mod settings;
pub mod sign_in;
