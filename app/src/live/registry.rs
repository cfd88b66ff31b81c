//! Who wants to hear of what. One list for the tab; the browser has one thread, the lock is never waited for.

use model::live::{LiveEvent, Topic};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

type Callback = Arc<dyn Fn(&LiveEvent) + Send + Sync>;

struct Listener {
    key: u64,
    topics: &'static [Topic],
    id: Option<String>,
    callback: Callback,
}

static LISTENERS: Mutex<Vec<Listener>> = Mutex::new(Vec::new());
static NEXT: AtomicU64 = AtomicU64::new(1);
static LAST_READ: AtomicI64 = AtomicI64::new(0);

/// Time between two readings of the same list, and the delay that gathers a burst into one.
const APART_MS: i64 = 1000;
const GATHER_MS: i64 = 60;

pub fn add(topics: &'static [Topic], id: Option<String>, callback: Callback) -> u64 {
    let key = NEXT.fetch_add(1, Ordering::Relaxed);
    if let Ok(mut all) = LISTENERS.lock() {
        all.push(Listener { key, topics, id, callback });
    }
    key
}

pub fn remove(key: u64) {
    if let Ok(mut all) = LISTENERS.lock() {
        all.retain(|l| l.key != key);
    }
}

/// Calls outside the lock: a callback may add and remove listeners.
#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
pub fn dispatch(event: &LiveEvent) {
    let called: Vec<Callback> =
        LISTENERS.lock().map(|all| all.iter().filter(|l| wants(l, event)).map(|l| Arc::clone(&l.callback)).collect()).unwrap_or_default();
    for callback in called {
        callback(event);
    }
}

#[cfg_attr(not(feature = "hydrate"), allow(dead_code))]
fn wants(listener: &Listener, event: &LiveEvent) -> bool {
    event.topic == Topic::Reset || listener.topics.contains(&event.topic) && listener.id.as_ref().is_none_or(|id| *id == event.id)
}

/// How long to wait before the next reading, ms.
pub fn pause() -> u64 {
    let now = crate::state::now();
    let wait = (LAST_READ.load(Ordering::Relaxed) + APART_MS - now).clamp(GATHER_MS, APART_MS);
    LAST_READ.store(now + wait, Ordering::Relaxed);
    wait.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(topic: Topic, id: &str) -> LiveEvent {
        LiveEvent { seq: 1, topic, id: id.into(), data: serde_json::Value::Null }
    }

    #[test]
    fn a_listener_hears_its_topic_its_object_and_every_reset() {
        let listener = Listener { key: 0, topics: &[Topic::Run], id: Some("r1".into()), callback: Arc::new(|_| {}) };
        assert!(wants(&listener, &event(Topic::Run, "r1")));
        assert!(wants(&listener, &event(Topic::Reset, "")));
        assert!(!wants(&listener, &event(Topic::Run, "r2")));
        assert!(!wants(&listener, &event(Topic::Machine, "r1")));
    }

    #[test]
    fn a_callback_may_take_itself_off_the_list() {
        let key = Arc::new(AtomicU64::new(0));
        let own = Arc::clone(&key);
        key.store(add(&[Topic::Audit], None, Arc::new(move |_| remove(own.load(Ordering::Relaxed)))), Ordering::Relaxed);
        dispatch(&event(Topic::Audit, ""));
        assert!(LISTENERS.lock().is_ok_and(|all| all.iter().all(|l| l.key != key.load(Ordering::Relaxed))));
    }
}
