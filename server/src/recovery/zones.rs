//! The connected clouds as steering sees them: those that hold the zones of names, wherever the machine is.

use crate::{
    clouds::{
        NameRecord, NameRecords,
        error::Error,
        guard::{Guard, LONG},
    },
    state::Node,
    steering::{Record, Result, Zones},
};
use async_trait::async_trait;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// All are asked at once, and one that is lost with its site must not hold the others up for long.
const LOOK: Duration = Duration::from_secs(10);

pub struct ZonesOf<'a> {
    pub node: &'a Node,
}

/// What a cloud said.
type Said = (Arc<Guard>, std::result::Result<Option<NameRecord>, Error>);

impl ZonesOf<'_> {
    async fn holder(&self, name: &str) -> Result<(Arc<Guard>, NameRecord)> {
        let guards = self.node.clouds.all().into_iter().filter(|guard| guard.cloud().names().is_some());
        let looks = guards.map(|guard| async move {
            let seen = guard.glance("look at a name", LOOK, async { records(&guard)?.look(name).await }).await;
            (guard, seen)
        });
        choose(name, futures::future::join_all(looks).await)
    }
}

fn records(guard: &Guard) -> std::result::Result<&dyn NameRecords, Error> {
    guard.cloud().names().ok_or_else(|| Error::lacks("hold names"))
}

/// The one with the longest zone that the name is in; of several, the first by its name.
fn choose(name: &str, mut all: Vec<Said>) -> Result<(Arc<Guard>, NameRecord)> {
    all.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    let (mut best, mut silent): (Option<(Arc<Guard>, NameRecord)>, Vec<String>) = (None, vec![]);
    for (guard, said) in all {
        match said {
            Ok(Some(record)) if best.as_ref().is_none_or(|(_, known)| known.zone.len() < record.zone.len()) => best = Some((guard, record)),
            Ok(_) => {}
            Err(error) => silent.push(format!("{}: {}", guard.name, error.message.trim_end_matches('.'))),
        }
    }
    let silent = silent.join("; ");
    match best {
        // A record that is there is the one that clients see; a new one could be in the wrong zone.
        Some((_, record)) if record.addresses.is_empty() && !silent.is_empty() => Err(format!(
            "{name} has no address in the zone {}, and may be in one of another cloud that does not tell: {silent}.",
            record.zone
        )),
        Some(found) => Ok(found),
        None if silent.is_empty() => {
            Err(format!("no connected cloud holds a zone for {name}. Connect the account that does: Amazon EC2, with Route 53."))
        }
        None => Err(format!("no connected cloud can point {name}: {silent}.")),
    }
}

fn shown(guard: &Guard, seen: NameRecord) -> Record {
    Record { holder: guard.name.clone(), zone: seen.zone, private: seen.private, addresses: seen.addresses, ttl: seen.ttl }
}

#[async_trait]
impl Zones for ZonesOf<'_> {
    async fn look(&self, name: &str) -> Result<Record> {
        let (guard, seen) = self.holder(name).await?;
        Ok(shown(&guard, seen))
    }

    async fn point(&self, name: &str, addresses: &[IpAddr], ttl: u32) -> Result<Record> {
        let (guard, _) = self.holder(name).await?;
        let point = guard.run("point a name", LONG, async { records(&guard)?.point(name, addresses, ttl).await });
        let seen = point.await.map_err(|error| error.message)?;
        Ok(shown(&guard, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::{Settings, registry};
    use tokio::sync::Semaphore;

    fn said(cloud: &str, seen: std::result::Result<Option<(&str, &[&str])>, Error>) -> Said {
        let driver = registry::open("simulator", Settings::default()).unwrap();
        let guard = Guard::new(cloud.into(), cloud.into(), "s".into(), true, driver, 1, Arc::new(Semaphore::new(1)));
        let record = |(zone, addresses): (&str, &[&str])| NameRecord {
            zone: zone.into(),
            private: false,
            addresses: addresses.iter().map(|one| one.parse().unwrap()).collect(),
            ttl: Some(60),
        };
        (Arc::new(guard), seen.map(|one| one.map(record)))
    }

    #[test]
    fn the_longest_zone_holds_a_name() {
        let chosen = |all: Vec<Said>| choose("a.shop.example.com", all).map(|(guard, record)| (guard.name.clone(), record.zone));
        let silent = || said("oslo", Err(Error::transient("It does not answer.")));
        let long = || said("lisbon", Ok(Some(("shop.example.com", &["192.0.2.1"]))));
        let all = vec![said("paris", Ok(Some(("example.com", &["192.0.2.1"])))), long(), said("berlin", Ok(None)), silent()];
        assert_eq!(chosen(all), Ok(("lisbon".into(), "shop.example.com".into())));
        let both = vec![long(), said("frankfurt", Ok(Some(("shop.example.com", &["192.0.2.1"]))))];
        assert_eq!(chosen(both).unwrap().0, "frankfurt", "two regions of one account hold the same");
        let new = vec![said("paris", Ok(Some(("example.com", &[])))), silent()];
        assert!(chosen(new).unwrap_err().ends_with("does not tell: oslo: It does not answer."));
        assert!(chosen(vec![said("paris", Ok(None))]).unwrap_err().contains("Connect the account"));
        assert!(chosen(vec![silent()]).unwrap_err().contains("no connected cloud can point a.shop.example.com: oslo: It does"));
    }
}
