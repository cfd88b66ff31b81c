//! The change feed in memory: what the screens see without asking.
//!
//! A ring keeps the last events, so that a tab that lost its stream for a moment goes on where it was; one that comes
//! later gets `None` and reads everything again. Nothing here is durable: the store is.

use model::{
    Id,
    live::{LiveEvent, Topic},
};
use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast;

const KEPT: usize = 8192;

#[derive(Clone)]
pub struct Bus(Arc<Inner>);

struct Inner {
    ring: Mutex<(u64, VecDeque<Arc<LiveEvent>>)>,
    tail: broadcast::Sender<Arc<LiveEvent>>,
}

impl Default for Bus {
    fn default() -> Self {
        Self(Arc::new(Inner { ring: Mutex::new((0, VecDeque::with_capacity(KEPT))), tail: broadcast::channel(2048).0 }))
    }
}

impl Bus {
    /// Tells every tab. An object that cannot be written as JSON is told as `null`.
    pub fn publish(&self, topic: Topic, id: impl Into<Id>, data: &impl Serialize) {
        let data = serde_json::to_value(data).unwrap_or_default();
        let mut ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.0 += 1;
        let event = Arc::new(LiveEvent { seq: ring.0, topic, id: id.into(), data });
        if ring.1.len() == KEPT {
            ring.1.pop_front();
        }
        ring.1.push_back(event.clone());
        // Sent under the lock: nobody can see two events in the wrong order.
        let _ = self.0.tail.send(event);
    }

    /// Of the newest event; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// What was missed after `last` (`None`: too old, or from another life of this node) and the stream from there.
    pub fn subscribe(&self, last: Option<u64>) -> (Option<Vec<Arc<LiveEvent>>>, broadcast::Receiver<Arc<LiveEvent>>) {
        let ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = self.0.tail.subscribe();
        let missed = match last {
            None => Some(vec![]),
            Some(last) if last > ring.0 => None,
            Some(last) if ring.1.front().is_some_and(|e| e.seq > last + 1) => None,
            Some(last) => Some(ring.1.iter().filter(|e| e.seq > last).cloned().collect()),
        };
        (missed, stream)
    }
}
