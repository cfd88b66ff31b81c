//! Everything at a glance, from memory: the Overview page and the wallboard ask for it often.

use crate::{
    error::Result,
    inventory::{self, Count},
    state::{Node, now},
    store::machines::plans_by_site,
};
use model::{
    Millis,
    cloud::{Cloud, CloudStatus},
    overview::{Overview, SiteCloud, SiteStatus, SiteView, Totals},
    run::Run,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Every screen says so, also those that nobody has signed in for.
pub fn any_simulated(node: &Node) -> bool {
    node.clouds.all().iter().any(|g| g.simulated)
}

pub async fn overview(node: &Node) -> Result<Overview> {
    let at = now();
    let alarms = inventory::alarms::active(node);
    let clouds = node.inventory.clouds();
    let counts = inventory::count_by_cloud(node, at);
    let plans: HashMap<String, u32> = plans_by_site(&node.db).await?.into_iter().collect();
    let mut by_site = BTreeMap::<&str, Vec<&Arc<Cloud>>>::new();
    clouds.values().for_each(|c| by_site.entry(c.site.as_str()).or_default().push(c));
    let sites: Vec<SiteView> =
        by_site.into_iter().map(|(name, clouds)| site(name, &clouds, &counts, plans.get(name).copied().unwrap_or(0))).collect();
    Ok(Overview {
        at,
        totals: sum(counts.values()),
        runs: runs(node, at).await?,
        simulated: clouds.values().any(|c| c.simulated),
        own_network_suspect: alarms.iter().any(|a| a.kind == "own_network"),
        alarms,
        sites,
    })
}

fn site(name: &str, clouds: &[&Arc<Cloud>], counts: &HashMap<String, Count>, plans: u32) -> SiteView {
    let mut clouds = clouds.to_vec();
    clouds.sort_by(|a, b| a.name.cmp(&b.name));
    SiteView {
        name: name.into(),
        status: status(clouds.iter().map(|c| c.status)),
        since: clouds.iter().map(|c| c.status_since).max().unwrap_or(0),
        totals: sum(clouds.iter().filter_map(|c| counts.get(&c.id))),
        // A cloud that was never looked at leaves no age to tell.
        observed_at: clouds.iter().map(|c| c.observed_at).min().flatten(),
        clouds: clouds.into_iter().map(|c| brief(c)).collect(),
        plans,
    }
}

fn brief(c: &Cloud) -> SiteCloud {
    SiteCloud {
        id: c.id.clone(),
        name: c.name.clone(),
        kind: c.kind.clone(),
        status: c.status,
        observed_at: c.observed_at,
        simulated: c.simulated,
        message: c.message.clone(),
    }
}

/// `Down` only when none of its clouds answers: one that refuses still answers.
pub fn status(clouds: impl Iterator<Item = CloudStatus> + Clone) -> SiteStatus {
    use CloudStatus::{Connecting, Ok, Unreachable};
    if clouds.clone().all(|s| s == Unreachable) {
        SiteStatus::Down
    } else if clouds.clone().any(|s| !matches!(s, Ok | Connecting)) {
        SiteStatus::Degraded
    } else if clouds.clone().any(|s| s == Connecting) {
        SiteStatus::Unknown
    } else {
        SiteStatus::Ok
    }
}

fn sum<'a>(counts: impl Iterator<Item = &'a Count>) -> Totals {
    let mut all = Count::default();
    counts.for_each(|c| all.add(c));
    let worst = all.worst.map(|(lag, rpo)| (Some(lag), Some(rpo))).unwrap_or_default();
    Totals { worst_lag_ms: worst.0, worst_rpo_seconds: worst.1, ..all.totals }
}

const AN_HOUR: Millis = 3_600_000;

/// Under way, and those that ended in the last hour.
async fn runs(node: &Node, at: Millis) -> Result<Vec<Run>> {
    Ok(crate::store::machines::recent_runs(&node.db, at - AN_HOUR).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_down_only_when_nothing_there_answers() {
        use CloudStatus::{Connecting, Ok, Refused, Stale, Unreachable};
        let of = |clouds: &[CloudStatus]| status(clouds.iter().copied());
        assert_eq!(of(&[Unreachable, Unreachable]), SiteStatus::Down);
        assert_eq!(of(&[Unreachable, Refused]), SiteStatus::Degraded);
        assert_eq!(of(&[Unreachable, Ok]), SiteStatus::Degraded);
        assert_eq!(of(&[Ok, Stale]), SiteStatus::Degraded);
        assert_eq!(of(&[Ok, Connecting]), SiteStatus::Unknown);
        assert_eq!(of(&[Ok, Ok]), SiteStatus::Ok);
    }
}
