//! The cutover: one transaction makes the new copy the active one and every other one superseded, before it is started.

use super::{End, Halt, done};
use crate::{
    recovery::context::Context,
    state::now,
    store::copies::{self, Promotion},
};

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let facts = ctx.facts();
    let (lineage, member) = (ctx.lineage()?, ctx.member()?);
    let new = facts.machine_id.ok_or_else(|| Halt::failed("The machine at the target was not made yet."))?;
    let promotion = Promotion { lineage: &lineage, member_id: &member, old: &subject.machine_id, new: &new, at: now() };
    ctx.journal.write(|| copies::promote(&ctx.node.db, &ctx.journal.claim, &promotion)).await?;
    crate::recovery::publish::machines(&ctx.node, &[&subject.machine_id, &new]).await;
    done(format!("The copy at {} is the active one; the one at {} is superseded.", subject.target.cloud, subject.source.cloud), ctx.own())
}
