//! Looks at machines where they are: at the cloud itself, now, never at what was stored.

use super::context::Context;
use crate::clouds::{
    error::{Error, Kind, Result},
    guard::{Guard, SHORT},
};
use model::machine::PowerState;
use std::time::Duration;

/// A cloud that is known not to answer gets this long to prove the contrary: nobody waits for the dead in a failover.
pub const BRIEF: Duration = Duration::from_millis(1500);
/// How often a state is read while it is waited for. A change of state is seen within this time.
pub const TICK: Duration = Duration::from_millis(100);

/// `None`: the cloud answers, and it has no such machine.
pub async fn state(guard: &Guard, native_id: &str, patience: Duration) -> Result<Option<PowerState>> {
    let look = guard.run("state", patience.min(SHORT), async {
        guard.cloud().power().ok_or_else(|| Error::lacks("tell the state of a machine"))?.state(native_id).await
    });
    // The guard's own limits may be taken up by calls that hang: waiting for them counts too.
    match tokio::time::timeout(patience, look).await {
        Ok(Ok(state)) => Ok(Some(state)),
        Ok(Err(e)) if e.kind == Kind::NotFound => Ok(None),
        Ok(Err(e)) => Err(e),
        Err(_) => Err(Error::transient(format!("{} did not answer within {} ms.", guard.name, patience.as_millis()))),
    }
}

/// Another copy of the machine that was seen alive: where.
pub async fn other_alive(ctx: &Context, lineage: &str, except: &str) -> std::result::Result<Option<String>, super::steps::Halt> {
    let subject = ctx.subject()?;
    let unproved = ctx.facts().proved == Some(false);
    let mut places = crate::store::copies::places(&ctx.node.db, lineage, except).await?;
    if subject.machine_id != except && !places.iter().any(|p| p.machine_id == subject.machine_id) {
        let (machine_id, cloud_id) = (subject.machine_id.clone(), subject.source.cloud_id.clone());
        places.push(crate::store::copies::CopyPlace { machine_id, cloud_id, native_id: subject.source.native_id.clone() });
    }
    let looks = places.iter().map(|place| async {
        let guard = ctx.node.clouds.get(&place.cloud_id)?;
        let patience = if unproved { BRIEF / 3 } else { SHORT };
        match state(&guard, &place.native_id, patience).await {
            Ok(Some(seen)) if !seen.is_off() => Some(format!("{} at {} ({})", place.native_id, guard.name, seen.as_str())),
            _ => None,
        }
    });
    Ok(futures::future::join_all(looks).await.into_iter().flatten().next())
}
