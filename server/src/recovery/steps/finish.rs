//! The end of a run: replication is let go, and groups whose members have all been recovered swap their sites.

use super::{End, Halt, done};
use crate::{
    recovery::context::Context,
    replication,
    store::{members, plans},
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    for subject in &ctx.spec.subjects {
        let member = subject.member_id.clone().or_else(|| ctx.facts_of(&subject.label).member_id);
        if let Some(member) = member {
            let_go(ctx, &member).await?;
        }
    }
    let mut swapped = vec![];
    for group in &ctx.spec.group_ids {
        if plans::swap_sites(&ctx.node.db, group, ctx.spec.site.as_deref().unwrap_or_default()).await? {
            swapped.push(group.as_str());
            crate::recovery::publish::group(&ctx.node, group);
        }
    }
    let message = match (ctx.spec.group_ids.len(), swapped.len()) {
        (0, _) => "Everything was observed and written down.".into(),
        (all, all_swapped) if all == all_swapped => "The recovery site is the protected site of its groups now.".into(),
        (_, some) => format!("{some} of the groups changed their site; the others still have machines to recover."),
    };
    done(message, ctx.own())
}

/// A machine that was only moved needs no replication any more; the point below its disks is held and stays.
async fn let_go(ctx: &Context, member_id: &str) -> Result<(), Halt> {
    match members::get(&ctx.node.db, member_id).await? {
        Some(member) if member.group_id.is_none() => replication::retire(&ctx.node, member_id).await?,
        Some(_) => replication::release(&ctx.node, member_id, &ctx.run_id).await?,
        None => {}
    }
    Ok(())
}
