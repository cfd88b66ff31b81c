//! One region of EC2, or of a cloud that speaks like it, by the official SDKs.
//!
//! - `fields`, `http`, `link`, `operation`, `fault`: settings, connections, sessions, counting and what answers mean;
//! - `inventory/`, `power`, `lock`, `machines/`: looking, power, making machines; `addresses`: Elastic IPs;
//! - `names`: records of Route 53;
//! - `blocks`: reading and writing disks by EBS direct; `sink/`: recovery points as snapshots; `source/`: reading machines.
//!
//! `docs/clouds/ec2.md` says what each way costs and that no real AWS was seen yet.

mod addresses;
mod blocks;
mod fault;
mod fields;
mod http;
mod inventory;
mod link;
mod lock;
mod machines;
mod names;
mod operation;
mod power;
mod probe;
mod sink;
mod source;
mod tags;

use super::{Cloud, DiskSink, DiskSource, FloatingAddresses, Inventory, Machines, NameRecords, Power, Settings, error::Result};
use async_trait::async_trait;
use fields::Config;
use inventory::known::Known;
use link::Link;
use model::cloud::{Capability, DriverInfo, ProbeReport, Requests};
use std::{sync::Arc, time::Duration};

pub fn info() -> DriverInfo {
    fields::info()
}

/// # Errors
/// A field that cannot be right.
pub fn open(settings: Settings) -> Result<Arc<dyn Cloud>> {
    let link = Arc::new(Link::new(Config::parse(settings)?)?);
    Ok(Arc::new(Ec2 { link, known: Known::default(), settled: names::Settled::default() }))
}

#[derive(Clone)]
struct Ec2 {
    link: Arc<Link>,
    /// What never changes, asked once.
    known: Known,
    settled: names::Settled,
}

#[async_trait]
impl Cloud for Ec2 {
    fn kind(&self) -> &'static str {
        "ec2"
    }

    fn capabilities(&self) -> Vec<Capability> {
        use Capability::{Create, DiskSink, DiskSource, Power, StartLock};
        vec![Power, Create, DiskSource, DiskSink, StartLock]
    }

    async fn probe(&self) -> Result<ProbeReport> {
        probe::probe(self).await
    }

    fn inventory(&self) -> &dyn Inventory {
        self
    }
    fn power(&self) -> Option<&dyn Power> {
        Some(self)
    }
    fn machines(&self) -> Option<&dyn Machines> {
        Some(self)
    }
    fn disk_source(&self) -> Option<&dyn DiskSource> {
        Some(self)
    }
    fn disk_sink(&self) -> Option<&dyn DiskSink> {
        Some(self)
    }
    fn addresses(&self) -> Option<&dyn FloatingAddresses> {
        Some(self)
    }
    fn names(&self) -> Option<&dyn NameRecords> {
        Some(self)
    }
    fn last_sign(&self) -> Option<Duration> {
        self.link.last_sign()
    }
    fn requests(&self) -> Option<Requests> {
        Some(self.link.requests())
    }

    async fn disconnect(&self) {
        self.link.forget().await;
    }
}
