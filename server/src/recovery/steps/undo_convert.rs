//! Takes the converted recovery point away: replication goes on from the one below it, which is as the source left it.

use super::{End, Halt, done};
use crate::{
    recovery::{context::Context, convert},
    replication::prune,
    store::points,
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    convert::remove(&ctx.node, &ctx.token_of("convert")?);
    if let Ok(member) = ctx.member() {
        // What was committed and has no row is found by the next cycle.
        ctx.node.replication.slot(&member).set_tidied(false);
    }
    let Some(id) = ctx.facts().converted else {
        return done(format!("{} was not converted.", subject.name), ctx.own());
    };
    if points::get(&ctx.node.db, &id).await?.is_none() {
        return done(format!("No converted recovery point of {} is left.", subject.name), ctx.own());
    }
    if !points::doom(&ctx.node.db, &id).await? {
        return Err(Halt::failed(format!(
            "The converted recovery point of {} is in use at {}. Remove the machine there, then retry.",
            subject.name, subject.target.cloud
        )));
    }
    // From here on nobody takes it; its cloud is asked now, and again in the background until it answers.
    if let Err(error) = prune::doomed(&ctx.node).await {
        tracing::debug!(%error, "a converted recovery point is removed later");
    }
    ctx.node.replication.wake();
    done(format!("The converted recovery point of {} is given up: replication goes on from the one before.", subject.name), ctx.own())
}
