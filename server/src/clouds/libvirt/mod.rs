//! libvirt hosts with QEMU/KVM: qemu+tls, qemu+ssh, qemu+unix (qemu+tcp and test:// only by the switch `insecure`).
//!
//! - `sys/`: libvirt's C interface, the only unsafe code; `threads`, `link`: where and over what blocking calls run;
//! - `inventory/`, `power`, `lock`, `machines/`, `migrate/`: the facets that look and change;
//! - `source/`, `nbd/`, `reader`: reading disks; `sink/`, `qcow2/`: keeping recovery points.

#![allow(dead_code)]

mod fields;
mod files;
mod inventory;
mod link;
mod lock;
mod machines;
mod meta;
mod migrate;
mod power;
mod probe;
mod reader;
mod sink;
mod source;
mod sys;
mod threads;
mod tls;

pub mod nbd;

use super::{Cloud, DiskSink, DiskSource, Inventory, LiveMigration, Machines, Power, Settings, error::Result};
use async_trait::async_trait;
use fields::{Config, Transport};
use link::Link;
use model::cloud::{Capability, DriverInfo, ProbeReport};
use sink::Lines;
use source::Still;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Is the library on this host good enough? Its version, or what to do.
pub fn library() -> std::result::Result<String, String> {
    // Incremental backup in pull mode is complete from 7.2 on.
    match sys::library_version() {
        Ok(version) if version >= 7_002_000 => Ok(link::version_text(version)),
        Ok(version) => Err(format!("{}: protection needs 7.2 or newer; update libvirt on this host", link::version_text(version))),
        Err(_) => Err("does not answer: reinstall libvirt's client library (Debian: libvirt0)".into()),
    }
}

pub fn info() -> DriverInfo {
    fields::info()
}

/// # Errors
/// A field that cannot be right.
pub fn open(settings: Settings) -> Result<Arc<dyn Cloud>> {
    let link = Arc::new(Link::new(Config::parse(settings)?));
    Ok(Arc::new(Libvirt { link, still: Still::default(), lines: Lines::default(), fibre_channel: AtomicBool::new(false) }))
}

struct Libvirt {
    link: Arc<Link>,
    still: Still,
    lines: Lines,
    /// Seen at the last probe.
    fibre_channel: AtomicBool,
}

impl Libvirt {
    fn is_test(&self) -> bool {
        self.link.config.transport == Transport::Test
    }

    /// Other hosts can reach it: with certificates, or in clear where that was allowed.
    fn migrates(&self) -> bool {
        let config = &self.link.config;
        !self.is_test() && config.migration_host.is_some() && (config.transport != Transport::Tcp || config.insecure)
    }

    /// Disks can be read over the network: with certificates, or in clear where that was allowed.
    fn reads_disks(&self) -> bool {
        let config = &self.link.config;
        !self.is_test() && config.nbd_host.is_some() && (config.pki.is_some() || config.insecure)
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
            all.extend([Capability::Create, Capability::DiskSink, Capability::StartLock, Capability::GuestAgent]);
        }
        if self.reads_disks() {
            all.push(Capability::DiskSource);
        }
        if self.migrates() {
            all.push(Capability::LiveMigration);
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

    fn machines(&self) -> Option<&dyn Machines> {
        (!self.is_test()).then_some(self as _)
    }

    fn disk_source(&self) -> Option<&dyn DiskSource> {
        self.reads_disks().then_some(self as _)
    }

    fn disk_sink(&self) -> Option<&dyn DiskSink> {
        (!self.is_test()).then_some(self as _)
    }

    fn last_sign(&self) -> Option<std::time::Duration> {
        self.link.last_sign()
    }

    fn live_migration(&self) -> Option<&dyn LiveMigration> {
        self.migrates().then_some(self as _)
    }

    async fn disconnect(&self) {
        self.lines.clear();
        self.link.disconnect().await;
    }
}
