//! A facet of the contract: clouds that point public addresses at machines.

use super::error::Result;
use async_trait::async_trait;

/// An address that the cloud itself points at machines: a floating or elastic one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingAddress {
    pub address: String,
    /// Native id of what it reaches now.
    pub machine: Option<String>,
    /// Of the card there.
    pub mac: Option<String>,
}

#[async_trait]
pub trait FloatingAddresses: Send + Sync {
    /// All that were allocated to us; none is allocated or given back here.
    async fn list(&self) -> Result<Vec<FloatingAddress>>;
    /// Points one at a card of a machine, away from whatever it reached; nothing to do when it points there. Answers what was
    /// read back.
    async fn assign(&self, address: &str, native_id: &str, mac: &str) -> Result<FloatingAddress>;
}
