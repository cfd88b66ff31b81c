//! Waits until the machine is well by its own health check. The first good answer's instant is what RTO is measured by.

use super::{End, Halt, done};
use crate::{
    clouds::{Observed, guard::SHORT},
    recovery::{context::Context, deadline::Deadline, look::TICK, spec::Facts},
    state::now,
    steering::probe,
};
use model::{machine::PowerState, plan::HealthCheck};
use std::time::Duration;

pub async fn run(ctx: &Context, check: &HealthCheck, timeout_seconds: u32) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let facts = ctx.facts();
    let since = ctx.own().began_at.unwrap_or_else(now);
    ctx.note(Facts { began_at: Some(since), ..Facts::default() }).await?;
    let native_id = facts.native_id.clone().ok_or_else(|| Halt::failed("The machine at the target was not made yet."))?;
    let deadline = Deadline::after(Duration::from_secs(timeout_seconds.max(1).into()));
    loop {
        let why = match ctx.unless_interrupted(once(ctx, &native_id, check)).await? {
            Ok(good) => {
                let well_at = now();
                let took = (well_at - facts.running_at.unwrap_or(since)) as f64 / 1000.0;
                return done(
                    format!("{} is well: {good} ({took:.1} s after it ran).", subject.name),
                    Facts { well_at: Some(well_at), ..ctx.own() },
                );
            }
            Err(why) => why,
        };
        if deadline.is_over() {
            return Err(Halt::failed(format!(
                "{} is not well after {timeout_seconds} s: {why} Look at its console, then retry, or skip the check.",
                subject.name
            )));
        }
        ctx.sleep(TICK).await?;
    }
}

/// One try: what was seen, or why not.
async fn once(ctx: &Context, native_id: &str, check: &HealthCheck) -> Result<String, String> {
    if let Some(address) = probe::address(check) {
        return probe::answer(check, address).await;
    }
    let seen = observe(ctx, native_id).await?;
    match check {
        HealthCheck::Running if seen.state == PowerState::Running => Ok("it runs".into()),
        HealthCheck::Running => Err(format!("its state is '{}'.", seen.state.as_str())),
        HealthCheck::GuestAgent => {
            let agent = seen.nics.iter().any(|n| n.address_source.as_deref() == Some("agent"));
            if agent { Ok("its guest agent answers".into()) } else { Err("its guest agent does not answer.".into()) }
        }
        _ => {
            let address = seen.nics.iter().flat_map(|n| &n.addresses).find(|a| a.parse::<std::net::Ipv4Addr>().is_ok());
            let address = address.ok_or("its address is not known yet. Name one in the health check.")?;
            probe::answer(check, address).await
        }
    }
}

async fn observe(ctx: &Context, native_id: &str) -> Result<Observed, String> {
    let subject = ctx.subject().map_err(|_| "the run does not know this machine.")?;
    let guard = ctx.node.clouds.get(&subject.target.cloud_id).ok_or("this node is not connected to its cloud.")?;
    let seen = guard.run("one", SHORT, guard.cloud().inventory().one(native_id)).await;
    seen.map_err(|e| e.message)?.ok_or_else(|| "it no longer exists at its cloud.".into())
}
