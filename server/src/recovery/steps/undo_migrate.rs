//! After a cancelled live migration: sees that the machine runs at exactly one side, and writes down at which.
//!
//! A migration that had arrived before the cancel took effect is not sent back: the hand-over is completed instead, and
//! the run says so. What runs is the active copy, whatever was wanted.

use super::{
    End, Halt, done,
    migrate::{Whereabouts, whereabouts},
};
use crate::{
    clouds::{
        error::Error,
        guard::{Guard, LONG},
    },
    inventory,
    recovery::{context::Context, look::TICK, publish, spec::Facts},
    state::now,
    store::copies::{self, Promotion},
};
use model::Severity;

/// What a broken migration leaves is cleaned up by the clouds themselves within this time.
const PATIENCE: i64 = 30_000;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let (source, target) = (ctx.cloud(&subject.source.cloud_id)?, ctx.cloud(&subject.target.cloud_id)?);
    let native_id = &subject.source.native_id;
    let lacks = || Error::lacks("migrate running machines");
    let cancel = async { source.cloud().live_migration().ok_or_else(lacks)?.cancel(native_id).await };
    source.run("cancel_migration", LONG, cancel).await?;
    let began = now();
    loop {
        match whereabouts(&source, &target, native_id).await? {
            Whereabouts::Source => return back(ctx, &source, &target).await,
            Whereabouts::Target => return arrived(ctx, &target).await,
            Whereabouts::Held => resume(&source, native_id).await?,
            Whereabouts::Unclear if now() > began + PATIENCE => {
                return Err(Halt::failed(format!(
                    "{} runs neither at {} alone nor at {} alone. Look at both sides, leave it running at one, then retry.",
                    subject.name, source.name, target.name
                )));
            }
            Whereabouts::Unclear => {}
        }
        ctx.sleep(TICK).await?;
    }
}

/// It was paused for the hand-over, which did not come: nothing of it runs elsewhere.
pub async fn resume(source: &Guard, native_id: &str) -> Result<(), Halt> {
    let start = async { source.cloud().power().ok_or_else(|| Error::lacks("start machines"))?.start(native_id).await };
    Ok(source.run("resume", LONG, start).await?)
}

async fn back(ctx: &Context, source: &Guard, target: &Guard) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let machine_id = inventory::machine_id(&subject.target.cloud_id, &subject.source.native_id);
    if let (Ok(lineage), Some(migration)) = (ctx.lineage(), target.cloud().live_migration()) {
        let token = format!("{}.{}.migrate", ctx.run_id, subject.label);
        target.run("forget", LONG, migration.forget(&token, &lineage)).await?;
    }
    ctx.journal.write(|| copies::forget(&ctx.node.db, &ctx.journal.claim, &machine_id)).await?;
    publish::look(&ctx.node, &subject.target.cloud_id, &subject.source.native_id);
    done(format!("{} runs at {}, and nothing of it is at {}: read back.", subject.name, source.name, target.name), ctx.own())
}

async fn arrived(ctx: &Context, target: &Guard) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let new = inventory::machine_id(&subject.target.cloud_id, &subject.source.native_id);
    let (lineage, member) = (ctx.lineage()?, ctx.member()?);
    let promotion = Promotion { lineage: &lineage, member_id: &member, old: &subject.machine_id, new: &new, at: now() };
    ctx.journal.write(|| copies::promote(&ctx.node.db, &ctx.journal.claim, &promotion)).await?;
    publish::machines(&ctx.node, &[&subject.machine_id, &new]).await;
    let said =
        format!("{} had arrived at {} before the cancel: it stays there. Move it back if it is wanted here.", subject.name, target.name);
    ctx.say(Severity::Warning, &said).await?;
    done(said, Facts { machine_id: Some(new), arrived: Some(target.name.clone()), ..ctx.own() })
}
