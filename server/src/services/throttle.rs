//! Slows down guessing: after some failures in a row a name or an address has to wait.
//!
//! Kept in memory: a restart forgives, and another node counts for itself.

use crate::error::{Code, Error, Result};
use model::Millis;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

const WINDOW: Millis = 5 * 60 * 1000;
/// Several people may sit behind one address.
const PER_ADDRESS: usize = 20;
const PER_NAME: usize = 8;
/// Above this the oldest are forgotten: an attacker must not fill the memory.
const MOST: usize = 10_000;

#[derive(Default)]
pub struct Throttle(Mutex<HashMap<String, Vec<Millis>>>);

impl Throttle {
    /// # Errors
    /// `Throttled`, with the seconds to wait.
    pub fn check(&self, address: Option<&str>, name: &str, now: Millis) -> Result<()> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys(address, name).into_iter().filter_map(|(key, most)| wait_of(failures.get(&key)?, most, now)).max();
        drop(failures);
        let Some(wait) = wait else { return Ok(()) };
        let seconds = u64::try_from(wait / 1000).unwrap_or(0) + 1;
        let message = format!("Too many failed sign-ins. Wait {seconds} s, then try again.");
        Err(Error { retry_after: Some(seconds), ..Error::new(Code::Throttled, message) })
    }

    pub fn failed(&self, address: Option<&str>, name: &str, now: Millis) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, most) in keys(address, name) {
            let times = failures.entry(key).or_default();
            times.retain(|t| now - t < WINDOW);
            times.push(now);
            let spare = times.len().saturating_sub(most);
            times.drain(..spare);
        }
        if failures.len() > MOST {
            failures.retain(|_, times| times.last().is_some_and(|t| now - t < WINDOW / 5));
        }
    }

    /// The right password clears the name, not the address: one account of one's own must not reset the count.
    pub fn succeeded(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&name_key(name));
    }
}

fn keys(address: Option<&str>, name: &str) -> Vec<(String, usize)> {
    let address = address.map(|a| (format!("a {a}"), PER_ADDRESS));
    address.into_iter().chain([(name_key(name), PER_NAME)]).collect()
}

fn name_key(name: &str) -> String {
    format!("n {}", name.chars().take(64).collect::<String>().to_lowercase())
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

    #[test]
    fn a_name_waits_after_eight_failures_and_is_free_again_later() {
        let t = Throttle::default();
        for i in 0..8 {
            assert!(t.check(Some("a"), "Bob", i).is_ok());
            t.failed(Some("a"), "bob", i);
        }
        assert_eq!(t.check(Some("b"), "bob", 10).unwrap_err().retry_after, Some(300));
        assert!(t.check(Some("b"), "ann", 10).is_ok());
        assert!(t.check(Some("b"), "bob", WINDOW).is_ok());
    }

    #[test]
    fn an_address_waits_whatever_the_names() {
        let t = Throttle::default();
        (0..20).for_each(|i| t.failed(Some("a"), &format!("u{i}"), i));
        assert!(t.check(Some("a"), "new", 30).is_err());
        t.succeeded("new");
        assert!(t.check(Some("a"), "new", 30).is_err());
    }
}
