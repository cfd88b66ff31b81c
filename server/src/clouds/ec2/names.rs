//! The facet `NameRecords`: hosted zones of Route 53, which is one for all regions of an account.

use super::{
    Ec2,
    fault::{change, look},
    link::Link,
};
use crate::clouds::{
    NameRecord, NameRecords,
    error::{Error, Result},
};
use async_trait::async_trait;
use aws_sdk_route53::{
    error::BuildError,
    types::{Change, ChangeAction, ChangeBatch, ChangeStatus, HostedZone, ResourceRecord, ResourceRecordSet, RrType},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Between two looks at a change: Route 53 takes five requests a second, for the whole account.
const TICK: Duration = Duration::from_secs(2);
/// More than the records of one name that we can replace.
const SETS: i32 = 20;

#[async_trait]
impl NameRecords for Ec2 {
    async fn look(&self, name: &str) -> Result<Option<NameRecord>> {
        let Some(zone) = zone(&self.link, name).await? else { return Ok(None) };
        let sets = sets(&self.link, &zone, name).await?;
        record(&zone, name, &sets).map(Some)
    }

    /// The caller's own time limit ends the wait for all servers: most changes are everywhere within a minute. What is there
    /// already may be the change of a node that was killed before they all had it: the same is asked for once more, which changes
    /// nothing, and that can be waited for.
    async fn point(&self, name: &str, addresses: &[IpAddr], ttl: u32) -> Result<NameRecord> {
        let none = || Error::not_found(format!("{name} is in no hosted zone of the account: create its zone there."));
        let zone = zone(&self.link, name).await?.ok_or_else(none)?;
        let before = sets(&self.link, &zone, name).await?;
        let seen = record(&zone, name, &before)?;
        let there = is(&seen, addresses, ttl);
        if there && self.settled.has(name, addresses) {
            return Ok(seen);
        }
        let batch = if there { again(&before) } else { batch(name, &before, addresses, ttl) };
        let batch = batch.map_err(|error| Error::permanent(format!("point {name}: {error}")))?;
        let route53 = self.link.route53().await?;
        let call = route53.change_resource_record_sets().hosted_zone_id(zone.id()).change_batch(batch);
        let answer = change("point a name", call.send()).await?;
        if let Some(info) = answer.change_info() {
            while look("the change of a name", route53.get_change().id(info.id()).send()).await?.change_info().map(|one| one.status())
                != Some(&ChangeStatus::Insync)
            {
                tokio::time::sleep(TICK).await;
            }
        }
        // What was asked for is no proof.
        let now = record(&zone, name, &sets(&self.link, &zone, name).await?)?;
        if is(&now, addresses, ttl) {
            self.settled.set(name, addresses);
            Ok(now)
        } else {
            Err(Error::transient(format!("{name} is not as it was set although Route 53 took it.")))
        }
    }
}

/// What this process has seen all servers answer, by name.
#[derive(Clone, Default)]
pub struct Settled(Arc<Mutex<BTreeMap<String, BTreeSet<IpAddr>>>>);

impl Settled {
    fn has(&self, name: &str, addresses: &[IpAddr]) -> bool {
        self.lock().get(&plain(name)).is_some_and(|seen| *seen == addresses.iter().copied().collect())
    }
    fn set(&self, name: &str, addresses: &[IpAddr]) {
        self.lock().insert(plain(name), addresses.iter().copied().collect());
    }
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<IpAddr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest one that the name is in.
async fn zone(link: &Link, name: &str) -> Result<Option<HostedZone>> {
    let route53 = link.route53().await?;
    for suffix in suffixes(name) {
        let answer = look("hosted zones", route53.list_hosted_zones_by_name().dns_name(format!("{suffix}.")).send()).await?;
        let mut own = answer.hosted_zones.into_iter().filter(|zone| plain(zone.name()) == suffix);
        match (own.next(), own.next()) {
            (None, _) => {}
            (Some(zone), None) => return Ok(Some(zone)),
            (Some(_), Some(_)) => {
                let what = format!(
                    "There are several hosted zones {suffix}, and it cannot be told which one clients see: steer a name of another zone."
                );
                return Err(Error::conflict(what));
            }
        }
    }
    Ok(None)
}

/// The name itself, and all that it is in, the longest first.
fn suffixes(name: &str) -> Vec<String> {
    let name = plain(name);
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1));
    starts.map(|at| name[at..].to_owned()).collect()
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

async fn sets(link: &Link, zone: &HostedZone, name: &str) -> Result<Vec<ResourceRecordSet>> {
    let call = link.route53().await?.list_resource_record_sets().hosted_zone_id(zone.id());
    let call = call.start_record_name(format!("{}.", plain(name))).start_record_type(RrType::A).max_items(SETS);
    let all = look("records of a zone", call.send()).await?.resource_record_sets;
    Ok(all.into_iter().filter(|set| plain(set.name()) == plain(name)).collect())
}

fn record(zone: &HostedZone, name: &str, sets: &[ResourceRecordSet]) -> Result<NameRecord> {
    if sets.iter().any(|set| *set.r#type() == RrType::Cname) {
        return Err(Error::conflict(format!(
            "{name} is a CNAME, another name of something else: remove that record, or steer what it names."
        )));
    }
    let own: Vec<&ResourceRecordSet> = sets.iter().filter(|set| matches!(set.r#type(), RrType::A | RrType::Aaaa)).collect();
    if own.iter().any(|set| set.ttl().is_none() || set.set_identifier().is_some() || set.traffic_policy_instance_id().is_some()) {
        let what = format!("{name} is an alias or has a routing policy in Route 53, which would be lost: make it a plain record first.");
        return Err(Error::conflict(what));
    }
    Ok(NameRecord {
        zone: plain(zone.name()),
        private: zone.config().is_some_and(|config| config.private_zone()),
        addresses: own.iter().flat_map(|set| set.resource_records()).filter_map(|one| one.value().parse().ok()).collect(),
        ttl: own.iter().filter_map(|set| u32::try_from(set.ttl()?).ok()).max(),
    })
}

fn is(seen: &NameRecord, addresses: &[IpAddr], ttl: u32) -> bool {
    let all_in = |some: &[IpAddr], others: &[IpAddr]| some.iter().all(|one| others.contains(one));
    all_in(&seen.addresses, addresses) && all_in(addresses, &seen.addresses) && seen.ttl.is_some_and(|now| now <= ttl)
}

/// What is there, as it is.
fn again(before: &[ResourceRecordSet]) -> std::result::Result<ChangeBatch, BuildError> {
    let own = before.iter().filter(|set| matches!(set.r#type(), RrType::A | RrType::Aaaa));
    let change = |set: &ResourceRecordSet| Change::builder().action(ChangeAction::Upsert).resource_record_set(set.clone()).build();
    let changes: Vec<Change> = own.map(change).collect::<std::result::Result<_, _>>()?;
    ChangeBatch::builder().comment("Crossfade").set_changes(Some(changes)).build()
}

/// One change, all or nothing: a record of the other kind would lead to the old machine.
fn batch(name: &str, before: &[ResourceRecordSet], addresses: &[IpAddr], ttl: u32) -> std::result::Result<ChangeBatch, BuildError> {
    let mut batch = ChangeBatch::builder().comment("Crossfade");
    for (kind, v4) in [(RrType::A, true), (RrType::Aaaa, false)] {
        let values = addresses.iter().filter(|one| one.is_ipv4() == v4).map(|one| ResourceRecord::builder().value(one.to_string()).build());
        let values: Vec<ResourceRecord> = values.collect::<std::result::Result<_, _>>()?;
        let old = before.iter().find(|set| *set.r#type() == kind);
        let (action, set) = match old {
            _ if !values.is_empty() => {
                let set = ResourceRecordSet::builder().name(format!("{}.", plain(name))).r#type(kind).ttl(i64::from(ttl));
                (ChangeAction::Upsert, set.set_resource_records(Some(values)).build()?)
            }
            Some(old) => (ChangeAction::Delete, old.clone()),
            None => continue,
        };
        batch = batch.changes(Change::builder().action(action).resource_record_set(set).build()?);
    }
    batch.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(kind: RrType, value: &str, ttl: i64) -> ResourceRecordSet {
        let value = ResourceRecord::builder().value(value).build().unwrap();
        ResourceRecordSet::builder().name("Shop.example.com.").r#type(kind).ttl(ttl).resource_records(value).build().unwrap()
    }

    fn zone() -> HostedZone {
        HostedZone::builder().id("/hostedzone/Z1").name("example.com.").caller_reference("x").build().unwrap()
    }

    #[test]
    fn a_name_is_in_all_zones_above_it() {
        assert_eq!(suffixes("Www.Shop.example.com"), ["www.shop.example.com", "shop.example.com", "example.com", "com"]);
    }

    #[test]
    fn addresses_are_replaced_all_or_nothing_and_the_other_kind_goes() {
        let before = [set(RrType::A, "192.0.2.1", 300), set(RrType::Aaaa, "2001:db8::1", 3600), set(RrType::Txt, "\"x\"", 60)];
        let seen = record(&zone(), "shop.example.com", &before).unwrap();
        let (old, new): ([IpAddr; 2], IpAddr) =
            (["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()], "192.0.2.9".parse().unwrap());
        assert_eq!((seen.zone.as_str(), seen.addresses.as_slice(), seen.ttl), ("example.com", &old[..], Some(3600)));
        assert!(is(&seen, &[old[1], old[0]], 3600) && !is(&seen, &old, 30) && !is(&seen, &[new], 3600));
        let changes = batch("shop.example.com", &before, &[new], 30).unwrap().changes;
        let of: Vec<_> = changes.iter().map(|one| (one.action().as_str(), one.resource_record_set().unwrap().r#type().as_str())).collect();
        assert_eq!(of, [("UPSERT", "A"), ("DELETE", "AAAA")]);
        assert_eq!(changes[1].resource_record_set(), Some(&before[1]), "just as it was, or it is refused");
        let same = again(&before).unwrap().changes;
        assert!(same.iter().all(|one| *one.action() == ChangeAction::Upsert), "{same:?}");
        assert_eq!(same.iter().filter_map(Change::resource_record_set).collect::<Vec<_>>(), [&before[0], &before[1]], "nothing is changed");
        let fresh = batch("shop.example.com", &[], &[new], 30).unwrap().changes;
        assert_eq!((fresh.len(), fresh[0].resource_record_set().unwrap().ttl()), (1, Some(30)));
    }

    #[test]
    fn what_is_more_than_addresses_is_not_replaced() {
        let refused = |set: ResourceRecordSet| record(&zone(), "shop.example.com", &[set]).unwrap_err().message;
        assert!(refused(set(RrType::Cname, "lb.example.net", 60)).contains("CNAME"));
        let mut weighted = set(RrType::A, "192.0.2.1", 60);
        weighted.set_identifier = Some("blue".into());
        assert!(refused(weighted).contains("routing policy"));
        let alias = ResourceRecordSet::builder().name("shop.example.com.").r#type(RrType::A).build().unwrap();
        assert!(refused(alias).contains("alias"));
        assert_eq!(record(&zone(), "new.example.com", &[]).unwrap().ttl, None);
    }
}
