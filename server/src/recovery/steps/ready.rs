//! Sees that the target can take the machine, before a source that answers is stopped for it. Touches nothing.

use super::{End, Halt, create, done};
use crate::{
    clouds::error::Error,
    recovery::{
        context::Context,
        room::{self, Wanted},
    },
};
use std::time::Duration;

/// A cloud that takes longer to look is not one to rely on for the time without the machine.
const PATIENCE: Duration = Duration::from_secs(8);

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let point = create::point(ctx).await?;
    let there = guard.glance("look at point", PATIENCE, async {
        guard.cloud().disk_sink().ok_or_else(|| Error::lacks("keep recovery points"))?.exists(&point.sink_ref).await
    });
    if !there.await? {
        return Err(Halt::failed(format!(
            "The recovery point of {} is not at {} any more. It runs on at {}.",
            subject.name, guard.name, subject.source.cloud
        )));
    }
    let lineage = ctx.lineage()?;
    let wanted = Wanted { spec: &point.spec, lineage: Some(&lineage), networks: &subject.networks, storage: &subject.storage };
    let found = room::problems(&ctx.node.db, &guard, &wanted, PATIENCE).await?;
    let stops: Vec<String> = found.iter().filter(|p| p.blocks()).map(|p| format!("{}: {} {}", p.subject, p.what, p.remedy)).collect();
    if stops.is_empty() {
        return done(format!("{} answers and can take {}.", guard.name, subject.name), ctx.own());
    }
    Err(Halt::failed(format!(
        "{} cannot take {}, so it runs on at {}. {}",
        guard.name,
        subject.name,
        subject.source.cloud,
        stops.join(" ")
    )))
}
