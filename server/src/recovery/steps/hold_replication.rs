//! Takes replication of the machine into the hands of this run: background cycles stop, retention leaves its points.

use super::{End, Halt, done};
use crate::{
    recovery::{context::Context, old_copy, spec::Facts},
    replication::{self, Job, autostart},
    store::{members, runs},
};
use model::Severity;
use std::time::Duration;

const HANGING: Duration = Duration::from_millis(300);

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let member_id = match subject.member_id.clone().or(ctx.own().member_id) {
        Some(id) => id,
        None => {
            let id = replication::adopt(&ctx.node, &subject.machine_id, &subject.target.cloud_id, &ctx.run_id, &subject.storage).await?;
            ctx.note(Facts { member_id: Some(id.clone()), ..Facts::default() }).await?;
            id
        }
    };
    hold(ctx, &member_id).await?;
    if ctx.spec.site.is_none() {
        autostart_off(ctx, &member_id).await?;
    }
    let gone = || Halt::failed("The member under replication is gone.");
    let lineage = members::get(&ctx.node.db, &member_id).await?.ok_or_else(gone)?.lineage;
    // Other copies of the machine are out of reach for other runs as well.
    if !runs::lock(&ctx.node.db, &ctx.journal.claim, &lineage).await? {
        return Err(Halt::failed(format!("Another run works on a copy of {}. Wait for it, then retry.", subject.name)));
    }
    old_copy::settled(ctx, &lineage, &subject.target.cloud_id).await?;
    let facts = Facts { member_id: Some(member_id), lineage: Some(lineage), ..Facts::default() };
    done(format!("Replication of {} is in the hands of this run.", subject.name), facts)
}

/// The cycle under way ends first, but a failover does not wait for one that hangs at a lost site: should it still
/// commit a point, that is one more, and the run has chosen its own by then.
async fn hold(ctx: &Context, member_id: &str) -> Result<(), Halt> {
    let hold = replication::hold(&ctx.node, member_id, &ctx.run_id);
    if ctx.statement.is_none() {
        return Ok(hold.await?);
    }
    match tokio::time::timeout(HANGING, hold).await {
        Ok(held) => Ok(held?),
        Err(_) if members::get(&ctx.node.db, member_id).await?.is_some_and(|m| m.held_by.as_ref() == Some(&ctx.run_id)) => {
            Ok(ctx.say(Severity::Info, "A replication cycle hangs at the lost site; it ends by itself.").await?)
        }
        Err(_) => Err(Halt::heals("Replication could not be taken over yet.")),
    }
}

/// The source of a move must not come up by itself once it is stopped; what was set is kept at the member and put back
/// by a cancel. The machines of a failover lost theirs when they were protected.
async fn autostart_off(ctx: &Context, member_id: &str) -> Result<(), Halt> {
    let job = Job::load(&ctx.node, member_id, ctx.node.replication.slot(member_id)).await?;
    // Points that cost much are a warning of the member, too, and hold nothing up.
    match autostart::ensure_off(&job).await? {
        Some(why) => Err(Halt::heals(why)),
        None => Ok(()),
    }
}
