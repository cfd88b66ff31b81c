//! Traffic steering: making clients reach a machine at its new place.
//!
//! Each mechanism says what it would do, does it under the epoch of the run, and proves it by a probe from outside:
//! that the announcement was sent is no proof. Gratuitous ARP on a stretched network is the first; routes, floating
//! addresses, load balancers and DNS fit the same five calls.

mod garp;
pub mod probe;
mod route;
mod socket;

use async_trait::async_trait;
use model::{cloud::Network, machine::Nic, plan::HealthCheck};
use serde::{Deserialize, Serialize};

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

pub const MECHANISMS: [&str; 1] = ["garp"];

/// # Errors
/// There is no such mechanism.
pub fn by_name(name: &str) -> Result<&'static dyn Steering> {
    match name {
        "garp" => Ok(&garp::Garp),
        other => Err(format!("There is no mechanism '{other}'. Take one of: {}.", MECHANISMS.join(", "))),
    }
}
