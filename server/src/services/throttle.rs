//! Slows down guessing: after some failures whoever asks has to wait, and nobody can make others wait for long.
//!
//! An attempt counts from its beginning, and is given back when it was a good one: many at once get no more tries than
//! one after the other. What is refused is a name *from an address*, and an address with many names; a name that is
//! guessed from many addresses is only answered more slowly, and not even that where it was used well before. So no
//! stranger can lock anybody out. Kept in memory: a restart forgives, and another node counts for itself.

use crate::error::{Code, Error};
use model::Millis;
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

const WINDOW: Millis = 5 * 60 * 1000;
/// Several people may sit behind one address.
const PER_ADDRESS: usize = 20;
const PER_NAME_AND_ADDRESS: usize = 8;
/// So many failures of a name, from wherever, cost nothing; each further one makes the answer later by a step.
const FREE_OF_NAME: usize = 8;
const STEP: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(3);
/// For how long an address is known as one that somebody signs in from.
const KNOWN: Millis = 30 * 24 * 60 * 60 * 1000;
/// Above this the oldest are forgotten: an attacker must not fill the memory.
const MOST: usize = 10_000;

#[derive(Default)]
pub struct Throttle(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// Attempts that failed or are under way.
    tries: HashMap<Key, Vec<Millis>>,
    /// Last good sign-in of a name from an address.
    good: HashMap<Key, Millis>,
    /// When it was last written down that somebody has to wait.
    told: HashMap<Key, Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Address(String),
    Name(String),
    Both(String, String),
}

/// One that is under way. Kept as a failure, unless it is given back or was good.
pub struct Attempt {
    keys: Vec<Key>,
    at: Millis,
    /// The answer has to wait for so long.
    pub delay: Duration,
}

pub struct Refused {
    pub error: Error,
    /// The first in this window: worth an audit event.
    pub first: bool,
}

impl Throttle {
    /// Takes one of the tries that are left.
    ///
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn begin(&self, address: Option<&str>, name: &str, now: Millis) -> Result<Attempt, Refused> {
        let keys = keys(address, name);
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |key: &Key| Some((wait_of(memory.tries.get(key)?, most(key)?, now)?, key.clone()));
        if let Some((wait, key)) = keys.iter().filter_map(full).max_by_key(|(wait, _)| *wait) {
            return Err(memory.refuse(wait, key, now));
        }
        let delay = memory.delay(&keys, now);
        memory.tidy(now);
        for key in &keys {
            let times = memory.tries.entry(key.clone()).or_default();
            times.retain(|t| now - t < WINDOW);
            times.push(now);
            let spare = times.len().saturating_sub(most(key).unwrap_or(64));
            times.drain(..spare);
        }
        Ok(Attempt { keys, at: now, delay })
    }

    /// It was no guess: the password was right, or nobody could look at it.
    pub fn give_back(&self, attempt: &Attempt) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &attempt.keys {
            if let Some(times) = memory.tries.get_mut(key)
                && let Some(place) = times.iter().position(|t| *t == attempt.at)
            {
                times.remove(place);
            }
        }
    }

    /// The right password clears the name here, not the address: one account of one's own must not reset the count.
    pub fn succeeded(&self, attempt: &Attempt, now: Millis) {
        self.give_back(attempt);
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in attempt.keys.iter().filter(|k| matches!(k, Key::Both(..))) {
            memory.tries.remove(key);
            memory.good.insert(key.clone(), now);
        }
    }
}

impl Memory {
    fn refuse(&mut self, wait: Millis, key: Key, now: Millis) -> Refused {
        let seconds = u64::try_from(wait / 1000).unwrap_or(0) + 1;
        let message = format!("Too many failed sign-ins. Wait {seconds} s, then try again.");
        let first = self.told.get(&key).is_none_or(|t| now - t >= WINDOW);
        if first {
            self.told.insert(key, now);
        }
        Refused { error: Error { retry_after: Some(seconds), ..Error::new(Code::Throttled, message) }, first }
    }

    fn delay(&self, keys: &[Key], now: Millis) -> Duration {
        if keys.iter().any(|k| self.good.get(k).is_some_and(|t| now - t < KNOWN)) {
            return Duration::ZERO;
        }
        let name = keys.iter().find(|k| matches!(k, Key::Name(_))).and_then(|k| self.tries.get(k));
        let failures = name.map_or(0, |times| times.iter().filter(|t| now - **t < WINDOW).count());
        let steps = u32::try_from(failures.saturating_sub(FREE_OF_NAME - 1)).unwrap_or(u32::MAX);
        STEP.saturating_mul(steps).min(LONGEST)
    }

    fn tidy(&mut self, now: Millis) {
        if self.tries.len() > MOST {
            self.tries.retain(|_, times| times.last().is_some_and(|t| now - t < WINDOW / 5));
        }
        if self.told.len() > MOST {
            self.told.clear();
        }
        if self.good.len() > MOST {
            self.good.retain(|_, t| now - *t < KNOWN / 30);
        }
    }
}

fn keys(address: Option<&str>, name: &str) -> Vec<Key> {
    let name = name.chars().take(64).collect::<String>().to_lowercase();
    // Inside the node itself there is no address: that is one place, too.
    let address = address.map_or_else(|| "here".to_owned(), place);
    vec![Key::Both(name.clone(), address.clone()), Key::Address(address), Key::Name(name)]
}

/// Whoever has one IPv6 address has 2^64 of them.
fn place(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(ip)) => format!("{:x?}", &ip.segments()[..4]),
        _ => address.to_owned(),
    }
}

/// How many failures there may be; a name alone is never refused.
fn most(key: &Key) -> Option<usize> {
    match key {
        Key::Address(_) => Some(PER_ADDRESS),
        Key::Both(..) => Some(PER_NAME_AND_ADDRESS),
        Key::Name(_) => None,
    }
}

/// Full when `most` failures lie in the window: wait until the oldest of them leaves it.
fn wait_of(times: &[Millis], most: usize, now: Millis) -> Option<Millis> {
    let oldest = times.iter().rev().nth(most - 1)?;
    let left = oldest + WINDOW - now;
    (left > 0).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(t: &Throttle, address: &str, name: &str, now: Millis) -> Option<u64> {
        t.begin(Some(address), name, now).err().and_then(|r| r.error.retry_after)
    }

    #[test]
    fn a_name_waits_after_eight_failures_from_one_address_and_nowhere_else() {
        let t = Throttle::default();
        (0..8).for_each(|i| assert!(t.begin(Some("a"), if i % 2 == 0 { "Bob" } else { "bob" }, i).is_ok()));
        assert_eq!(wait(&t, "a", "bob", 10), Some(300));
        assert_eq!((wait(&t, "b", "bob", 10), wait(&t, "a", "ann", 10)), (None, None));
        assert_eq!(wait(&t, "a", "bob", WINDOW), None);
    }

    #[test]
    fn attempts_that_are_under_way_count() {
        let t = Throttle::default();
        let under_way: Vec<_> = (0..8).map(|_| t.begin(Some("a"), "bob", 1)).collect();
        assert!(under_way.iter().all(Result::is_ok) && wait(&t, "a", "bob", 1).is_some());
        t.give_back(under_way[0].as_ref().ok().unwrap());
        assert_eq!(wait(&t, "a", "bob", 1), None);
    }

    #[test]
    fn an_address_waits_whatever_the_names() {
        let t = Throttle::default();
        (0..20).for_each(|i| assert!(t.begin(Some("a"), &format!("u{i}"), i).is_ok()));
        assert!(wait(&t, "a", "new", 30).is_some());
        let v6 = Throttle::default();
        (0..20).for_each(|i| assert!(v6.begin(Some(&format!("2001:db8::{i:x}")), &format!("u{i}"), 1).is_ok()));
        assert!(wait(&v6, "2001:db8::ffff", "new", 1).is_some() && wait(&v6, "2001:db8:0:1::1", "new", 1).is_none());
    }

    #[test]
    fn a_name_that_many_addresses_guess_is_answered_later_and_its_owner_at_once() {
        let t = Throttle::default();
        let own = t.begin(Some("home"), "bob", 0).ok().unwrap();
        t.succeeded(&own, 0);
        let delays: Vec<Duration> = (0..40).map(|i| t.begin(Some(&format!("x{i}")), "bob", 1).ok().unwrap().delay).collect();
        assert!(delays[0].is_zero() && delays[39] == LONGEST && delays.is_sorted());
        assert!(t.begin(Some("home"), "bob", 1).ok().unwrap().delay.is_zero());
    }

    #[test]
    fn it_is_told_once_in_a_window() {
        let t = Throttle::default();
        (0..8).for_each(|i| assert!(t.begin(Some("a"), "bob", i).is_ok()));
        let first = |now| t.begin(Some("a"), "bob", now).err().is_some_and(|r| r.first);
        assert_eq!((first(10), first(11)), (true, false));
    }
}
