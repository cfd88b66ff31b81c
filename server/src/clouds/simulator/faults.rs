//! Scripted faults: the n-th call of an operation goes wrong in a way that real clouds go wrong.

use super::super::error::{Error, Kind, Result};
use std::time::Duration;

/// What happens to a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing is done, and it says so.
    Error(Kind, String),
    /// Done, but late.
    Slow(Duration),
    /// Never answers; nothing is done.
    Hang,
    /// Says that it is done. It is not.
    Lie,
    /// It is done, but the answer gets lost.
    Unanswered,
}

#[derive(Debug)]
struct Rule {
    op: String,
    /// Calls to let through before it strikes.
    skip: u32,
    /// Calls that it strikes.
    left: u32,
    fault: Fault,
}

#[derive(Debug, Default)]
pub struct Script(Vec<Rule>);

/// How a call that was let in must go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Real,
    Lie,
    Unanswered,
}

impl Script {
    /// The `nth` call (from 1) and the `times - 1` after it. `*` is any operation.
    pub fn add(&mut self, op: &str, nth: u32, times: u32, fault: Fault) {
        self.0.push(Rule { op: op.into(), skip: nth.saturating_sub(1), left: times, fault });
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn next(&mut self, op: &str) -> Option<Fault> {
        let mut struck = None;
        for rule in self.0.iter_mut().filter(|r| r.op == op || r.op == "*") {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.left > 0 && struck.is_none() {
                rule.left -= 1;
                struck = Some(rule.fault.clone());
            }
        }
        self.0.retain(|r| r.left > 0);
        struck
    }
}

impl Effect {
    /// What the caller hears of an action that was really done.
    pub fn answer<T>(self, op: &str, outcome: Result<T>) -> Result<T> {
        match self {
            Self::Unanswered if outcome.is_ok() => Err(Error::new(Kind::Unknown, format!("The answer to {op} got lost."))),
            _ => outcome,
        }
    }
}
