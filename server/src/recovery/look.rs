//! Looks at machines where they are: at the cloud itself, now, never at what was stored.

use super::{context::Context, steps::Halt};
use crate::{
    clouds::{
        error::{Error, Kind, Result},
        guard::{Guard, SHORT},
    },
    store::copies::{self, CopyPlace},
};
use futures::future::join_all;
use model::machine::PowerState;
use std::time::Duration;

/// A cloud that is known not to answer gets this long to prove the contrary: nobody waits for the dead in a failover.
pub const BRIEF: Duration = Duration::from_millis(1500);
/// For a cloud that was silent until now: one that answers does so in some 50 ms, and this is part of the RTO.
pub const MOMENT: Duration = Duration::from_millis(300);
/// How often a state is read while it is waited for. A change of state is seen within this time.
pub const TICK: Duration = Duration::from_millis(100);

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

async fn alive(ctx: &Context, place: &CopyPlace) -> Option<String> {
    let guard = ctx.node.clouds.get(&place.cloud_id)?;
    // Always a look of its own, right now: a site that came back a second ago must be seen.
    let patience = if ctx.silent.is_silent(&place.cloud_id) { MOMENT } else { SHORT };
    match state(&guard, &place.native_id, patience).await {
        Ok(Some(seen)) if !seen.is_off() => Some(format!("{} at {} ({})", place.native_id, guard.name, seen.as_str())),
        _ => None,
    }
}
