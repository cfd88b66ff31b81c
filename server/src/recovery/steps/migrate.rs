//! Moves the machine while it runs, with its memory and disks, between two clouds that can do that.

use super::{End, Halt, done};
use crate::{
    clouds::{error::Error, guard::SHORT},
    inventory,
    recovery::{context::Context, look, spec::Facts},
    state::now,
    store::copies::{self, Incoming},
};
use model::{Transfer, machine::PowerState};
use std::time::Duration;
use tokio::sync::mpsc;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let (source, target) = (ctx.cloud(&subject.source.cloud_id)?, ctx.cloud(&subject.target.cloud_id)?);
    // The machine keeps its identity: the target shows it under the same native id.
    let native_id = &subject.source.native_id;
    let machine_id = inventory::machine_id(&subject.target.cloud_id, native_id);
    let there = look::state(&target, native_id, Duration::from_secs(8)).await?;
    if there != Some(PowerState::Running) {
        let lineage = ctx.lineage()?;
        let copy = Incoming { machine_id: &machine_id, lineage: &lineage, point_id: None, at: now() };
        ctx.journal.write(|| copies::incoming(&ctx.node.db, &ctx.journal.claim, &copy)).await?;
        send(ctx, &source, &target).await?;
    }
    let (here, there) = (look::state(&source, native_id, SHORT).await?, look::state(&target, native_id, SHORT).await?);
    if there != Some(PowerState::Running) || here.is_some_and(|s| !s.is_off()) {
        return Err(Halt::failed(format!(
            "After the migration {} is not running at {} alone. Look at both sides.",
            subject.name, target.name
        )));
    }
    let at = now();
    let facts = Facts {
        native_id: Some(native_id.clone()),
        machine_id: Some(machine_id),
        off_at: Some(at),
        proved: Some(true),
        running_at: Some(at),
        ..ctx.own()
    };
    done(format!("{} runs at {}, and is off at {}: read back.", subject.name, target.name, source.name), facts)
}

async fn send(ctx: &Context, source: &crate::clouds::guard::Guard, target: &crate::clouds::guard::Guard) -> Result<(), Halt> {
    let subject = ctx.subject()?;
    let lacks = || Error::lacks("migrate running machines");
    let endpoint = target.run("endpoint", SHORT, async { target.cloud().live_migration().ok_or_else(lacks)?.endpoint().await }).await?;
    let (tell, mut told) = mpsc::channel(8);
    let migration = source.cloud().live_migration().ok_or_else(lacks)?;
    let work = migration.migrate(&subject.source.native_id, &endpoint, &subject.networks, tell);
    tokio::pin!(work);
    loop {
        tokio::select! {
            ended = &mut work => return Ok(ended?),
            Some((done, total)) = told.recv() => ctx.progress(Transfer { done, total, rate: 0 }).await,
            // Dropping the call cancels the migration and leaves the source running.
            () = ctx.interrupted.cancelled() => return Err(Halt::Interrupted),
        }
    }
}
