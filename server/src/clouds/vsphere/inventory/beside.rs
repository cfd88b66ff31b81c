//! The first answer of a watch and the first listing, made beside each other: each takes about as long as the other.
//!
//! A machine that was listed and changed before the watch began to count would be told by neither. So the listing leaves a stamp of
//! each machine here, the first answer brings another, and where they differ the machine is asked again.

use super::{super::props::Object, watch::PATHS};
use crate::clouds::vsphere::xml::Node;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

#[derive(Clone, Default)]
pub struct Beside(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    listed: Notify,
}

#[derive(Default)]
struct State {
    /// Somebody waits for a listing.
    wanted: bool,
    whole: bool,
    stamps: HashMap<String, u64>,
}

impl Beside {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next listing is to leave its stamps.
    pub fn expect(&self) {
        *self.lock() = State { wanted: true, ..State::default() };
    }

    /// Of a listing: what it shows of a machine. The earliest counts.
    pub fn saw(&self, object: &Object) {
        let mut state = self.lock();
        if state.wanted && !state.whole {
            state.stamps.entry(object.id.id.clone()).or_insert_with(|| stamp(object));
        }
    }

    /// A listing came to its end.
    pub fn is_whole(&self) {
        let mut state = self.lock();
        state.whole = state.wanted;
        self.0.listed.notify_waiters();
    }

    /// The stamps of a whole listing; waits for it.
    pub async fn stamps(&self) -> HashMap<String, u64> {
        loop {
            let told = self.0.listed.notified();
            tokio::pin!(told);
            told.as_mut().enable();
            {
                let mut state = self.lock();
                if state.whole {
                    return std::mem::take(&mut *state).stamps;
                }
            }
            told.await;
        }
    }
}

/// Of what the watch looks at.
pub fn stamp(object: &Object) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in PATHS {
        path.hash(&mut hasher);
        if let Some(value) = object.prop(path) {
            texts(value, &mut hasher);
        }
    }
    hasher.finish()
}

fn texts(node: &Node, hasher: &mut DefaultHasher) {
    node.text.hash(hasher);
    node.children.iter().for_each(|one| texts(one, hasher));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::clouds::vsphere::xml::parse;

    fn machine(id: &str, state: &str) -> Object {
        let text = format!(
            "<objects><obj type='VirtualMachine'>{id}</obj><propSet><name>runtime.powerState</name><val>{state}</val></propSet></objects>"
        );
        Object::read(parse(&text).unwrap())
    }

    #[tokio::test]
    async fn a_listing_is_waited_for_and_the_earliest_look_counts() {
        let beside = Beside::default();
        beside.saw(&machine("vm-1", "poweredOn"));
        beside.expect();
        let waiting = tokio::spawn({
            let beside = beside.clone();
            async move { beside.stamps().await }
        });
        beside.saw(&machine("vm-1", "poweredOff"));
        beside.saw(&machine("vm-1", "poweredOn"));
        beside.is_whole();
        let stamps = waiting.await.unwrap();
        assert_eq!(stamps.len(), 1);
        assert_eq!(stamps["vm-1"], stamp(&machine("vm-1", "poweredOff")));
        assert_ne!(stamps["vm-1"], stamp(&machine("vm-1", "poweredOn")));
    }
}
