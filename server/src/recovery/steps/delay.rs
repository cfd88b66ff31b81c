//! Waits for a start delay. A takeover waits for the rest of it only.

use super::{End, Halt, done};
use crate::{
    recovery::{context::Context, deadline::Deadline, spec::Facts},
    state::now,
};
use std::time::Duration;

pub async fn run(ctx: &Context, seconds: u32) -> Result<End, Halt> {
    let began = ctx.own().began_at.unwrap_or_else(now);
    ctx.note(Facts { began_at: Some(began), ..Facts::default() }).await?;
    ctx.sleep(Deadline::rest(&ctx.node, began, Duration::from_secs(seconds.into())).left()).await?;
    done(format!("Waited {seconds} s."), ctx.own())
}
