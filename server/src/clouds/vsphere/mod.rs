//! A vCenter Server, or an ESXi host without one, over SOAP and HTTP.
//!
//! - `fields`, `xml`, `fault`, `link`, `props`, `task`: settings, requests, sessions, properties, waiting;
//! - `inventory/`, `power`, `lock`, `machines/`: looking, power, making machines;
//! - `files`, `vmdk`, `unpack`, `lease`: datastores over HTTP, disks as streams;
//! - `sink/`: recovery points as files on a datastore; `source/`: reading machines by snapshot and changed blocks.
//!
//! `docs/clouds/vsphere.md` says what each way costs and that it was seen on a simulator only.

mod fault;
mod fields;
mod files;
mod inventory;
mod lease;
mod link;
mod lock;
mod machines;
mod power;
mod probe;
mod props;
mod sink;
mod source;
mod task;
mod unpack;
mod vmdk;
mod xml;

use super::{
    Cloud, DiskSink, DiskSource, Inventory, Machines, Power, Settings,
    error::Result,
    qcow2::{self, layers},
};
use async_trait::async_trait;
use fields::Config;
use link::Link;
use model::cloud::{Capability, DriverInfo, ProbeReport, Requests};
use std::sync::Arc;

pub fn info() -> DriverInfo {
    fields::info()
}

/// # Errors
/// A field that cannot be right.
pub fn open(settings: Settings) -> Result<Arc<dyn Cloud>> {
    let link = Arc::new(Link::new(Config::parse(settings)?)?);
    Ok(Arc::new(Vsphere {
        link,
        names: inventory::Names::default(),
        pages: inventory::Pages::default(),
        builds: machines::Builds::default(),
    }))
}

struct Vsphere {
    link: Arc<Link>,
    /// Names of port groups, by the keys that cards are connected to.
    names: inventory::Names,
    /// The listing that is under way.
    pages: inventory::Pages,
    /// Machines that are being made, by their token.
    builds: machines::Builds,
}

#[async_trait]
impl Cloud for Vsphere {
    fn kind(&self) -> &'static str {
        "vsphere"
    }

    fn capabilities(&self) -> Vec<Capability> {
        use Capability::{Create, DiskSink, DiskSource, Events, FibreChannel, Power, StartLock};
        let mut all = vec![Events, Power, Create, DiskSource, DiskSink, FibreChannel];
        // A lock is a template, which a host alone does not have. Until it was seen: as a vCenter.
        if self.link.is_vcenter() != Some(false) {
            all.push(StartLock);
        }
        all
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

    fn requests(&self) -> Option<Requests> {
        Some(self.link.meter.read())
    }

    async fn disconnect(&self) {
        self.link.sign_out().await;
    }
}
