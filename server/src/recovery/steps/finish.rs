//! The end of a run: replication is let go, and groups whose members have all been recovered swap their sites.

use super::{End, Halt, done};
use crate::{
    recovery::context::Context,
    replication,
    store::{members, plans, targets},
};
use model::Id;
use std::collections::BTreeSet;

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    for subject in &ctx.spec.subjects {
        let member = subject.member_id.clone().or_else(|| ctx.facts_of(&subject.label).member_id);
        if let Some(member) = member {
            let_go(ctx, &member).await?;
        }
    }
    for further in further(ctx).await? {
        // Their main target is where they run, from now on.
        targets::exchange(&ctx.node.db, &further).await?;
    }
    let mut swapped = 0;
    let groups = groups(ctx).await?;
    for (group, from) in &groups {
        if plans::swap_sites(&ctx.node.db, group, from).await? {
            swapped += 1;
            crate::recovery::publish::group(&ctx.node, group);
        }
    }
    let message = match (groups.len(), swapped) {
        (0, _) => "Everything was observed and written down.".into(),
        (all, all_swapped) if all == all_swapped => "The recovery site is the protected site of its groups now.".into(),
        (_, 0) => "The sites of the group stay as they are: it still has machines at the protected one.".into(),
        (_, some) => format!("{some} of the groups changed their site; the others still have machines to recover."),
    };
    done(message, ctx.own())
}

/// The further targets that machines of this run came up at.
async fn further(ctx: &Context) -> Result<BTreeSet<Id>, Halt> {
    let mut found = BTreeSet::new();
    for member in ctx.spec.subjects.iter().filter_map(|s| s.member_id.as_ref()) {
        let member = members::get(&ctx.node.db, member).await?.filter(|m| m.further);
        found.extend(member.and_then(|m| m.group_id));
    }
    Ok(found)
}

/// The groups of its machines, with the site that these left.
async fn groups(ctx: &Context) -> Result<Vec<(Id, String)>, Halt> {
    if let Some(site) = &ctx.spec.site {
        return Ok(ctx.spec.group_ids.iter().map(|g| (g.clone(), site.clone())).collect());
    }
    let mut found = vec![];
    for subject in &ctx.spec.subjects {
        let Some(member) = &subject.member_id else { continue };
        let group = members::get(&ctx.node.db, member).await?.and_then(|m| m.group_id);
        found.extend(group.map(|g| (g, subject.source.site.clone())));
    }
    Ok(found)
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
