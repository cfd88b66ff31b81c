//! Stops the machine at its source, first by asking the guest, then hard, and reads back that it is off.
//!
//! Where the cloud does not answer this cannot be proved. A move fails then; a failover goes on only under the statement
//! that somebody typed, and says so.

use super::{End, Halt, done};
use crate::{
    clouds::{
        StopMode,
        error::Error,
        guard::{Guard, LONG},
    },
    recovery::{
        context::Context,
        deadline::Deadline,
        look::{self, TICK},
        spec::Facts,
    },
    state::now,
};
use model::{Severity, machine::PowerState};
use std::time::{Duration, Instant};

/// A hard stop is over in a second or two; a host under load gets more.
const HARD: Duration = Duration::from_secs(30);
/// Looks that fail in a row before the cloud counts as gone.
const MISSES: u32 = 3;

pub async fn run(ctx: &Context, grace_seconds: u32, unproved_ok: bool) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.source.cloud_id);
    let stated = unproved_ok && ctx.statement.is_some();
    let seen = match &guard {
        Ok(guard) if stated => look::of_the_stated(&ctx.node, guard, &subject.source.native_id).await.map_err(Halt::from),
        Ok(guard) => look::state(guard, &subject.source.native_id, Duration::from_secs(8)).await.map_err(Halt::from),
        Err(_) => Err(Halt::heals(format!("This node is not connected to {}.", subject.source.cloud))),
    };
    match (seen, guard) {
        (Ok(None), _) => off(ctx, format!("{} no longer exists at {}.", subject.name, subject.source.cloud)).await,
        (Ok(Some(state)), _) if state.is_off() => {
            off(ctx, format!("{} is off at {}: read back.", subject.name, subject.source.cloud)).await
        }
        (Ok(Some(_)), Ok(guard)) => stop(ctx, &guard, grace_seconds, unproved_ok).await,
        (Err(halt), _) if unproved_ok => unproved(ctx, halt).await,
        (Err(halt), _) | (_, Err(halt)) => Err(halt),
    }
}

async fn stop(ctx: &Context, guard: &Guard, grace_seconds: u32, unproved_ok: bool) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let asked = match ctx.own().asked_off_at {
        Some(at) => at,
        None => {
            let at = now();
            ctx.note(Facts { asked_off_at: Some(at), ..Facts::default() }).await?;
            at
        }
    };
    let limit = Duration::from_secs(grace_seconds.into());
    let grace = Deadline::rest(&ctx.node, asked, limit);
    let (begun, gone) = (Instant::now(), limit - grace.left().min(limit));
    if !grace.is_over() {
        order(guard, &subject.source.native_id, StopMode::Graceful).await?;
    }
    let mut hard = None;
    let mut misses = 0;
    loop {
        match look::state(guard, &subject.source.native_id, Duration::from_secs(3)).await {
            Ok(None) => return off(ctx, format!("{} no longer exists at {}.", subject.name, guard.name)).await,
            Ok(Some(state)) if state.is_off() => {
                return off(ctx, stopped(&subject.name, &guard.name, hard.is_some(), state, gone + begun.elapsed())).await;
            }
            Ok(Some(_)) => misses = 0,
            Err(error) => {
                misses += 1;
                if misses >= MISSES {
                    return if unproved_ok { unproved(ctx, error.into()).await } else { Err(error.into()) };
                }
            }
        }
        if grace.is_over() && hard.is_none() {
            let text = format!("{} did not go down within {grace_seconds} s: taking its power away.", subject.name);
            ctx.say(Severity::Warning, &text).await?;
            order(guard, &subject.source.native_id, StopMode::Hard).await?;
            hard = Some(Deadline::after(HARD));
        }
        if hard.is_some_and(Deadline::is_over) {
            return Err(Halt::failed(format!(
                "{} still runs at {}: it could not be stopped. Stop it there, then retry.",
                subject.name, guard.name
            )));
        }
        ctx.sleep(TICK).await?;
    }
}

async fn order(guard: &Guard, native_id: &str, mode: StopMode) -> Result<(), Error> {
    guard.run("stop", LONG, async { guard.cloud().power().ok_or_else(|| Error::lacks("stop machines"))?.stop(native_id, mode).await }).await
}

fn stopped(name: &str, cloud: &str, hard: bool, state: PowerState, took: Duration) -> String {
    let how = if hard { "Power was taken away from" } else { "Shut down" };
    format!("{how} {name} in {:.1} s; {cloud} reads back '{}'.", took.as_secs_f64(), state.as_str())
}

async fn off(ctx: &Context, message: String) -> Result<End, Halt> {
    let off_at = ctx.own().off_at.unwrap_or_else(now);
    done(message, Facts { off_at: Some(off_at), proved: Some(true), ..ctx.own() })
}

/// The source does not answer. Who said that it is off?
async fn unproved(ctx: &Context, halt: Halt) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let why = match halt {
        Halt::Failed { message, .. } => message,
        other => return Err(other),
    };
    let site = &subject.source.site;
    ctx.note(Facts { proved: Some(false), ..Facts::default() }).await?;
    ctx.silent.watch(ctx, &subject.source.cloud_id, &subject.source.native_id);
    if let Some(statement) = &ctx.statement {
        let message =
            format!("It could not be proved that {} is off at {site}: {why} The typed statement stands in: \"{statement}\".", subject.name);
        ctx.say(Severity::Warning, &message).await?;
        return done(message, Facts { proved: Some(false), ..ctx.own() });
    }
    let sentence = crate::recovery::statement(site);
    let message = format!(
        "{site} stopped answering before {} was seen off: {why} If you have made sure, answer with exactly: {sentence}",
        subject.name
    );
    Ok(End::Ask { message })
}
