//! Makes the source's own hypervisor refuse to start the superseded copy, and reads that back.

use super::{End, Halt, done};
use crate::{
    clouds::error::Kind,
    recovery::{context::Context, old_copy},
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let guard = ctx.cloud(&subject.source.cloud_id)?;
    let native_id = &subject.source.native_id;
    if !old_copy::can_lock(&guard) {
        return done(format!("{} cannot lock machines; inventory watches that the old copy stays down.", guard.name), ctx.own());
    }
    let target = ctx.cloud(&subject.target.cloud_id)?;
    match old_copy::lock(&guard, native_id, &subject.name, &old_copy::reason(&target.name, &target.site)).await {
        Err(e) if e.kind == Kind::NotFound => done(format!("{} no longer exists at {}.", subject.name, guard.name), ctx.own()),
        Err(e) => Err(e.into()),
        Ok(()) => done(format!("The old copy at {} is locked against start: read back.", guard.name), ctx.own()),
    }
}
