//! One cloud is asked for one machine.

use super::{Books, PATIENCE, conversion, cost, maps, rank};
use crate::{
    error::Result,
    services::moves::{self, Origin, Target},
    state::Node,
    store::plans::CloudFact,
};
use model::{
    Problem, Severity,
    cloud::{Cloud, CloudStatus},
    placement::{Estimate, Place, PlaceCloud, PlaceCost, Verdict},
};

/// A row, and what a group has to add up.
pub struct Asked {
    pub place: Place,
    /// Of the cloud, for all that come there.
    pub memory_free_mib: Option<u64>,
    /// That this machine would take: nothing when it is off.
    pub memory_mib: u64,
}

pub async fn ask(node: &Node, books: &Books, origin: &Origin, cloud: &Cloud) -> Asked {
    let memory_mib = if origin.is_running() { origin.observed.memory_mib } else { 0 };
    let unknown = |place| Asked { place, memory_free_mib: None, memory_mib };
    if let Some(why) = not_asked(cloud) {
        return unknown(silent(cloud, why));
    }
    if origin.spec.is_none() {
        let why = format!("What {} is made of is not known now: its own cloud does not tell.", origin.observed.name);
        return unknown(silent(cloud, why));
    }
    match tokio::time::timeout(PATIENCE, look(node, books, origin, cloud)).await {
        Ok(Ok((place, memory_free_mib))) => Asked { place, memory_free_mib, memory_mib },
        Ok(Err(e)) => unknown(silent(cloud, e.message)),
        Err(_) => unknown(silent(cloud, format!("It did not answer within {} s.", PATIENCE.as_secs()))),
    }
}

/// Nobody waits for one that is known not to answer; inventory tries it all the time.
pub fn not_asked(cloud: &Cloud) -> Option<String> {
    let why = match cloud.status {
        CloudStatus::Ok | CloudStatus::Stale => return None,
        CloudStatus::Connecting => "It was not seen yet.",
        CloudStatus::Unreachable => "It does not answer.",
        CloudStatus::Refused => "It refuses the connection.",
    };
    Some(cloud.message.as_ref().map_or_else(|| why.to_owned(), |m| format!("{why} {m}")))
}

/// A row of a cloud that did not tell.
pub fn silent(cloud: &Cloud, why: String) -> Place {
    let finding = Problem::new(Severity::Warning, &cloud.name, why, "Look at it under Clouds, then ask again.");
    Place {
        at: cloud_of(cloud, false),
        verdict: Verdict::Unknown,
        findings: vec![finding],
        conversion: vec![],
        modes: vec![],
        bytes: None,
        point_at: None,
        estimate: Estimate { about: "Not known now.".into(), ..Estimate::default() },
        cost: PlaceCost { month: cost::none("Not known now."), moving: cost::none("Not known now.") },
    }
}

pub fn cloud_of(cloud: &Cloud, answered: bool) -> PlaceCloud {
    PlaceCloud {
        cloud_id: cloud.id.clone(),
        cloud: cloud.name.clone(),
        site: cloud.site.clone(),
        kind: cloud.kind.clone(),
        simulated: cloud.simulated,
        status: cloud.status,
        observed_at: cloud.observed_at,
        answered,
    }
}

/// With the memory that is free there.
async fn look(node: &Node, books: &Books, origin: &Origin, cloud: &Cloud) -> Result<(Place, Option<u64>)> {
    let fact = CloudFact {
        id: cloud.id.clone(),
        name: cloud.name.clone(),
        site: cloud.site.clone(),
        status: String::new(),
        seen_at: cloud.observed_at,
    };
    let (chosen, mut findings) = maps::choose(node, origin, cloud).await?;
    let found = moves::check(node, origin, &fact, chosen, None).await?;
    let modes = match &found.guard {
        Some(guard) => moves::possible(node, origin, &found.subject, guard).await,
        None => vec![],
    };
    findings.splice(0..0, found.problems.iter().cloned());
    let bytes = found.bytes;
    let verdict = if found.answered { rank::verdict(&findings) } else { Verdict::Unknown };
    let estimate = books.history.estimate(&origin.cloud.id, &cloud.id, bytes, modes.first().copied());
    let place = Place {
        at: cloud_of(cloud, found.answered),
        verdict,
        conversion: origin.spec.as_ref().map(|s| conversion::of(s, &cloud.kind)).unwrap_or_default(),
        findings,
        modes,
        bytes: Some(bytes),
        point_at: point_at(origin, &found),
        estimate,
        cost: PlaceCost {
            month: cost::month(books.prices.get(&cloud.id), &cost::Size::of(origin)),
            moving: cost::moving(books.prices.get(&origin.cloud.id), &origin.cloud.name, bytes),
        },
    };
    Ok((place, found.capacity.map(|c| c.memory_free_mib)))
}

fn point_at(origin: &Origin, found: &Target) -> Option<i64> {
    origin.to(&found.subject.target.cloud_id)?.1.as_ref().map(|p| p.taken_at)
}
