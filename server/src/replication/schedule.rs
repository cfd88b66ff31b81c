//! Whose turn it is: pure.

use super::pace;
use crate::state::Limits;
use model::{Id, Millis, protection::ReplicationState};
use std::collections::{HashMap, HashSet};

/// What the decision needs to know of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: Id,
    /// A machine takes one cycle at a time, whatever their targets.
    pub machine: Id,
    pub state: ReplicationState,
    /// Paused, held by a run, or not for the background at all.
    pub resting: bool,
    /// Both clouds are connected and answered the last look.
    pub reachable: bool,
    pub source: Id,
    pub target: Id,
    pub rpo_seconds: u32,
    pub newest_at: Option<Millis>,
    pub took_ms: i64,
    pub next_try_at: Option<Millis>,
    /// However it ends, turns of one member are so far apart.
    pub not_before: Millis,
    /// Another node does it: this one steps in when that one lets it lie for so long.
    pub later: Millis,
}

impl Entry {
    /// When its next turn begins; `None`: not before something changes.
    pub fn due(&self, now: Millis) -> Option<Millis> {
        if self.resting || !self.reachable || self.state == ReplicationState::Recovered {
            return None;
        }
        let due = match (self.next_try_at, self.newest_at) {
            (Some(at), _) => at,
            // A point from the future: the clock was set back. What it says is worth nothing.
            (None, Some(newest)) if newest <= now => {
                let interval = pace::interval(self.rpo_seconds, self.took_ms);
                newest + interval - pace::jitter(&self.id, newest, interval)
            }
            (None, _) => 0,
        };
        Some(due.max(self.not_before) + self.later)
    }

    /// When it goes into breach: the most urgent goes first, those without any point, or with one from the future, before all.
    fn deadline(&self, now: Millis) -> Millis {
        self.newest_at.filter(|n| *n <= now).map_or(0, |n| n + i64::from(self.rpo_seconds) * 1000)
    }
}

/// Whose turn begins now, given who is at it; and when to look again.
pub fn choose(entries: &[Entry], running: &[Id], now: Millis, limits: Limits) -> (Vec<Id>, Option<Millis>) {
    let mut load = Load::default();
    entries.iter().filter(|e| running.contains(&e.id)).for_each(|e| load.add(e));
    let mut waiting: Vec<&Entry> = entries.iter().filter(|e| !running.contains(&e.id) && e.due(now).is_some()).collect();
    waiting.sort_by_key(|e| (e.deadline(now), e.id.as_str()));
    let mut starting = vec![];
    for entry in waiting.iter().filter(|e| e.due(now).is_some_and(|d| d <= now)) {
        if load.takes(entry, limits) {
            load.add(entry);
            starting.push(entry.id.clone());
        }
    }
    let next = waiting.iter().filter_map(|e| e.due(now)).filter(|d| *d > now).min();
    (starting, next)
}

#[derive(Default)]
struct Load<'a> {
    all: usize,
    machines: HashSet<&'a str>,
    clouds: HashMap<&'a str, usize>,
}

impl<'a> Load<'a> {
    fn add(&mut self, entry: &'a Entry) {
        self.all += 1;
        self.machines.insert(&entry.machine);
        *self.clouds.entry(&entry.source).or_default() += 1;
        *self.clouds.entry(&entry.target).or_default() += 1;
    }

    fn takes(&self, entry: &Entry, limits: Limits) -> bool {
        let room = |cloud: &Id| self.clouds.get(cloud.as_str()).is_none_or(|n| *n < limits.cycles_per_cloud);
        let free = !self.machines.contains(entry.machine.as_str());
        free && self.all < limits.cycles_per_node && room(&entry.source) && room(&entry.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the usual limits.
    fn choose(entries: &[Entry], running: &[Id], now: Millis) -> (Vec<Id>, Option<Millis>) {
        super::choose(entries, running, now, Limits::default())
    }

    fn entry(id: &str, newest_at: Option<Millis>) -> Entry {
        Entry {
            id: id.into(),
            machine: id.into(),
            state: ReplicationState::Replicating,
            resting: false,
            reachable: true,
            source: "a".into(),
            target: "b".into(),
            rpo_seconds: 60,
            newest_at,
            took_ms: 500,
            next_try_at: None,
            not_before: 0,
            later: 0,
        }
    }

    #[test]
    fn the_most_urgent_first_within_the_limits() {
        let entries: Vec<Entry> = (0..6).map(|i| entry(&format!("m{i}"), Some(10_000 - i * 1000))).chain([entry("new", None)]).collect();
        let (starting, _) = choose(&entries, &[], 1_000_000);
        assert_eq!(starting, ["new", "m5", "m4"], "three at one cloud");
        let (starting, _) = choose(&entries, &["m5".into(), "m0".into()], 1_000_000);
        assert_eq!(starting, ["new"]);
    }

    #[test]
    fn not_more_than_the_node_bears() {
        let entries: Vec<Entry> =
            (0..9).map(|i| Entry { source: format!("s{i}"), target: format!("t{i}"), ..entry(&format!("m{i}"), None) }).collect();
        assert_eq!(choose(&entries, &[], 0).0.len(), Limits::default().cycles_per_node);
        let more = Limits { cycles_per_node: 7, ..Limits::default() };
        assert_eq!(super::choose(&entries, &[], 0, more).0.len(), 7);
    }

    #[test]
    fn nobody_starts_who_rests_or_whose_cloud_is_silent() {
        let entries = [
            Entry { resting: true, ..entry("paused", None) },
            Entry { reachable: false, ..entry("silent", None) },
            Entry { state: ReplicationState::Recovered, ..entry("recovered", None) },
        ];
        assert_eq!(choose(&entries, &[], 1_000_000), (vec![], None));
    }

    #[test]
    fn what_another_node_does_is_left_to_it_for_a_while() {
        let mine = entry("m", Some(40_000));
        let due = mine.due(50_000).unwrap();
        let theirs = Entry { later: 10_000, ..mine };
        assert_eq!(theirs.due(50_000), Some(due + 10_000));
        assert_eq!(choose(std::slice::from_ref(&theirs), &[], due + 9_999), (vec![], Some(due + 10_000)));
        assert_eq!(choose(&[theirs], &[], due + 10_000).0, ["m"]);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nothing() {
        let entries = [entry("m", Some(3_600_000))];
        assert_eq!(choose(&entries, &[], 1000).0, ["m"]);
        let entries = [Entry { not_before: 1400, ..entries[0].clone() }];
        assert_eq!(choose(&entries, &[], 1000), (vec![], Some(1400)));
    }

    #[test]
    fn it_says_when_to_look_again() {
        let failing = Entry { next_try_at: Some(70_000), ..entry("failing", None) };
        let fresh = entry("fresh", Some(40_000));
        let due = fresh.due(50_000).unwrap();
        assert!((58_000..=60_000).contains(&due), "{due}");
        assert_eq!(choose(&[failing.clone(), fresh.clone()], &[], 50_000), (vec![], Some(due)));
        assert_eq!(choose(&[failing, fresh], &["fresh".into()], 50_000), (vec![], Some(70_000)));
    }
}
