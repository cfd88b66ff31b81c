//! The cutover: one transaction makes the new copy the active one and every other one superseded, before it is started.

use super::{End, Halt, done};
use crate::{
    recovery::{context::Context, look},
    state::now,
    store::copies::{self, Promotion},
};
use std::time::Duration;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let facts = ctx.facts();
    let (lineage, member) = (ctx.lineage()?, ctx.member()?);
    let new = facts.machine_id.ok_or_else(|| Halt::failed("The machine at the target was not made yet."))?;
    still_off(ctx).await?;
    let promotion = Promotion { lineage: &lineage, member_id: &member, old: &subject.machine_id, new: &new, at: now() };
    ctx.journal.write(|| copies::promote(&ctx.node.db, &ctx.journal.claim, &promotion)).await?;
    crate::recovery::publish::machines(&ctx.node, &[&subject.machine_id, &new]).await;
    done(format!("The copy at {} is the active one; the one at {} is superseded.", subject.target.cloud, subject.source.cloud), ctx.own())
}

/// A source that was read back as off may have been started since, by whomever: then it is the machine, and the copy is
/// stale. One that never answered is not asked: the typed statement stands in for it.
async fn still_off(ctx: &Context) -> Result<(), Halt> {
    let subject = ctx.subject()?;
    if ctx.facts().proved != Some(true) || ctx.silent.is_silent(&subject.source.cloud_id) {
        return Ok(());
    }
    let Some(guard) = ctx.node.clouds.get(&subject.source.cloud_id) else { return Ok(()) };
    match look::state(&guard, &subject.source.native_id, Duration::from_secs(2)).await {
        Ok(Some(state)) if !state.is_off() => Err(Halt::failed(format!(
            "{} runs at {} again, so the copy at {} lacks what it writes now: it is not handed over. Stop it there and begin again.",
            subject.name, guard.name, subject.target.cloud
        ))),
        _ => Ok(()),
    }
}
