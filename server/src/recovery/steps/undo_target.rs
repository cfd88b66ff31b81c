//! Takes away what the cancelled run had made at the target. Never a copy that was promoted.

use super::{End, Halt, done};
use crate::{
    clouds::{error::Error, guard::LONG},
    inventory,
    recovery::{context::Context, publish},
    store::{copies, points},
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let cloud = remove(ctx).await?;
    done(format!("Nothing of this run is left of {} at {cloud}.", ctx.subject()?.name), ctx.own())
}

/// Answers where nothing is left.
pub async fn remove(ctx: &Context) -> Result<String, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let machines = || guard.cloud().machines().ok_or_else(|| Error::lacks("delete machines"));
    let token = ctx.token_of("create")?;
    let found = guard.run("find", LONG, async { machines()?.find(&token).await }).await?;
    if let Some(native_id) = found {
        let machine_id = inventory::machine_id(&subject.target.cloud_id, &native_id);
        if copies::get(&ctx.node.db, &machine_id).await?.is_some_and(|c| c.role == "active") {
            return Err(Halt::failed(format!("The copy of {} at {} is the active one: it is not deleted.", subject.name, guard.name)));
        }
        guard.run("delete", LONG, async { machines()?.delete(&native_id, true).await }).await?;
        ctx.journal.write(|| copies::forget(&ctx.node.db, &ctx.journal.claim, &machine_id)).await?;
        publish::look(&ctx.node, &subject.target.cloud_id, &native_id);
    }
    if let Some(point) = ctx.facts().point_id {
        points::unhold(&ctx.node.db, &point).await?;
    }
    Ok(guard.name.clone())
}
