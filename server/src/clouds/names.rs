//! A facet of the contract: clouds that hold zones of DNS. Names are written as people do, without a dot at the end.

use super::error::Result;
use async_trait::async_trait;
use std::net::IpAddr;

/// What a name is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRecord {
    /// The longest zone of the cloud that the name is in.
    pub zone: String,
    /// Only networks that the zone is for can see it.
    pub private: bool,
    /// Of its A and AAAA records; none: it has no such record.
    pub addresses: Vec<IpAddr>,
    /// Seconds that resolvers may keep them: the longer of the two records.
    pub ttl: Option<u32>,
}

#[async_trait]
pub trait NameRecords: Send + Sync {
    /// `None`: the name is in no zone of this cloud. A record that cannot be replaced by plain addresses is a conflict.
    async fn look(&self, name: &str) -> Result<Option<NameRecord>>;
    /// Makes these its only addresses, with a TTL in seconds, and returns when all servers of the cloud answer so; nothing is
    /// changed when they are, with that TTL or a shorter one, and that may have to be waited for as well. Answers what was read back.
    async fn point(&self, name: &str, addresses: &[IpAddr], ttl: u32) -> Result<NameRecord>;
}
