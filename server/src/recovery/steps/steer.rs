//! Makes clients reach the machine at its new place by its service address, and proves it from outside.

use super::{End, Halt, done};
use crate::{
    clouds::guard::SHORT,
    recovery::{context::Context, deadline::Deadline, look::TICK, pointer::CloudOf, spec::Facts, zones::ZonesOf},
    steering::{self, Request},
};
use model::plan::HealthCheck;
use std::time::Duration;

/// Caches on the way have heard a repeated announcement by then.
const PATIENCE: Duration = Duration::from_secs(15);

pub async fn run(ctx: &Context, address: &str, mechanism: &str, probe: &HealthCheck, network: Option<&str>) -> Result<End, Halt> {
    let subject = ctx.subject()?;
    let missing = || Halt::failed("The machine at the target was not made yet.");
    let native_id = ctx.facts().native_id.ok_or_else(missing)?;
    let guard = ctx.cloud(&subject.target.cloud_id)?;
    let machine = guard.run("one", SHORT, guard.cloud().inventory().one(&native_id)).await?.ok_or_else(missing)?;
    let cloud = CloudOf { guard: &guard, native_id: &native_id };
    let zones = ZonesOf { node: &ctx.node };
    let steering = steering::by_name(mechanism, cloud.pointer(), &zones).map_err(Halt::failed)?;
    // One card needs no choice.
    let several = machine.nics.len() > 1 && network.is_none();
    let networks = if several { guard.run("resources", SHORT, guard.cloud().inventory().resources()).await?.networks } else { vec![] };
    let network = network.map(str::to_owned);
    let request = Request { address: address.into(), nics: machine.nics, network, networks, probe: probe.clone() };
    let plan = steering.plan(&request).await.map_err(Halt::failed)?;
    let mut deadline = None;
    loop {
        // A mechanism that cannot act may still turn out not to be needed: only the probe decides.
        let applied = ctx.unless_interrupted(steering.apply(&plan, ctx.journal.claim.epoch)).await?;
        // A cloud may take a minute for it: what clients see has a time of its own.
        let deadline = *deadline.get_or_insert_with(|| Deadline::after(PATIENCE));
        let announced = applied.is_ok();
        let how = applied.unwrap_or_else(|why| format!("not announced by this node: {why}"));
        match ctx.unless_interrupted(steering.verify(&plan)).await? {
            Ok(seen) => {
                let message = format!("{address} reaches {}: {seen} ({how}).", subject.name);
                // Seen from here only: others on that network may still look for the machine at its old place.
                let warning = (!announced).then(|| format!("{message} Clients elsewhere may reach it only when their caches expire."));
                return done(warning.clone().unwrap_or(message), Facts { warning, ..ctx.own() });
            }
            Err(why) if deadline.is_over() => {
                return Err(Halt::failed(format!(
                    "{address} does not reach {}: {why} ({how}). Check the network between the sites, then retry.",
                    subject.name
                )));
            }
            Err(_) => ctx.sleep(TICK * 5).await?,
        }
    }
}
