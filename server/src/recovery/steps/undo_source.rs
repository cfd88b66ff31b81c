//! Puts the source back to what it was: running, if the cancelled run had asked it to go down.

use super::{End, Halt, done};
use crate::{
    clouds::{error::Error, guard::LONG},
    recovery::{
        context::Context,
        deadline::Deadline,
        look::{self, TICK},
        publish,
    },
};
use model::{Millis, machine::PowerState};
use std::time::Duration;

/// A guest that was asked to go down and has not done so by then will not.
const LATEST: Duration = Duration::from_secs(30);

pub async fn run(ctx: &Context, grace_seconds: u32) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let Some(asked) = ctx.facts().asked_off_at else {
        return done(format!("{} was not touched at its source.", subject.name), ctx.own());
    };
    let cloud = restore(ctx, asked, grace_seconds).await?;
    done(format!("{} runs at {cloud} again: read back.", subject.name), ctx.own())
}

/// It ran until it was asked to go down at that time: it runs again when this answers where.
pub async fn restore(ctx: &Context, asked: Millis, grace_seconds: u32) -> Result<String, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.source.cloud_id)?;
    let native_id = &subject.source.native_id;
    let settled = Deadline::rest(&ctx.node, asked, LATEST.min(Duration::from_secs(grace_seconds.into())));
    loop {
        match look::state(&guard, native_id, Duration::from_secs(8)).await? {
            None => return Err(Halt::failed(format!("{} no longer exists at {}.", subject.name, guard.name))),
            Some(PowerState::Running) if settled.is_over() => break,
            Some(state) if state.is_off() => {
                start(ctx, &guard, native_id).await?;
                break;
            }
            Some(_) => ctx.sleep(TICK).await?,
        }
    }
    publish::look(&ctx.node, &subject.source.cloud_id, native_id);
    Ok(guard.name.clone())
}

async fn start(ctx: &Context, guard: &crate::clouds::guard::Guard, native_id: &str) -> Result<(), Halt> {
    let subject = ctx.subject()?;
    let lineage = ctx.lineage()?;
    if let Some(place) = look::other_alive(ctx, &lineage, &subject.machine_id).await? {
        return Err(Halt::failed(format!("Another copy of {} is alive: {place}. The source is not started.", subject.name)));
    }
    guard.run("start", LONG, async { guard.cloud().power().ok_or_else(|| Error::lacks("start machines"))?.start(native_id).await }).await?;
    let deadline = Deadline::after(Duration::from_secs(60));
    while look::state(guard, native_id, Duration::from_secs(8)).await? != Some(PowerState::Running) {
        if deadline.is_over() {
            return Err(Halt::failed(format!("{} was started at {} but does not run.", subject.name, guard.name)));
        }
        ctx.sleep(TICK).await?;
    }
    Ok(())
}
