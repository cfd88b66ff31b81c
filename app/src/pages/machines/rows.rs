//! The rows that the browser holds: by their place in the list, fetched in chunks as the window comes by, and kept
//! fresh from the live stream (see [`super::follow`]).

use super::{
    follow::{self, Effect, Held},
    query::Query,
    window,
};
use crate::{api, live};
use leptos::prelude::*;
use model::{
    Page,
    error::ApiError,
    live::{LiveEvent, Topic},
    machine::MachineRow,
};
use std::{collections::BTreeMap, ops::Range};

#[derive(Clone, Copy)]
pub struct Rows {
    query: StoredValue<Query>,
    pub by_place: RwSignal<Held>,
    pub total: RwSignal<usize>,
    /// Of the newest fetch; the rows before it stay.
    pub error: RwSignal<Option<ApiError>>,
    /// Chunks that are here or under way, by offset, with the number of the newest request: an older answer that
    /// comes later is not taken.
    asked: StoredValue<BTreeMap<usize, u64>>,
    requests: StoredValue<u64>,
    window: StoredValue<Range<usize>>,
}

impl Rows {
    pub fn new(query: Query, first: Page<MachineRow>) -> Self {
        let ordered = query.is_plain();
        let total = first.total.map_or(first.items.len(), |n| n as usize);
        let rows = Self {
            query: StoredValue::new(query),
            by_place: RwSignal::new(first.items.into_iter().enumerate().collect()),
            total: RwSignal::new(total),
            error: RwSignal::new(None),
            asked: StoredValue::new([(0, 0)].into()),
            requests: StoredValue::new(0),
            window: StoredValue::new(0..0),
        };
        let refresh = live::throttled(move || rows.refresh());
        live::on(&[Topic::Machine, Topic::Machines, Topic::Cloud], None, move |event| {
            if rows.follow(event, ordered) {
                refresh();
            }
        });
        rows
    }

    pub fn query(self) -> Query {
        self.query.get_value()
    }

    /// Fetches what the window needs and does not have yet.
    pub fn show(self, window: Range<usize>) {
        let missing: Vec<usize> = window::chunks(&window).filter(|c| self.asked.with_value(|a| !a.contains_key(c))).collect();
        self.window.set_value(window);
        for offset in missing {
            self.fetch(offset);
        }
    }

    /// Everything may have moved: what is in sight is read again, the rest when it comes into sight.
    pub fn refresh(self) {
        let Some(window) = self.window.try_get_value() else { return };
        self.asked.set_value(BTreeMap::new());
        for offset in window::chunks(&window) {
            self.fetch(offset);
        }
    }

    fn fetch(self, offset: usize) {
        let request = self.requests.with_value(|n| n + 1);
        self.requests.set_value(request);
        self.asked.update_value(|a| {
            a.insert(offset, request);
        });
        let path = self.query.with_value(|q| q.path(offset));
        leptos::task::spawn_local(async move {
            let answer = api::get::<Page<MachineRow>>(&path).await;
            if self.asked.try_with_value(|a| a.get(&offset) == Some(&request)) != Some(true) {
                return;
            }
            match answer {
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

    /// Shows what an event says; `true` when the list must be read again for it.
    fn follow(self, event: &LiveEvent, ordered: bool) -> bool {
        let effect = self.by_place.try_with_untracked(|held| follow::effect(held, event, ordered)).unwrap_or(Effect::Nothing);
        match effect {
            Effect::Nothing => {}
            Effect::ReadAgain => return true,
            Effect::Row(places, row) => self.by_place.update(|held| held.extend(places.into_iter().map(|p| (p, (*row).clone())))),
            Effect::Seen(cloud) => self.by_place.update(|held| {
                held.values_mut().filter(|r| r.cloud_id == cloud.id).for_each(|r| *r = follow::seen(r, &cloud));
            }),
        }
        false
    }
}
