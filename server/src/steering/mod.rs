//! Traffic steering: making clients reach a machine at its new place.
//!
//! Each mechanism says what it would do, does it under the epoch of the run, and proves it by a probe from outside:
//! that the announcement was sent is no proof. Gratuitous ARP on a stretched network, floating addresses that a cloud
//! points, and names in zones that a cloud holds; routes and load balancers fit the same five calls.

mod dns;
mod floating;
mod garp;
pub mod probe;
mod route;
mod socket;

use async_trait::async_trait;
use model::{cloud::Network, machine::Nic, plan::HealthCheck};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// An address that shall reach a machine.
#[derive(Clone, Debug)]
pub struct Request {
    pub address: String,
    /// Of the machine at its new place.
    pub nics: Vec<Nic>,
    /// The network of the card that carries it, where somebody named it.
    pub network: Option<String>,
    /// The networks there, for a machine with several cards.
    pub networks: Vec<Network>,
    /// How it is proved.
    pub probe: HealthCheck,
}

/// What would be done. The same for an announcement, a record of a name, a load balancer or a floating address: `how` is
/// the mechanism's own, so that a plan can be kept, shown and handed to another node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub mechanism: String,
    /// What clients use: an address or a name.
    pub address: String,
    pub how: serde_json::Value,
    pub probe: HealthCheck,
    pub in_words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// An older epoch is refused by the network itself. Where not, the run's lease is what protects.
    pub checks_epoch: bool,
    /// Clients keep their connections.
    pub same_address: bool,
}

/// Errors are for people: what is wrong and what to do.
pub type Result<T> = std::result::Result<T, String>;

#[async_trait]
pub trait Steering: Send + Sync {
    fn capabilities(&self) -> Capabilities;
    /// Can this node do it for this address? Changes nothing.
    async fn probe(&self, address: &str) -> Result<String>;
    async fn plan(&self, request: &Request) -> Result<Plan>;
    /// Does it, again and again if asked; answers what was done.
    async fn apply(&self, plan: &Plan, epoch: i64) -> Result<String>;
    /// One look from outside; answers what was seen.
    async fn verify(&self, plan: &Plan) -> Result<String>;
}

/// Who points addresses at machines, where it is not this node: the cloud of the machine that they are to reach.
#[async_trait]
pub trait Pointer: Send + Sync {
    /// MAC of the card that an address of this cloud reaches now.
    async fn reaches(&self, address: &str) -> Result<Option<String>>;
    /// Points it at a card of the machine; answers what was read back.
    async fn point(&self, address: &str, mac: &str) -> Result<String>;
}

/// What a name is now, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The cloud that holds its zone.
    pub holder: String,
    pub zone: String,
    /// Only some networks can see the zone.
    pub private: bool,
    pub addresses: Vec<IpAddr>,
    /// Seconds that resolvers may keep them; `None`: it has no addresses.
    pub ttl: Option<u32>,
}

/// Who holds the zones of names: any connected cloud, not only that of the machine.
#[async_trait]
pub trait Zones: Send + Sync {
    /// An error also where no cloud holds a zone for the name.
    async fn look(&self, name: &str) -> Result<Record>;
    /// Makes these its only addresses, with a TTL in seconds; answers what was read back.
    async fn point(&self, name: &str, addresses: &[IpAddr], ttl: u32) -> Result<Record>;
}

pub const MECHANISMS: [&str; 3] = ["garp", "floating", "dns"];

/// # Errors
/// There is no such mechanism.
pub fn is_known(name: &str) -> Result<()> {
    let unknown = || format!("There is no mechanism '{name}'. Take one of: {}.", MECHANISMS.join(", "));
    if MECHANISMS.contains(&name) { Ok(()) } else { Err(unknown()) }
}

/// `cloud`: the one of the machine, where it points addresses. `zones`: of all clouds.
///
/// # Errors
/// There is no such mechanism, or not at that cloud.
pub fn by_name<'a>(name: &str, cloud: Option<&'a dyn Pointer>, zones: &'a dyn Zones) -> Result<Box<dyn Steering + 'a>> {
    is_known(name)?;
    match (name, cloud) {
        ("floating", Some(cloud)) => Ok(Box::new(floating::Floating { cloud })),
        ("floating", None) => Err("The cloud of the machine has no floating addresses. Take garp, or another recovery cloud.".into()),
        ("dns", _) => Ok(Box::new(dns::Dns { zones })),
        _ => Ok(Box::new(garp::Garp)),
    }
}
