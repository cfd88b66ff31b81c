//! Which machines are chosen. The choice belongs to the page, not to the list: it outlives a search and another order.

use super::{follow::Held, query::Query};
use crate::{api, live};
use leptos::prelude::*;
use model::{Id, Page, live::Topic, machine::MachineRow};
use std::{collections::BTreeMap, ops::Range};

/// What is done with the chosen goes one by one: more than this at once is a slip of the hand.
pub const MOST: usize = 1_000;
/// The largest page of the API.
const AT_ONCE: usize = 500;

/// Identifier and name of the chosen machines, and the one that was pressed last.
#[derive(Clone, Copy)]
pub struct Choice {
    pub names: RwSignal<BTreeMap<Id, String>>,
    last: StoredValue<Option<Id>>,
}

impl Choice {
    pub fn new() -> Self {
        let choice = Self { names: RwSignal::new(BTreeMap::new()), last: StoredValue::new(None) };
        live::on(&[Topic::Machine], None, move |event| {
            if event.topic == Topic::Machine && event.data.is_null() && choice.has(&event.id) {
                choice.put([], std::slice::from_ref(&event.id));
            }
        });
        choice
    }

    /// Not reactive.
    fn has(self, id: &str) -> bool {
        self.names.with_untracked(|n| n.contains_key(id))
    }

    fn put(self, add: impl IntoIterator<Item = (Id, String)>, remove: &[Id]) {
        self.names.try_update(|names| {
            names.extend(add);
            remove.iter().for_each(|id| drop(names.remove(id)));
        });
    }

    /// One press on a box. With Shift everything from the one pressed before up to this one becomes as this one;
    /// the answer is the part of the list that must be read for that.
    pub fn press(self, row: &MachineRow, shift: bool, held: &Held) -> Option<Range<usize>> {
        let on = !self.has(&row.id);
        let from = self.last.get_value().filter(|_| shift);
        self.last.set_value(Some(row.id.clone()));
        let Some(span) = from.and_then(|from| span(held, &from, &row.id)) else {
            self.set(std::slice::from_ref(row), on);
            return None;
        };
        let rows: Vec<MachineRow> = held.range(span.clone()).map(|(_, r)| r.clone()).collect();
        self.set(&rows, on);
        (on && rows.len() < span.len()).then_some(span)
    }

    pub fn set(self, rows: &[MachineRow], on: bool) {
        let ids: Vec<Id> = rows.iter().map(|r| r.id.clone()).collect();
        if on {
            self.put(rows.iter().map(|r| (r.id.clone(), r.name.clone())), &[]);
        } else {
            self.put([], &ids);
        }
    }

    pub fn clear(self) {
        self.names.set(BTreeMap::new());
    }
}

/// The places between two machines, both included, in whichever order they were pressed.
fn span(held: &Held, from: &str, to: &str) -> Option<Range<usize>> {
    let place = |id: &str| held.iter().find(|(_, r)| r.id == id).map(|(place, _)| *place);
    let (a, b) = (place(from)?, place(to)?);
    Some(a.min(b)..a.max(b) + 1)
}

/// Offset and length of the pages that hold these places.
fn pages(span: &Range<usize>) -> impl Iterator<Item = (usize, usize)> + use<> {
    let end = span.end;
    span.clone().step_by(AT_ONCE).map(move |offset| (offset, AT_ONCE.min(end - offset)))
}

/// The machines in these places of the list as it is now at the node.
pub async fn read(query: Query, span: Range<usize>) -> api::Result<Vec<MachineRow>> {
    let mut rows = vec![];
    for (offset, limit) in pages(&span) {
        rows.extend(api::get::<Page<MachineRow>>(&query.part(offset, limit)).await?.items);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::machines::sample;

    fn held() -> Held {
        ["a", "b", "c", "d", "e"].into_iter().enumerate().map(|(i, id)| (i + 10, sample::row(id))).collect()
    }

    #[test]
    fn a_span_is_the_same_from_both_ends() {
        assert_eq!(span(&held(), "b", "d"), Some(11..14));
        assert_eq!(span(&held(), "d", "b"), Some(11..14));
        assert_eq!(span(&held(), "b", "gone"), None);
    }

    #[test]
    fn shift_chooses_up_to_the_pressed_one_and_takes_back_the_same_way() {
        let _owner = Owner::new_root(None);
        let (choice, mut held) = (Choice::new(), held());
        let names = || choice.names.with_untracked(|n| n.keys().cloned().collect::<Vec<_>>());
        let row = |id: &str| sample::row(id);
        assert_eq!(choice.press(&row("b"), false, &held), None);
        assert_eq!(choice.press(&row("d"), true, &held), None);
        assert_eq!(names(), ["b", "c", "d"]);
        assert_eq!(choice.press(&row("c"), true, &held), None);
        assert_eq!(names(), ["b"]);
        held.remove(&11);
        choice.clear();
        choice.press(&row("a"), false, &held);
        assert_eq!(choice.press(&row("e"), true, &held), Some(10..15), "one between is not held");
        assert_eq!(names(), ["a", "c", "d", "e"]);
    }

    #[test]
    fn a_long_list_is_read_in_pages() {
        assert_eq!(pages(&(7..1_020)).collect::<Vec<_>>(), [(7, 500), (507, 500), (1_007, 13)]);
        assert_eq!(pages(&(0..0)).count(), 0);
    }
}
