//! Makes the source's own hypervisor refuse to start the superseded copy, and reads that back.

use super::{End, Halt, done};
use crate::{
    clouds::{
        error::{Error, Kind},
        guard::{LONG, SHORT},
    },
    recovery::context::Context,
};
use model::cloud::Capability;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.source.cloud_id)?;
    let native_id = &subject.source.native_id;
    if !guard.cloud().capabilities().contains(&Capability::StartLock) {
        return done(format!("{} cannot lock machines; inventory watches that the old copy stays down.", guard.name), ctx.own());
    }
    let power = || guard.cloud().power().ok_or_else(|| Error::lacks("lock machines"));
    let reason = format!("superseded by the copy at {} (run {})", subject.target.cloud, ctx.run_id);
    match guard.run("lock", LONG, async { power()?.lock(native_id, &reason).await }).await {
        Err(e) if e.kind == Kind::NotFound => return done(format!("{} no longer exists at {}.", subject.name, guard.name), ctx.own()),
        other => other?,
    }
    let seen = guard.run("one", SHORT, guard.cloud().inventory().one(native_id)).await?;
    match seen {
        Some(seen) if seen.locked.is_none() => {
            Err(Halt::heals(format!("{} accepted the lock of {} but does not show it.", guard.name, subject.name)))
        }
        _ => done(format!("The old copy at {} is locked against start: read back.", guard.name), ctx.own()),
    }
}
