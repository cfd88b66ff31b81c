//! How often a cloud's API is asked: public clouds bill it, and all of them throttle it. Counted where a request is sent, so
//! that pages, polling and second tries are seen, too.

use jiff::Timestamp;
use model::{
    Millis,
    cloud::{RequestCount, Requests},
};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Minutes of an hour.
const HOUR: usize = 60;
const MINUTE: Millis = 60_000;

#[derive(Debug)]
pub struct Meter {
    since: Millis,
    counts: Mutex<BTreeMap<(&'static str, String), Count>>,
}

#[derive(Clone, Debug)]
struct Count {
    total: u64,
    /// By the minute's number modulo 60: which minute it is of, and how many came then.
    minutes: [(i64, u64); HOUR],
}

impl Default for Meter {
    fn default() -> Self {
        Self { since: now(), counts: Mutex::default() }
    }
}

fn now() -> Millis {
    Timestamp::now().as_millisecond()
}

impl Meter {
    /// One request to a service; `kind`: the method of HTTP, or the operation where all have the same.
    pub fn count(&self, service: &'static str, kind: &str) {
        self.count_at(service, kind, now() / MINUTE);
    }

    fn count_at(&self, service: &'static str, kind: &str, minute: i64) {
        let mut counts = self.lock();
        let count = counts.entry((service, kind.to_owned())).or_insert(Count { total: 0, minutes: [(0, 0); HOUR] });
        count.total += 1;
        let slot = &mut count.minutes[minute.rem_euclid(HOUR as i64) as usize];
        *slot = if slot.0 == minute { (minute, slot.1 + 1) } else { (minute, 1) };
    }

    /// Since the cloud was opened by this node, and in the last hour.
    pub fn read(&self) -> Requests {
        self.read_at(now() / MINUTE)
    }

    fn read_at(&self, minute: i64) -> Requests {
        let recent = |count: &Count| count.minutes.iter().filter(|(at, _)| *at > minute - HOUR as i64).map(|(_, n)| n).sum();
        let row = |((service, kind), count): (&(&'static str, String), &Count)| RequestCount {
            service: (*service).to_owned(),
            kind: kind.clone(),
            total: count.total,
            last_hour: recent(count),
        };
        let counts: Vec<RequestCount> = self.lock().iter().map(row).collect();
        Requests {
            since: self.since,
            total: counts.iter().map(|one| one.total).sum(),
            last_hour: counts.iter().map(|one| one.last_hour).sum(),
            counts,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(&'static str, String), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hour_is_what_came_in_its_minutes() {
        let meter = Meter::default();
        for minute in [0, 0, 30, 59, 60, 61] {
            meter.count_at("compute", "GET", minute);
        }
        meter.count_at("image", "PUT", 61);
        let seen = meter.read_at(61);
        assert_eq!((seen.total, seen.last_hour), (7, 5), "minutes 0 and 1 are over");
        let rows: Vec<_> = seen.counts.iter().map(|c| (c.service.as_str(), c.kind.as_str(), c.total, c.last_hour)).collect();
        assert_eq!(rows, [("compute", "GET", 6, 4), ("image", "PUT", 1, 1)]);
        assert_eq!(meter.read_at(1000).last_hour, 0);
    }
}
