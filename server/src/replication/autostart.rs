//! A protected machine must not come up by itself when its site returns: its autostart is taken away, and read back.

use super::{error::Result, job::Job, view};
use crate::{
    clouds::{
        error::Error,
        guard::{Guard, SHORT},
    },
    inventory,
    store::members,
};
use model::Severity;

/// Takes it away, unless that is settled and it was not seen set again. What could not be done is shown at the member
/// and tried again with the next cycle. Answers why it may still be set; `None`: it was read back as off.
///
/// # Errors
/// Of the store.
pub async fn ensure_off(job: &Job) -> Result<Option<String>> {
    let settled = job.member.autostart_was.is_some() && !job.work.autostart;
    if settled && job.slot.cost().is_some_and(|cost| cost == job.member.warning) {
        return Ok(None);
    }
    let (was, stays) = match take_away(&job.source, &job.work.native_id).await {
        Ok(was) => (Some(was), None),
        Err(error) => {
            (None, Some(format!("Its autostart could not be taken away, so it may come up by itself when its site returns: {error}")))
        }
    };
    let all: Vec<String> = stays.clone().into_iter().chain(cost(job).await).collect();
    let warning = Some(all.join(" ")).filter(|words| !words.is_empty());
    let changed = job.member.autostart_was.is_none() && was.is_some() || warning != job.member.warning;
    members::autostart(&job.node.db, &job.member.id, was, warning.as_deref()).await?;
    if was == Some(true) {
        // The plans ask the table whether it would start by itself; they must not wait for the next look at the cloud.
        if let Err(error) = inventory::refresh(&job.node, &job.source.id, &job.work.native_id).await {
            tracing::warn!(member = %job.member.name, %error, "the machine could not be looked at again");
        }
    }
    if changed {
        view::publish(&job.node, &job.member.id).await?;
    }
    Ok(stays)
}

/// What makes its recovery points costly: a disk that can keep no record of changes. Asked once for each life of the node.
async fn cost(job: &Job) -> Option<String> {
    if let Some(known) = job.slot.cost() {
        return known;
    }
    let source = job.source.cloud().disk_source()?;
    // Whoever does not answer is asked with the next cycle.
    let problems = job.source.run("check", SHORT, source.check(&job.work.native_id)).await.ok()?;
    // What is only good to know is for the preflight.
    let words: Vec<String> =
        problems.into_iter().filter(|p| p.severity != Severity::Info).map(|p| format!("{} {}", p.what, p.remedy)).collect();
    let cost = Some(words.join(" ")).filter(|words| !words.is_empty());
    job.slot.set_cost(cost.clone());
    cost
}

/// Answers whether it was set.
async fn take_away(source: &Guard, native_id: &str) -> std::result::Result<bool, Error> {
    // A cloud without power control has no autostart that we could see.
    let Some(power) = source.cloud().power() else { return Ok(false) };
    let observed = source.run("look", SHORT, source.cloud().inventory().one(native_id)).await?;
    let was = observed.and_then(|o| o.autostart).unwrap_or(false);
    set(source, power, native_id, false).await?;
    Ok(was)
}

/// Puts it back, for a machine whose protection ends.
///
/// # Errors
/// Of the cloud, or it did not take.
pub async fn put_back(source: &Guard, native_id: &str) -> std::result::Result<(), Error> {
    let power = source.cloud().power().ok_or_else(|| Error::lacks("set autostart"))?;
    set(source, power, native_id, true).await
}

async fn set(source: &Guard, power: &dyn crate::clouds::Power, native_id: &str, on: bool) -> std::result::Result<(), Error> {
    if source.run("autostart", SHORT, power.set_autostart(native_id, on)).await? == on {
        return Ok(());
    }
    Err(Error::transient(format!("{} took the change, but autostart reads back as before.", source.name)))
}
