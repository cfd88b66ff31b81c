//! The rows that the browser holds: by their place in the list, fetched in chunks as the window comes by, and patched
//! from the live stream.

use super::{query::Query, window};
use crate::{api, live};
use leptos::prelude::*;
use model::{
    Page,
    error::ApiError,
    live::{LiveEvent, Topic},
    machine::MachineRow,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

#[derive(Clone, Copy)]
pub struct Rows {
    query: StoredValue<Query>,
    pub by_place: RwSignal<BTreeMap<usize, MachineRow>>,
    pub total: RwSignal<usize>,
    /// Of the newest fetch; the rows before it stay.
    pub error: RwSignal<Option<ApiError>>,
    /// Offsets of chunks that are here or under way.
    asked: StoredValue<BTreeSet<usize>>,
    window: StoredValue<Range<usize>>,
}

impl Rows {
    pub fn new(query: Query, first: Page<MachineRow>) -> Self {
        let filtered = !query.q.is_empty();
        let total = first.total.map_or(first.items.len(), |n| n as usize);
        let rows = Self {
            query: StoredValue::new(query),
            by_place: RwSignal::new(first.items.into_iter().enumerate().collect()),
            total: RwSignal::new(total),
            error: RwSignal::new(None),
            asked: StoredValue::new(BTreeSet::from([0])),
            window: StoredValue::new(0..0),
        };
        live::on(&[Topic::Machine], None, move |event| rows.patch(event));
        live::on_throttled(if filtered { &[Topic::Machine, Topic::Machines] } else { &[Topic::Machines] }, move || rows.refresh());
        rows
    }

    /// Fetches what the window needs and does not have yet.
    pub fn show(self, window: Range<usize>) {
        let missing: Vec<usize> = window::chunks(&window).filter(|c| self.asked.with_value(|a| !a.contains(c))).collect();
        self.window.set_value(window);
        for offset in missing {
            self.fetch(offset);
        }
    }

    /// Everything may have moved: what is in sight is read again, the rest when it comes into sight.
    pub fn refresh(self) {
        let Some(window) = self.window.try_get_value() else { return };
        self.asked.set_value(BTreeSet::new());
        for offset in window::chunks(&window) {
            self.fetch(offset);
        }
    }

    fn fetch(self, offset: usize) {
        self.asked.update_value(|a| {
            a.insert(offset);
        });
        let path = self.query.with_value(|q| q.path(offset));
        leptos::task::spawn_local(async move {
            match api::get::<Page<MachineRow>>(&path).await {
                Ok(page) => self.take(offset, page),
                Err(error) => {
                    // Asked again when the window moves, or with the next event.
                    self.asked.try_update_value(|a| a.remove(&offset));
                    self.error.try_set(Some(error));
                }
            }
        });
    }

    fn take(self, offset: usize, page: Page<MachineRow>) {
        if let Some(total) = page.total {
            self.total.try_set(total as usize);
            self.by_place.try_update(|all| {
                all.split_off(&(total as usize));
            });
        }
        self.by_place.try_update(|all| all.extend(page.items.into_iter().enumerate().map(|(i, row)| (offset + i, row))));
        self.error.try_set(None);
    }

    /// A row that is not held needs no patch: it is fetched when it comes into sight.
    fn patch(self, event: &LiveEvent) {
        let Ok(row) = serde_json::from_value::<MachineRow>(event.data.clone()) else { return };
        let place = self.by_place.try_with_untracked(|all| all.iter().find(|(_, r)| r.id == row.id).map(|(place, _)| *place));
        if let Some(Some(place)) = place {
            self.by_place.update(|all| {
                all.insert(place, row);
            });
        }
    }
}
