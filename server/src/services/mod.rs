//! The use cases, one file for each noun: what the API, the screens and the CLI all come through.
//! Roles are checked here, and everything that changes something leaves an audit event.

pub mod acting;
pub mod alarms;
pub mod audit;
pub mod caller;
pub mod clouds;
pub mod failover;
pub mod figures;
pub mod first_start;
pub mod groups;
pub mod machines;
pub mod moves;
pub mod overview;
pub mod passwords;
pub mod placement;
pub mod plans;
pub mod prices;
pub mod recover;
pub mod runs;
pub mod sessions;
pub mod throttle;
pub mod tokens;
pub mod users;

use model::Page;

/// Cuts a list that was read with one row too many; that row only shows that there is more.
pub fn page<T>(mut items: Vec<T>, limit: u32, cursor: impl Fn(&T) -> String) -> Page<T> {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = if more { items.last().map(cursor) } else { None };
    Page { items, next, total: None }
}
