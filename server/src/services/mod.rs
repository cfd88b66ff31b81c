//! The use cases, one file for each noun: what the API, the screens and the CLI all come through.
//! Roles are checked here, and everything that changes something leaves an audit event.

pub mod caller;
