//! Alarms, as they are raised now.

use crate::{inventory, state::Node};
use model::{Page, alarm::Alarm};

/// Worst and newest first.
pub fn list(node: &Node) -> Page<Alarm> {
    let items = inventory::alarms::active(node);
    let total = Some(items.len() as u64);
    Page { items, next: None, total }
}
