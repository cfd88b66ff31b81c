//! For a source that did not answer when the failover was begun: should it answer again and turn out to have run on, it
//! was stopped by this run, and what it wrote since its newest recovery point is copied before the machine is handed over.
//! The copy that was made meanwhile is made anew. As long as the source does not answer this takes no time.

use super::{End, Halt, create, done, sync, undo_target};
use crate::{
    recovery::{context::Context, spec::Facts, time_of_day},
    store::{copies, points},
};
use model::Severity;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let (subject, facts) = (ctx.subject()?, ctx.facts());
    let at = facts.taken_at.map_or_else(String::new, |at| format!(" of {}", time_of_day(at)));
    if facts.proved != Some(true) {
        return done(format!("{} does not answer: the newest recovery point{at} is used.", subject.source.cloud), ctx.own());
    }
    if facts.asked_off_at.is_none() {
        let message = format!(
            "{} answers again and {} was off there: the recovery point{at} is used. What it wrote after that stays on its old disks.",
            subject.source.cloud, subject.name
        );
        return done(message, ctx.own());
    }
    let text = format!("{} had run on at {}: what it wrote is copied first.", subject.name, subject.source.cloud);
    ctx.say(Severity::Warning, &text).await?;
    let cycle = match sync::cycle(ctx).await {
        Err(Halt::Failed { message, heals }) => {
            return Err(Halt::Failed { message: format!("{message} {}", sync::choice(ctx).await?), heals });
        }
        other => other?,
    };
    let synced = Facts { taken_at: Some(cycle.taken_at), bytes: Some(cycle.bytes), ..Facts::default() };
    if based_on(ctx).await?.as_ref() == Some(&cycle.point_id) {
        let facts = Facts { point_id: Some(cycle.point_id), ..synced };
        return done("Its last changes are in the recovery point that the copy was made from.", facts);
    }
    undo_target::remove(ctx).await?;
    let point = points::get(&ctx.node.db, &cycle.point_id).await?.ok_or_else(|| Halt::heals("The recovery point is gone again."))?;
    match create::make(ctx, &point).await? {
        End::Done { mut facts, .. } => {
            facts.merge(&synced);
            done(format!("The last changes were copied, and {} was made anew from them: nothing is lost.", subject.name), *facts)
        }
        other => Ok(other),
    }
}

/// The recovery point below the copy that this run has made.
async fn based_on(ctx: &Context) -> Result<Option<String>, Halt> {
    let Some(machine_id) = ctx.facts().machine_id else { return Ok(None) };
    Ok(copies::get(&ctx.node.db, &machine_id).await?.and_then(|c| c.point_id))
}
