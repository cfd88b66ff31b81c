//! Sets the time until which the superseded copy is kept; `recovery::reaper` removes it after that.

use super::{End, Halt, done};
use crate::{inventory::alarms::latest_now, recovery::context::Context, store::copies};

pub async fn run(ctx: &Context, keep_hours: u32) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let until = latest_now(&ctx.node) + i64::from(keep_hours) * 3_600_000;
    ctx.journal.write(|| copies::keep_until(&ctx.node.db, &ctx.journal.claim, &subject.machine_id, until)).await?;
    done(format!("The old copy at {} is kept, stopped, for {keep_hours} h and removed then.", subject.source.cloud), ctx.own())
}
