//! Replication cycles inside a run: the initial sync, deltas until little is left, and the final one with the machine off.

use super::{End, Halt, done};
use crate::{
    recovery::{
        context::Context,
        spec::{Facts, Phase},
    },
    replication,
};
use model::{Severity, Transfer};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// So little is left that a further pass would not shorten the downtime: a cycle of this size takes about a second.
const SMALL: u64 = 16 << 20;
/// A machine that writes faster than it can be copied never gets small: after so many passes it is cut over anyway.
const PASSES: u32 = 8;

pub async fn run(ctx: &Context, phase: Phase) -> Result<End, Halt> {
    match phase {
        Phase::Initial => {
            let cycle = cycle(ctx).await?;
            report(ctx, "Everything was copied", cycle)
        }
        Phase::Delta => deltas(ctx).await,
        Phase::Final => {
            let cycle = cycle(ctx).await?;
            report(ctx, "The last changes were copied with the machine off: nothing is lost", cycle)
        }
    }
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

async fn cycle(ctx: &Context) -> Result<replication::Cycle, Halt> {
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
