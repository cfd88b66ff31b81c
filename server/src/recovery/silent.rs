//! Clouds that do not answer while a run goes on.
//!
//! Before every start the other copies of the machine are looked at. A lost site would make each start wait for a
//! whole timeout, one after the other, and that time is part of the RTO. So a cloud that did not answer once is looked
//! at again and again in the background: as long as it stays silent, a start gives it a moment only; once it is back it
//! is looked at with all patience. A start never relies on an earlier look: that was tried, and two copies ran.

use super::{context::Context, look};
use model::Id;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// One look of the watcher and the pause before it, and a little more.
const FRESH: Duration = Duration::from_millis(2200);
const PAUSE: Duration = Duration::from_millis(300);

#[derive(Default)]
pub struct Silent(Mutex<HashMap<Id, Instant>>);

impl Silent {
    pub fn is_silent(&self, cloud_id: &str) -> bool {
        self.seen().get(cloud_id).is_some_and(|at| at.elapsed() < FRESH)
    }

    /// The cloud of this machine has just not answered: keeps looking until it does, or the run leaves this node.
    pub fn watch(self: &Arc<Self>, ctx: &Context, cloud_id: &str, native_id: &str) {
        if self.seen().insert(cloud_id.to_owned(), Instant::now()).is_some() {
            return;
        }
        let (me, node, lease) = (Arc::downgrade(self), ctx.node.clone(), ctx.journal.lease.clone());
        let (cloud_id, native_id) = (cloud_id.to_owned(), native_id.to_owned());
        ctx.node.tasks.spawn(async move {
            while lease.alive() && !node.stopping.is_cancelled() {
                tokio::time::sleep(PAUSE).await;
                let silent = match node.clouds.get(&cloud_id) {
                    // Longer for one that gives signs of life: it would never be seen back otherwise.
                    Some(guard) => look::state(&guard, &native_id, look::patience(&guard)).await.is_err(),
                    None => true,
                };
                let Some(me) = me.upgrade() else { return };
                if !silent {
                    me.seen().remove(&cloud_id);
                    return;
                }
                me.seen().insert(cloud_id.clone(), Instant::now());
            }
        });
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<Id, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
