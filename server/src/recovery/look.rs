//! Looks at machines where they are: at the cloud itself, now, never at what was stored.

use super::{context::Context, steps::Halt};
use crate::{
    clouds::{
        error::{Error, Kind, Result},
        guard::{Guard, SHORT},
    },
    state::Node,
    store::copies::{self, CopyPlace},
};
use futures::future::join_all;
use model::{cloud::CloudStatus, machine::PowerState};
use std::{future::Future, time::Duration};

/// A cloud that is known not to answer gets this long to prove the contrary: nobody waits for the dead in a failover.
pub const BRIEF: Duration = Duration::from_millis(1500);
/// For a cloud that was silent until now: one that answers does so in some 50 ms, and this is part of the RTO.
pub const MOMENT: Duration = Duration::from_millis(200);
/// Where inventory shows the cloud as unreachable and another look follows before anything is started.
pub const GLANCE: Duration = Duration::from_millis(150);
/// A sign of life that is older says nothing about now.
const SIGN: Duration = Duration::from_secs(3);
/// How often a state is read while it is waited for. A change of state is seen within this time.
pub const TICK: Duration = Duration::from_millis(100);

/// For a cloud that did not answer just now.
pub fn patience(guard: &Guard) -> Duration {
    if guard.cloud().last_sign().is_some_and(|ago| ago < SIGN) { SHORT } else { BRIEF }
}

/// `None`: the cloud answers, and it has no such machine.
pub async fn state(guard: &Guard, native_id: &str, patience: Duration) -> Result<Option<PowerState>> {
    // Not in the queue of the guard's limits: those may be taken up by calls that hang.
    let look = guard.glance("state", patience.min(SHORT), async {
        guard.cloud().power().ok_or_else(|| Error::lacks("tell the state of a machine"))?.state(native_id).await
    });
    match look.await {
        Ok(state) => Ok(Some(state)),
        Err(e) if e.kind == Kind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The last look at a machine that somebody stated to be off. Nobody waits for a cloud that is known to be gone.
pub async fn of_the_stated(node: &Node, guard: &Guard, native_id: &str) -> Result<Option<PowerState>> {
    if node.inventory.clouds().get(&guard.id).is_none_or(|c| c.status != CloudStatus::Unreachable) {
        return state(guard, native_id, BRIEF).await;
    }
    let silent = || Err(Error::transient(format!("{} does not answer.", guard.name)));
    unless_dead(guard, GLANCE, state(guard, native_id, SHORT)).await.unwrap_or_else(silent)
}

/// Another copy of the machine that is seen alive now: where.
pub async fn other_alive(ctx: &Context, lineage: &str, except: &str) -> std::result::Result<Option<String>, Halt> {
    let subject = ctx.subject()?;
    let mut places = copies::places(&ctx.node.db, lineage, except).await?;
    if subject.machine_id != except && !places.iter().any(|p| p.machine_id == subject.machine_id) {
        let (machine_id, cloud_id) = (subject.machine_id.clone(), subject.source.cloud_id.clone());
        places.push(CopyPlace { machine_id, cloud_id, native_id: subject.source.native_id.clone() });
    }
    let looks = places.iter().map(|place| alive(ctx, place));
    Ok(join_all(looks).await.into_iter().flatten().next())
}

/// Waits a moment for a cloud that was silent until now; for one that gives a sign of life as long as it takes: a first
/// connection to a site that is just coming back may be slow. `None`: no sign.
async fn unless_dead<T>(guard: &Guard, moment: Duration, look: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(look);
    if let Ok(seen) = tokio::time::timeout(moment, &mut look).await {
        return Some(seen);
    }
    // The watcher of silent clouds tries all the time: the sign may be from its attempt, which this one waits for.
    let sign = guard.cloud().last_sign().is_some_and(|ago| ago < SIGN);
    if sign { Some(look.await) } else { None }
}

async fn alive(ctx: &Context, place: &CopyPlace) -> Option<String> {
    let guard = ctx.node.clouds.get(&place.cloud_id)?;
    // Always a look of its own, right now: a site that came back a second ago must be seen.
    let look = state(&guard, &place.native_id, SHORT);
    let seen = if ctx.silent.is_silent(&place.cloud_id) { unless_dead(&guard, MOMENT, look).await? } else { look.await };
    match seen {
        Ok(Some(seen)) if !seen.is_off() => Some(format!("{} at {} ({})", place.native_id, guard.name, seen.as_str())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::{Cloud, Inventory, Settings, registry};
    use model::cloud::{Capability, ProbeReport};
    use std::{sync::Arc, time::Instant};

    /// A cloud of which something was heard so long ago.
    struct Heard(Arc<dyn Cloud>, Option<Duration>);

    #[async_trait::async_trait]
    impl Cloud for Heard {
        fn kind(&self) -> &'static str {
            self.0.kind()
        }
        fn capabilities(&self) -> Vec<Capability> {
            self.0.capabilities()
        }
        async fn probe(&self) -> Result<ProbeReport> {
            self.0.probe().await
        }
        fn inventory(&self) -> &dyn Inventory {
            self.0.inventory()
        }
        fn last_sign(&self) -> Option<Duration> {
            self.1
        }
    }

    fn guard(sign: Option<Duration>) -> Guard {
        let driver = Arc::new(Heard(registry::open("simulator", Settings::default()).unwrap(), sign));
        Guard::new("i".into(), "n".into(), "s".into(), true, driver, 4, Arc::new(tokio::sync::Semaphore::new(4)))
    }

    /// A first connection that takes a second: the dead cost a moment, the slow are waited for.
    #[tokio::test]
    async fn a_slow_first_connection_is_waited_for_and_a_dead_one_is_not() {
        let slow = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            "it runs"
        };
        let begun = Instant::now();
        assert_eq!(unless_dead(&guard(None), MOMENT, slow()).await, None);
        assert_eq!(unless_dead(&guard(Some(Duration::from_secs(60))), MOMENT, slow()).await, None, "that was long ago");
        assert!(begun.elapsed() < Duration::from_millis(900), "it is part of the RTO");
        assert_eq!(unless_dead(&guard(Some(Duration::from_millis(200))), MOMENT, slow()).await, Some("it runs"));
        assert!(patience(&guard(Some(Duration::ZERO))) > patience(&guard(None)));
    }
}
