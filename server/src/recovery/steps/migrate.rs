//! Moves the machine while it runs, with its memory and disks, between two clouds that can do that.
//!
//! A migration may go on while its node is dead. So each attempt first looks where the machine is: it may have arrived,
//! be on its way still, or never have left. What counts in the end is read back from both clouds.

use super::{End, Halt, done, undo_migrate};
use crate::{
    clouds::{
        MigrateRequest,
        error::Error,
        guard::{Guard, LONG, SHORT},
    },
    inventory,
    recovery::{context::Context, look, publish, spec::Facts},
    state::now,
    store::copies::{self, Incoming},
};
use model::{Transfer, machine::PowerState};
use std::time::Duration;
use tokio::sync::mpsc;

/// Where the machine is, by what both clouds say now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    Source,
    Target,
    /// At the source, but paused: a migration that broke leaves it so.
    Held,
    /// Both or neither run it, or it is in between.
    Unclear,
}

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let (source, target) = (ctx.cloud(&subject.source.cloud_id)?, ctx.cloud(&subject.target.cloud_id)?);
    // The machine keeps its identity: the target shows it under the same native id.
    let native_id = &subject.source.native_id;
    let machine_id = inventory::machine_id(&subject.target.cloud_id, native_id);
    let first = whereabouts(&source, &target, native_id).await?;
    if first != Whereabouts::Target {
        if first == Whereabouts::Held {
            undo_migrate::resume(&source, native_id).await?;
        }
        let lineage = ctx.lineage()?;
        let copy = Incoming { machine_id: &machine_id, lineage: &lineage, point_id: None, at: now() };
        ctx.journal.write(|| copies::incoming(&ctx.node.db, &ctx.journal.claim, &copy)).await?;
        if let Err(halt) = send(ctx, &source, &target, &lineage).await {
            let Halt::Failed { message, heals } = halt else { return Err(halt) };
            // One that an earlier attempt began may have arrived between the look and the act.
            if whereabouts(&source, &target, native_id).await? != Whereabouts::Target {
                return Err(Halt::Failed { message, heals: heals || first == Whereabouts::Unclear });
            }
        }
    }
    let seen = whereabouts(&source, &target, native_id).await?;
    if seen != Whereabouts::Target {
        return Err(Halt::failed(format!(
            "After the migration {} is not running at {} alone ({seen:?}). Look at both sides, then retry or cancel.",
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
    publish::look(&ctx.node, &subject.source.cloud_id, native_id);
    publish::look(&ctx.node, &subject.target.cloud_id, native_id);
    done(format!("{} runs at {}, and is off at {}: read back.", subject.name, target.name, source.name), facts)
}

/// # Errors
/// A cloud that does not answer: then nobody knows.
pub async fn whereabouts(source: &Guard, target: &Guard, native_id: &str) -> Result<Whereabouts, Halt> {
    let patience = Duration::from_secs(8);
    let (here, there) = tokio::join!(look::state(source, native_id, patience), look::state(target, native_id, patience));
    let (here, there) = (here?, there?);
    let off = |state: Option<PowerState>| state.is_none_or(PowerState::is_off);
    Ok(match (here, there) {
        (Some(PowerState::Running), there) if off(there) => Whereabouts::Source,
        (Some(PowerState::Paused), there) if off(there) => Whereabouts::Held,
        (here, Some(PowerState::Running)) if off(here) => Whereabouts::Target,
        _ => Whereabouts::Unclear,
    })
}

async fn send(ctx: &Context, source: &Guard, target: &Guard, lineage: &str) -> Result<(), Halt> {
    let subject = ctx.subject()?;
    let native_id = &subject.source.native_id;
    let lacks = || Error::lacks("migrate running machines");
    let endpoint = target.run("endpoint", SHORT, async { target.cloud().live_migration().ok_or_else(lacks)?.endpoint().await }).await?;
    let request = MigrateRequest {
        token: ctx.token(),
        lineage: lineage.to_owned(),
        native_id: native_id.clone(),
        endpoint,
        networks: subject.networks.clone(),
        storage: subject.storage.clone(),
    };
    let (tell, mut told) = mpsc::channel(8);
    let migration = source.cloud().live_migration().ok_or_else(lacks)?;
    {
        let work = migration.migrate(&request, tell);
        tokio::pin!(work);
        let mut begun = std::time::Instant::now();
        let mut last = 0;
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended?),
                Some((done, total)) = told.recv() => {
                    let ms = begun.elapsed().as_millis().max(1);
                    let rate = u64::try_from(u128::from(done.saturating_sub(last)) * 1000 / ms).unwrap_or_default();
                    (begun, last) = (std::time::Instant::now(), done);
                    ctx.progress(Transfer { done, total, rate }).await;
                }
                // Dropping the call asks it to end; below is where that is seen.
                () = ctx.interrupted.cancelled() => break,
            }
        }
    }
    source.run("cancel_migration", LONG, migration.cancel(native_id)).await?;
    Err(Halt::Interrupted)
}
