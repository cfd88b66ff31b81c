//! A service address that is a name: a third cloud holds its zone, and points it at the machine's new place.

use super::support::*;
use async_trait::async_trait;
use model::{
    Severity,
    cloud::{Capability, ProbeReport},
    plan::{HealthCheck, ServiceAddress},
};
use server::{
    clouds::{Cloud, Inventory, NameRecord, NameRecords, Settings, error::Result, guard::Guard, registry},
    services::plans,
};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;

const NAME: &str = "shop.example.com";

/// A cloud that does nothing but hold a zone.
struct Holder {
    inner: Arc<dyn Cloud>,
    now: Mutex<NameRecord>,
}

#[async_trait]
impl Cloud for Holder {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }
    fn capabilities(&self) -> Vec<Capability> {
        vec![]
    }
    async fn probe(&self) -> Result<ProbeReport> {
        self.inner.probe().await
    }
    fn inventory(&self) -> &dyn Inventory {
        self.inner.inventory()
    }
    fn names(&self) -> Option<&dyn NameRecords> {
        Some(self)
    }
}

#[async_trait]
impl NameRecords for Holder {
    async fn look(&self, name: &str) -> Result<Option<NameRecord>> {
        Ok(name.ends_with("example.com").then(|| self.now.lock().unwrap().clone()))
    }
    async fn point(&self, _: &str, addresses: &[IpAddr], ttl: u32) -> Result<NameRecord> {
        let mut now = self.now.lock().unwrap();
        (now.addresses, now.ttl) = (addresses.to_vec(), Some(ttl));
        Ok(now.clone())
    }
}

#[test]
fn a_name_is_pointed_at_the_new_place_by_whichever_cloud_holds_it() {
    let lab = Lab::new("names");
    let life = lab.boot();
    let native = lab.running[0].clone();
    life.block_on(async {
        let member_id = life.protect(&lab, std::slice::from_ref(&native)).await.remove(0);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // No guest runs here: the check names who answers in its place.
        let probe = HealthCheck::Tcp { address: Some("127.0.0.1".into()), port: listener.local_addr().unwrap().port() };
        let address = ServiceAddress { address: NAME.into(), member_id, mechanism: "dns".into(), network: None, probe };
        let plan = life.plan(&lab, vec![], |spec| spec.service_addresses.push(address)).await;
        let of_the_name = async || {
            let found = plans::check(&life.node, &admin(), &plan).await.unwrap().problems;
            found.into_iter().find(|one| one.subject == NAME)
        };
        let none = of_the_name().await.unwrap();
        assert!(none.severity == Severity::Critical && none.what.contains("no connected cloud holds a zone"), "{none:?}");

        let inner = registry::open("simulator", Settings::default()).unwrap();
        let addresses = vec!["192.0.2.1".parse().unwrap()];
        let now = Mutex::new(NameRecord { zone: "example.com".into(), private: false, addresses, ttl: Some(3600) });
        let holder = Arc::new(Holder { inner, now });
        let guard = Guard::new("z".into(), "frankfurt".into(), "far".into(), true, holder.clone(), 4, life.node.calls.clone());
        life.node.clouds.put(Arc::new(guard));
        let long = of_the_name().await.unwrap();
        assert!(long.severity == Severity::Warning && long.what.contains("of frankfurt is kept by resolvers for 3600 s"), "{long:?}");

        lab.source().crash();
        let run = life.fail_over(true).await;
        let end = life.over(&run.id).await;
        assert_succeeded(&end);
        let steer = end.steps.iter().find(|step| step.key.ends_with(".steer1")).unwrap();
        let said = steer.message.clone().unwrap();
        assert!(said.contains("accepts connections") && said.contains("may keep the old address for 3600 s"), "{said}");
        let target = life.node.clouds.get(&lab.cloud("dublin")).unwrap();
        let machine = target.cloud().inventory().one(&native).await.unwrap().unwrap();
        let first: IpAddr = machine.nics[0].addresses[0].parse().unwrap();
        let now = holder.now.lock().unwrap().clone();
        assert_eq!((now.addresses, now.ttl), (vec![first], Some(30)));
    });
}
