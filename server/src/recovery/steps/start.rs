//! Starts the promoted copy. Never while another copy of the machine can be seen alive: it looks at the clouds
//! themselves right before, not at what was stored.

use super::{End, Halt, done};
use crate::{
    clouds::{error::Error, guard::LONG},
    recovery::{
        context::Context,
        deadline::Deadline,
        look::{self, TICK},
        publish,
        spec::Facts,
    },
    state::now,
    store::copies,
};
use model::machine::PowerState;
use std::time::Duration;

/// A hypervisor under load takes a few seconds to start a process.
const PATIENCE: Duration = Duration::from_secs(60);

pub async fn run(ctx: &Context) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let facts = ctx.facts();
    let missing = || Halt::failed("The machine at the target was not made yet.");
    let (native_id, machine_id) = (facts.native_id.ok_or_else(missing)?, facts.machine_id.ok_or_else(missing)?);
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let began_at = ctx.own().began_at.unwrap_or_else(now);
    if look::state(&guard, &native_id, Duration::from_secs(8)).await? != Some(PowerState::Running) {
        let began = Facts { began_at: Some(began_at), ..Facts::default() };
        let (alone, noted) = tokio::join!(only_copy(ctx, &machine_id), ctx.note(began));
        alone?;
        noted?;
        guard
            .run("start", LONG, async { guard.cloud().power().ok_or_else(|| Error::lacks("start machines"))?.start(&native_id).await })
            .await?;
    }
    let deadline = Deadline::after(PATIENCE);
    while look::state(&guard, &native_id, Duration::from_secs(8)).await? != Some(PowerState::Running) {
        if deadline.is_over() {
            return Err(Halt::failed(format!(
                "{} was started at {} but does not run. Look at it there, then retry.",
                subject.name, guard.name
            )));
        }
        ctx.sleep(TICK).await?;
    }
    publish::look(&ctx.node, &subject.target.cloud_id, &native_id);
    done(
        format!("{} runs at {}: read back.", subject.name, guard.name),
        Facts { began_at: Some(began_at), running_at: Some(now()), ..Facts::default() },
    )
}

async fn only_copy(ctx: &Context, machine_id: &str) -> Result<(), Halt> {
    let subject = ctx.subject()?;
    let lineage = ctx.lineage()?;
    let role = copies::get(&ctx.node.db, machine_id).await?.map(|c| c.role);
    if role.as_deref() != Some("active") {
        return Err(Halt::failed(format!(
            "The copy of {} at {} is not the active one: it is not started.",
            subject.name, subject.target.cloud
        )));
    }
    match look::other_alive(ctx, &lineage, machine_id).await? {
        None => Ok(()),
        Some(place) => Err(Halt::failed(format!(
            "Another copy of {} is alive: {place}. A second one is not started. Stop that one, then retry.",
            subject.name
        ))),
    }
}
