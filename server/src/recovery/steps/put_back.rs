//! Starts a source again that this run has stopped and whose machine was never handed over: nobody is served by a machine
//! that runs nowhere. What was begun at the target is removed, where that answers; it is never started in any case.

use super::{End, Halt, done, undo_source, undo_target};
use crate::{
    recovery::{context::Context, spec::Facts},
    state::now,
    store::copies,
};
use model::Severity;

pub async fn run(ctx: &Context, grace_seconds: u32) -> Result<End, Halt> {
    let (subject, facts) = (ctx.subject()?, ctx.facts());
    if handed_over(ctx).await? {
        return done(format!("{} was handed over: there is nothing to put back.", subject.name), ctx.own());
    }
    let Some(asked) = facts.asked_off_at else {
        return done(
            format!("{} was not handed over, and not stopped by this run: it is at {} as it was.", subject.name, subject.source.cloud),
            ctx.own(),
        );
    };
    ctx.note(Facts { put_back_at: Some(ctx.own().put_back_at.unwrap_or_else(now)), ..Facts::default() }).await?;
    match undo_target::remove(ctx).await {
        Err(Halt::Failed { message, .. }) => {
            let text =
                format!("What was begun at {} could not be removed: {message} It is stopped and is never started.", subject.target.cloud);
            ctx.say(Severity::Warning, &text).await?;
        }
        other => drop(other?),
    }
    let cloud = undo_source::restore(ctx, asked, grace_seconds).await?;
    let warning = format!("{} was not handed over. It runs at {cloud} again: read back.", subject.name);
    done(warning.clone(), Facts { warning: Some(warning), ..ctx.own() })
}

/// By the store: the promotion is one transaction there.
async fn handed_over(ctx: &Context) -> Result<bool, Halt> {
    let Some(machine_id) = ctx.facts().machine_id else { return Ok(false) };
    let copy = copies::get(&ctx.node.db, &machine_id).await?;
    Ok(copy.is_some_and(|c| c.role == "active" && c.run_id.as_ref() == Some(&ctx.run_id)))
}
