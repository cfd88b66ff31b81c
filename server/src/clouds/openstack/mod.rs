//! One project of an OpenStack cloud: Keystone, Nova, Glance, Neutron and, where there is one, Cinder over their REST interfaces.
//!
//! - `fields`, `yaml`, `auth`, `link`, `fault`: settings, sessions, requests and what answers mean;
//! - `inventory/`, `power`, `machines/`: looking, power, making machines;
//! - `images`, `upload`, `file`: Glance, and reading and writing disks there; `volumes`: Cinder;
//! - `addresses`: floating IPs; `sink/`: recovery points as images; `source/`: reading machines by snapshots.
//!
//! `docs/clouds/openstack.md` says what each way costs and what was seen on a real cloud.

mod addresses;
mod auth;
mod fault;
mod fields;
mod file;
mod images;
mod inventory;
mod link;
#[cfg(test)]
mod link_tests;
mod machines;
mod power;
mod probe;
mod sink;
mod source;
mod upload;
mod volumes;
mod yaml;

use super::{Cloud, DiskSink, DiskSource, FloatingAddresses, Inventory, Machines, Power, Settings, error::Result, qcow2::layers};
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
    Ok(Arc::new(OpenStack {
        link,
        sizes: inventory::Sizes::default(),
        merges: machines::Merges::default(),
        notes: source::Notes::default(),
    }))
}

struct OpenStack {
    link: Arc<Link>,
    /// Images never change, so how large a disk they make is asked once.
    sizes: inventory::Sizes,
    /// Boot images that are being made, by their token.
    merges: machines::Merges,
    /// Of machines that are paused for a moment.
    notes: source::Notes,
}

#[async_trait]
impl Cloud for OpenStack {
    fn kind(&self) -> &'static str {
        "openstack"
    }

    fn capabilities(&self) -> Vec<Capability> {
        use Capability::{Create, DiskSink, DiskSource, Events, FloatingAddress, Power, StartLock};
        vec![Events, Power, Create, DiskSource, DiskSink, StartLock, FloatingAddress]
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

    fn requests(&self) -> Option<Requests> {
        Some(self.link.meter.read())
    }

    async fn disconnect(&self) {
        self.link.forget().await;
    }
}
