//! Gives replication back: a protected machine goes on being protected, one that was only to be moved is left without a trace.

use super::{End, Halt, done};
use crate::{recovery::context::Context, replication, store::members};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let Ok(member_id) = ctx.member() else { return done("Replication was not touched.", ctx.own()) };
    let Some(member) = members::get(&ctx.node.db, &member_id).await? else {
        return done(format!("Nothing of the replication of {} is left.", subject.name), ctx.own());
    };
    if member.group_id.is_some() {
        replication::release(&ctx.node, &member_id, &ctx.run_id).await?;
        return done(format!("Replication of {} goes on as before.", subject.name), ctx.own());
    }
    if member.autostart_was == Some(true) {
        let guard = ctx.cloud(&subject.source.cloud_id)?;
        replication::autostart::put_back(&guard, &subject.source.native_id).await?;
    }
    replication::retire(&ctx.node, &member_id).await?;
    done(format!("Nothing of the replication of {} is left.", subject.name), ctx.own())
}
