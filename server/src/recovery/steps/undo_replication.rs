//! Gives replication back: a protected machine goes on being protected, one that was only to be moved is left without a trace.

use super::{End, Halt, done};
use crate::{
    recovery::context::Context,
    replication,
    store::{copies, members},
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let member = match ctx.member() {
        Ok(id) => members::get(&ctx.node.db, &id).await?,
        // Adopted, and the node died before it wrote that down.
        Err(_) => members::of_machine(&ctx.node.db, &subject.machine_id).await?.filter(|m| m.held_by.as_ref() == Some(&ctx.run_id)),
    };
    let Some(member) = member else {
        return done(format!("Nothing of the replication of {} is left.", subject.name), ctx.own());
    };
    let member_id = member.id.clone();
    if member.group_id.is_some() {
        replication::release(&ctx.node, &member_id, &ctx.run_id).await?;
        return done(format!("Replication of {} goes on as before.", subject.name), ctx.own());
    }
    // Not where a copy was left behind that must stay down.
    let active = copies::get(&ctx.node.db, &subject.machine_id).await?.is_none_or(|c| c.role == "active");
    if member.autostart_was == Some(true) && active {
        let guard = ctx.cloud(&subject.source.cloud_id)?;
        replication::autostart::put_back(&guard, &subject.source.native_id).await?;
    }
    replication::retire(&ctx.node, &member_id).await?;
    done(format!("Nothing of the replication of {} is left.", subject.name), ctx.own())
}
