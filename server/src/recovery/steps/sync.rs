//! Replication cycles inside a run: the initial sync, deltas until little is left, and the final one with the machine off.

use super::{End, Halt, done};
use crate::{
    recovery::{
        context::Context,
        spec::{Facts, Phase},
        time_of_day,
    },
    replication,
    state::now,
    store::points::StoredPoint,
};
use model::{Severity, Transfer};
use std::{sync::Arc, time::Duration};
use tokio::sync::{OwnedSemaphorePermit, watch};

/// So little is left that a further pass would not shorten the downtime: a cycle of this size takes about a second.
const SMALL: u64 = 16 << 20;
/// A machine that writes faster than it can be copied never gets small: after so many passes it is cut over anyway.
const PASSES: u32 = 8;

pub async fn run(ctx: &Context, phase: Phase, older_ok: bool) -> Result<End, Halt> {
    match phase {
        Phase::Initial => {
            let _turns = turns(ctx).await?;
            let cycle = cycle(ctx).await?;
            report(ctx, "Everything was copied", cycle)
        }
        Phase::Delta => deltas(ctx).await,
        Phase::Final if older_ok && ctx.facts().proved == Some(false) => {
            let at = newest(ctx).await?.map_or_else(String::new, |p| format!(" of {}", time_of_day(p.taken_at)));
            done(format!("{} does not answer: the newest recovery point{at} is used.", ctx.subject()?.source.cloud), ctx.own())
        }
        Phase::Final => match cycle(ctx).await {
            Ok(cycle) => report(ctx, "The last changes were copied with the machine off: nothing is lost", cycle),
            Err(Halt::Failed { message, heals }) if older_ok => {
                Err(Halt::Failed { message: format!("{message} {}", choice(ctx).await?), heals })
            }
            Err(halt) => Err(halt),
        },
    }
}

/// Its turn at both clouds; always in the same order, so that two runs never wait for each other.
async fn turns(ctx: &Context) -> Result<Vec<OwnedSemaphorePermit>, Halt> {
    let subject = ctx.subject()?;
    let mut places = [&subject.source, &subject.target];
    places.sort_by(|a, b| a.cloud_id.cmp(&b.cloud_id));
    let mut turns = vec![];
    for place in places {
        let turn = ctx.node.replication.turn(&place.cloud_id, ctx.node.limits.cycles_per_cloud);
        if turn.available_permits() == 0 {
            let limit = ctx.node.limits.cycles_per_cloud;
            ctx.say(Severity::Info, &format!("{limit} first copies are under way at {}: waiting for a turn.", place.cloud)).await?;
        }
        let permit = ctx.unless_interrupted(turn.acquire_owned()).await?;
        turns.push(permit.map_err(|_| Halt::heals("The node is stopping."))?);
    }
    Ok(turns)
}

async fn newest(ctx: &Context) -> Result<Option<StoredPoint>, Halt> {
    Ok(replication::newest(&ctx.node.db, &ctx.member()?).await?)
}

/// What somebody may decide when the last changes cannot be copied: nothing older is taken silently.
pub async fn choice(ctx: &Context) -> Result<String, Halt> {
    let (subject, facts) = (ctx.subject()?, ctx.facts());
    let Some(point) = newest(ctx).await? else { return Ok("Mend it, then retry.".into()) };
    let lost = (facts.off_at.unwrap_or_else(now) - point.taken_at).max(0) / 1000;
    Ok(format!(
        "Mend it, then retry. Or skip this step: {} starts from the older point of {} and loses {lost} s. Or give it up: it is started again at {}.",
        subject.name,
        time_of_day(point.taken_at),
        subject.source.cloud
    ))
}

async fn deltas(ctx: &Context) -> Result<End, Halt> {
    let mut total = 0;
    for pass in 1..=PASSES {
        let mut one = cycle(ctx).await?;
        total += one.bytes;
        if one.bytes <= SMALL || pass == PASSES {
            one.bytes = total;
            return report(ctx, "Little is left to copy", one);
        }
        ctx.say(Severity::Info, &format!("Pass {pass} carried {} MiB, going on.", one.bytes >> 20)).await?;
    }
    Err(Halt::failed("There were no passes."))
}

pub async fn cycle(ctx: &Context) -> Result<replication::Cycle, Halt> {
    let member = ctx.member()?;
    let (shown, mut seen) = watch::channel(Transfer::default());
    let shown = Arc::new(shown);
    let work = replication::cycle(
        &ctx.node,
        &member,
        move |t| {
            shown.send_replace(t);
        },
        ctx.interrupted.clone(),
    );
    let tell = async {
        while seen.changed().await.is_ok() {
            let transfer = *seen.borrow_and_update();
            ctx.progress(transfer).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        std::future::pending::<()>().await;
    };
    let done = tokio::select! { done = work => done, () = tell => unreachable!("it never ends") };
    match done {
        Err(_) if ctx.interrupted.is_cancelled() => Err(Halt::Interrupted),
        other => Ok(other?),
    }
}

fn report(ctx: &Context, what: &str, cycle: replication::Cycle) -> Result<End, Halt> {
    let mut facts = ctx.own();
    facts.merge(&Facts { point_id: Some(cycle.point_id), taken_at: Some(cycle.taken_at), bytes: Some(cycle.bytes), ..Facts::default() });
    done(format!("{what}: {:.1} MiB.", cycle.bytes as f64 / f64::from(1 << 20)), facts)
}
