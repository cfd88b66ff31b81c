//! Makes room for the machine where an older copy of it lies: that copy gets another name and identity, stopped and
//! locked, with its disks. Never one that runs, and never one that is not superseded.

use super::{End, Halt, create, done};
use crate::{
    clouds::{
        error::{Error, Kind},
        guard::{Guard, LONG},
    },
    inventory,
    recovery::{context::Context, look, old_copy, room},
    state::now,
    store::copies::{self, PlacedCopy},
};
use model::cloud::Capability;
use std::time::Duration;

/// As long as the source of a move is kept by default.
const KEEP_HOURS: i64 = 24;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let lineage = ctx.lineage()?;
    // A node may be locking it at this moment; this run has the lineage, so that none begins any more.
    old_copy::settled(ctx, &lineage, &guard.id).await?;
    let Some(old) = in_the_way(ctx, &guard, &lineage).await? else {
        return done(format!("No older copy of {} is in the way at {}.", subject.name, guard.name), ctx.own());
    };
    let state = look::state(&guard, &old.native_id, Duration::from_secs(8)).await?;
    if let Some(state) = state.filter(|s| !s.is_off()) {
        return Err(Halt::failed(format!(
            "The old copy of {} at {} is not off ({}): it is superseded, stop it there, then retry.",
            subject.name,
            guard.name,
            state.as_str()
        )));
    }
    let machines = || guard.cloud().machines().ok_or_else(|| Error::lacks("set a copy aside"));
    let token = ctx.token();
    let native_id = match guard.run("set_aside", LONG, async { machines()?.set_aside(&old.native_id, &token).await }).await {
        Ok(native_id) => native_id,
        Err(e) if e.kind == Kind::NotFound => {
            copies::removed(&ctx.node.db, &old.machine_id).await?;
            return done(format!("The old copy of {} at {} is gone already.", subject.name, guard.name), ctx.own());
        }
        Err(e) if e.kind == Kind::Unsupported => {
            return done(format!("{} keeps both copies of {} side by side.", guard.name, subject.name), ctx.own());
        }
        Err(e) => return Err(e.into()),
    };
    let machine_id = inventory::machine_id(&subject.target.cloud_id, &native_id);
    let until = now() + KEEP_HOURS * 3_600_000;
    ctx.journal.write(|| copies::renamed(&ctx.node.db, &ctx.journal.claim, &old.machine_id, &machine_id, until)).await?;
    lock(ctx, &guard, &native_id).await?;
    for native_id in [&old.native_id, &native_id] {
        // The copy must be known by its new identity before the place is taken: looks for other copies go by what is known.
        if let Err(error) = inventory::refresh(&ctx.node, &subject.target.cloud_id, native_id).await {
            tracing::debug!(machine = %native_id, %error, "not looked at again");
        }
    }
    done(
        format!("The old copy of {} at {} was set aside, with its disks, and is kept for {KEEP_HOURS} h.", subject.name, guard.name),
        ctx.own(),
    )
}

/// By the identity that the machine will have, or the one that it has at its source.
async fn in_the_way(ctx: &Context, guard: &Guard, lineage: &str) -> Result<Option<PlacedCopy>, Halt> {
    let subject = ctx.subject()?;
    if let Ok(point) = create::point(ctx).await {
        return Ok(room::old_copy(&ctx.node.db, lineage, &guard.id, &point.spec).await?);
    }
    // A move: its first recovery point is yet to be taken.
    let there = copies::at_cloud(&ctx.node.db, lineage, &guard.id).await?;
    let takes_its_place = |c: &PlacedCopy| c.native_id == subject.source.native_id || c.name == subject.name;
    Ok(there.into_iter().find(|c| c.role == "superseded" && takes_its_place(c)))
}

async fn lock(ctx: &Context, guard: &Guard, native_id: &str) -> Result<(), Halt> {
    if !guard.cloud().capabilities().contains(&Capability::StartLock) {
        return Ok(());
    }
    let reason = format!("superseded, and set aside by run {}", ctx.run_id);
    let power = || guard.cloud().power().ok_or_else(|| Error::lacks("lock machines"));
    Ok(guard.run("lock", LONG, async { power()?.lock(native_id, &reason).await }).await?)
}
