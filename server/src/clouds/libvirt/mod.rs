//! libvirt hosts with QEMU/KVM: qemu+tls, qemu+ssh, qemu+unix (qemu+tcp and test:// only by the switch `insecure`).
//!
//! - `sys/`: libvirt's C interface, the only unsafe code; `threads`, `link`: where and over what blocking calls run;
//! - `inventory/`, `power`, `lock`, `machines/`: the facets that look and change;
//! - `source/`, `nbd/`, `reader`: reading disks; `sink/`, `qcow2/`: keeping recovery points.

// The read and write path lands next and uses the rest.
#![allow(dead_code)]

mod fields;
mod files;
mod inventory;
mod link;
mod lock;
mod meta;
mod power;
mod probe;
mod reader;
mod sys;
mod threads;
mod tls;

pub mod nbd;
pub mod qcow2;

use super::{Cloud, Inventory, Power, Settings, error::Result};
use async_trait::async_trait;
use fields::{Config, Transport};
use link::Link;
use model::cloud::{Capability, DriverInfo, ProbeReport};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub fn info() -> DriverInfo {
    fields::info()
}

/// # Errors
/// A field that cannot be right.
pub fn open(settings: Settings) -> Result<Arc<dyn Cloud>> {
    let link = Arc::new(Link::new(Config::parse(settings)?));
    Ok(Arc::new(Libvirt { link, fibre_channel: AtomicBool::new(false) }))
}

struct Libvirt {
    link: Arc<Link>,
    /// Seen at the last probe.
    fibre_channel: AtomicBool,
}

impl Libvirt {
    fn is_test(&self) -> bool {
        self.link.config.transport == Transport::Test
    }
}

#[async_trait]
impl Cloud for Libvirt {
    fn kind(&self) -> &'static str {
        "libvirt"
    }

    fn capabilities(&self) -> Vec<Capability> {
        let mut all = vec![Capability::Events, Capability::Power];
        if !self.is_test() {
            all.extend([Capability::StartLock, Capability::GuestAgent]);
        }
        if self.fibre_channel.load(Ordering::Relaxed) {
            all.push(Capability::FibreChannel);
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

    async fn disconnect(&self) {
        self.link.disconnect().await;
    }
}
