//! A name of DNS: its record is pointed at the machine's new addresses, by whichever connected cloud holds its zone.
//!
//! That the cloud has the record is read back, and the probe asks the machine itself by that name. Resolvers on the way keep
//! what they heard before until its time (TTL) is over: nothing here can shorten that, so it is said.

use super::{
    Capabilities, Plan, Record, Request, Result, Steering, Zones,
    garp::{aimed, only},
    probe,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

pub struct Dns<'a> {
    pub zones: &'a dyn Zones,
}

/// Seconds. Clients that ask anew find the machine within that; many resolvers take less for a mistake.
const TTL: u32 = 30;

/// Where it shall point.
#[derive(Serialize, Deserialize)]
struct Target {
    addresses: Vec<IpAddr>,
    /// Seconds.
    ttl: u32,
    /// Of what it was before, in seconds; `None`: it was nothing, or the same.
    old_ttl: Option<u32>,
}

fn target(plan: &Plan) -> Result<Target> {
    serde_json::from_value(plan.how.clone()).map_err(|e| format!("this plan is of another mechanism: {e}."))
}

#[async_trait]
impl Steering for Dns<'_> {
    fn capabilities(&self) -> Capabilities {
        Capabilities { checks_epoch: false, same_address: false }
    }

    async fn probe(&self, name: &str) -> Result<String> {
        let now = self.zones.look(name).await?;
        Ok(format!("{name} is in the zone {} of {}, and is {} now.", now.zone, now.holder, words(&now.addresses)))
    }

    async fn plan(&self, request: &Request) -> Result<Plan> {
        let (name, now) = (request.address.clone(), self.zones.look(&request.address).await?);
        let addresses = chosen(addresses(request)?, &now);
        let first = addresses.first().ok_or("the machine's new address is not known yet: retry when its cloud shows it.")?.to_string();
        let changes = !now.addresses.is_empty() && now.addresses != addresses;
        let (ttl, old_ttl) = (now.ttl.map_or(TTL, |old| old.min(TTL)), now.ttl.filter(|_| changes));
        let in_words = format!("point {name} at {} in the zone {} of {}{}", words(&addresses), now.zone, now.holder, caches(old_ttl));
        let how = serde_json::json!(Target { addresses, ttl, old_ttl });
        Ok(Plan { mechanism: "dns".into(), address: name, how, probe: aimed(&request.probe, &first), in_words })
    }

    async fn apply(&self, plan: &Plan, _epoch: i64) -> Result<String> {
        let to = target(plan)?;
        let now = self.zones.point(&plan.address, &to.addresses, to.ttl).await?;
        Ok(format!("{} is {} in the zone {} of {}{}", plan.address, words(&now.addresses), now.zone, now.holder, caches(to.old_ttl)))
    }

    async fn verify(&self, plan: &Plan) -> Result<String> {
        let (wanted, now) = (target(plan)?.addresses, self.zones.look(&plan.address).await?);
        let same = now.addresses.len() == wanted.len() && wanted.iter().all(|one| now.addresses.contains(one));
        let Some(first) = wanted.first().filter(|_| same) else {
            return Err(format!("the zone {} of {} says that it is {}.", now.zone, now.holder, words(&now.addresses)));
        };
        probe::answer_as(&plan.probe, &first.to_string(), Some(&plan.address)).await
    }
}

fn words(addresses: &[IpAddr]) -> String {
    let all: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    if all.is_empty() { "nothing".into() } else { all.join(" and ") }
}

fn caches(old_ttl: Option<u32>) -> String {
    old_ttl.map_or_else(String::new, |seconds| format!("; resolvers may keep the old address for {seconds} s"))
}

/// Of the card on the network that was named, or of the only one.
fn addresses(request: &Request) -> Result<Vec<IpAddr>> {
    let named = |n: &&model::machine::Nic| request.network.is_none() || n.network == request.network;
    let unknown = "it is not known which card of the machine clients shall reach: name its network in the plan.";
    let card = only(request.nics.iter().filter(named)).ok_or(unknown)?;
    let all = card.addresses.iter().filter_map(|one| one.parse().ok());
    Ok(all.filter(|one: &IpAddr| !one.is_loopback() && !one.is_unspecified() && !is_local(one)).collect())
}

/// One for each kind that the name has now: clients shall not be led to where nobody listens. A name without any gets an
/// IPv4 address, if there is one. Where a card has private and public ones, it stays what it is; a new one is as its zone is.
fn chosen(all: Vec<IpAddr>, now: &Record) -> Vec<IpAddr> {
    let best = |v4: bool| {
        let inside = now.addresses.iter().find(|one| one.is_ipv4() == v4).map_or(now.private, is_private);
        let kind: Vec<IpAddr> = all.iter().copied().filter(|one| one.is_ipv4() == v4).collect();
        kind.iter().copied().find(|one| is_private(one) == inside).or_else(|| kind.first().copied())
    };
    let had = |v4: &bool| now.addresses.iter().any(|one| one.is_ipv4() == *v4);
    let kept: Vec<IpAddr> = [true, false].into_iter().filter(had).filter_map(best).collect();
    if kept.is_empty() { best(true).or_else(|| best(false)).into_iter().collect() } else { kept }
}

fn is_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

fn is_private(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{machine::Nic, plan::HealthCheck};
    use std::sync::Mutex;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    /// A zone that takes what it is told, unless it is stuck.
    struct Fake {
        now: Mutex<Record>,
        stuck: bool,
    }

    #[async_trait]
    impl Zones for Fake {
        async fn look(&self, _: &str) -> Result<Record> {
            Ok(self.now.lock().unwrap().clone())
        }
        async fn point(&self, _: &str, addresses: &[IpAddr], ttl: u32) -> Result<Record> {
            let mut now = self.now.lock().unwrap();
            if !self.stuck {
                (now.addresses, now.ttl) = (addresses.to_vec(), Some(ttl));
            }
            Ok(now.clone())
        }
    }

    fn ips(all: &[&str]) -> Vec<IpAddr> {
        all.iter().map(|one| one.parse().unwrap()).collect()
    }

    fn record(addresses: &[&str], ttl: Option<u32>) -> Record {
        Record { holder: "frankfurt".into(), zone: "example.com".into(), private: false, addresses: ips(addresses), ttl }
    }

    fn request(addresses: &[&str], probe: HealthCheck) -> Request {
        let addresses = addresses.iter().map(|one| (*one).to_owned()).collect();
        let nic = Nic { mac: "02:00:00:00:00:01".into(), model: None, network: Some("svc".into()), addresses, address_source: None };
        Request { address: "shop.example.com".into(), nics: vec![nic], network: None, networks: vec![], probe }
    }

    #[test]
    fn a_name_keeps_its_kinds_of_addresses() {
        let of = |all: &[&str], now: &[&str]| chosen(ips(all), &record(now, None));
        let card = ["10.0.0.5", "198.51.100.7", "2001:db8::5"];
        assert_eq!(of(&card, &[]), ips(&["198.51.100.7"]), "a public zone");
        assert_eq!(of(&card, &["10.9.9.9"]), ips(&["10.0.0.5"]));
        assert_eq!(of(&card, &["192.0.2.1", "2001:db8::1"]), ips(&["198.51.100.7", "2001:db8::5"]));
        assert_eq!(of(&["10.0.0.5"], &["192.0.2.1", "2001:db8::1"]), ips(&["10.0.0.5"]), "what it has");
        assert_eq!(of(&["2001:db8::5"], &["192.0.2.1"]), ips(&["2001:db8::5"]));
        assert_eq!(of(&[], &["192.0.2.1"]), ips(&[]));
    }

    #[tokio::test]
    async fn what_cannot_be_known_is_said() {
        let zones = Fake { now: Mutex::new(record(&[], None)), stuck: false };
        let dns = Dns { zones: &zones };
        let said = async |request: &Request| dns.plan(request).await.unwrap_err();
        assert!(said(&request(&["fe80::1", "169.254.3.4"], HealthCheck::Running)).await.contains("not known yet"));
        let mut two = request(&["10.0.0.5"], HealthCheck::Running);
        two.nics.push(Nic { network: Some("lan".into()), addresses: vec!["10.1.0.5".into()], ..two.nics[0].clone() });
        assert!(said(&two).await.contains("name its network"));
        two.network = Some("lan".into());
        assert_eq!(dns.plan(&two).await.unwrap().how["addresses"][0], "10.1.0.5");
    }

    #[tokio::test]
    async fn it_is_proved_by_the_record_and_by_the_machine_under_its_name() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = vec![0; 1024];
            let count = stream.read(&mut text).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&text[..count]).to_lowercase()
        });
        let zones = Fake { now: Mutex::new(record(&["192.0.2.1"], Some(300))), stuck: false };
        let dns = Dns { zones: &zones };
        // Nothing on the way listens at 10.0.0.5: the check names where.
        let check = HealthCheck::Http { address: Some("127.0.0.1".into()), port, path: "/".into() };
        let plan = dns.plan(&request(&["10.0.0.5"], check)).await.unwrap();
        assert_eq!(
            plan.in_words,
            "point shop.example.com at 10.0.0.5 in the zone example.com of frankfurt; resolvers may keep the old address for 300 s"
        );
        assert!(dns.verify(&plan).await.unwrap_err().contains("says that it is 192.0.2.1"));
        for _ in 0..2 {
            assert!(dns.apply(&plan, 1).await.unwrap().contains("resolvers may keep the old address for 300 s"));
        }
        assert_eq!(zones.now.lock().unwrap().ttl, Some(TTL));
        assert!(dns.verify(&plan).await.unwrap().contains("answers 200"));
        assert!(asked.await.unwrap().contains(&format!("host: shop.example.com:{port}")), "by its name");
        let again = dns.plan(&request(&["10.0.0.5"], HealthCheck::Running)).await.unwrap();
        assert!(!again.in_words.contains("resolvers"), "nothing changes any more");
        let stuck = Fake { now: Mutex::new(record(&[], None)), stuck: true };
        let dns = Dns { zones: &stuck };
        dns.apply(&plan, 1).await.unwrap();
        assert!(dns.verify(&plan).await.unwrap_err().contains("nothing"), "that it was asked for is no proof");
    }
}
