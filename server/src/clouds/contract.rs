//! The driver contract: what a cloud can be asked for, in facets.
//!
//! A facet that a cloud lacks is `None`, never a stub. Every path is source → sink: a move, replication, failover
//! and failback are the same pipeline between any two clouds. Drivers know neither the store nor each other; limits,
//! timeouts, back-off, tracing and metrics are around them ([`super::guard`]), never in them.
//!
//! Blocking C calls belong on threads of their own, not on the async ones. A call may be made twice: every mutation
//! carries a *token* (run id + step key, without the attempt) that the driver puts into the cloud's own name, tag or
//! metadata, so that a retry after a crash finds what the earlier attempt began.

use super::{
    error::{Error, Result},
    floating::FloatingAddresses,
    guest::GuestNetwork,
    migration::LiveMigration,
    names::NameRecords,
    origin::Origin,
};
use async_trait::async_trait;
use bytes::Bytes;
use model::{
    Mapping, Millis, Problem,
    cloud::{Capability, Capacity, ProbeReport, Requests, Resources},
    machine::{Disk, Firmware, Nic, PowerState},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// What a driver is opened with: the fields that it declared, secrets in clear.
#[derive(Clone, Default)]
pub struct Settings {
    pub fields: BTreeMap<String, String>,
    /// SHA-256 (hex) of the server certificate that was accepted; `None`: any that the CA signed.
    pub fingerprint: Option<String>,
    /// A folder of this cloud's own, 0700, for files that a C library wants to see as files.
    pub scratch: std::path::PathBuf,
    /// Blocking calls that one host may keep busy at once; 0: as the driver likes.
    pub calls: usize,
}

#[async_trait]
pub trait Cloud: Send + Sync {
    fn kind(&self) -> &'static str;
    /// What it can do, from what was seen at the last probe.
    fn capabilities(&self) -> Vec<Capability>;
    /// Is it there, as whom, which version, which certificate. Changes nothing.
    async fn probe(&self) -> Result<ProbeReport>;
    fn inventory(&self) -> &dyn Inventory;
    fn power(&self) -> Option<&dyn Power> {
        None
    }
    fn machines(&self) -> Option<&dyn Machines> {
        None
    }
    fn disk_source(&self) -> Option<&dyn DiskSource> {
        None
    }
    fn disk_sink(&self) -> Option<&dyn DiskSink> {
        None
    }
    fn live_migration(&self) -> Option<&dyn LiveMigration> {
        None
    }
    fn addresses(&self) -> Option<&dyn FloatingAddresses> {
        None
    }
    fn names(&self) -> Option<&dyn NameRecords> {
        None
    }
    /// How long ago something came back from it, even if no call succeeded: it is there, and slow. `None`: never, or it
    /// cannot tell.
    fn last_sign(&self) -> Option<std::time::Duration> {
        None
    }
    /// How often its API was asked; `None`: it has none that is billed or throttled by requests.
    fn requests(&self) -> Option<Requests> {
        None
    }
    /// Drops connections; the next call connects again.
    async fn disconnect(&self) {}
}

/// A machine as its cloud shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    pub native_id: String,
    pub name: String,
    pub state: PowerState,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub disks: Vec<Disk>,
    pub nics: Vec<Nic>,
    /// `key=value` or plain words.
    pub tags: Vec<String>,
    pub title: Option<String>,
    pub firmware: Firmware,
    pub arch: Option<String>,
    pub guest_os: Option<String>,
    pub autostart: Option<bool>,
    /// Why it cannot be started, when it was locked by [`Power::lock`].
    pub locked: Option<String>,
    pub native: serde_json::Value,
}

#[derive(Clone, Debug)]
pub enum Change {
    /// New or different.
    Machine(Box<Observed>),
    /// By native id.
    Gone(String),
    /// Something was missed: list everything again.
    Relist,
    /// The connection is gone; the stream ends after it.
    Lost(String),
}

#[derive(Clone, Debug, Default)]
pub struct ListPage {
    pub machines: Vec<Observed>,
    pub next: Option<String>,
}

#[async_trait]
pub trait Inventory: Send + Sync {
    /// Everything, page by page; the driver chooses the size of a page.
    async fn list(&self, cursor: Option<String>) -> Result<ListPage>;
    /// One machine now; `None`: it does not exist.
    async fn one(&self, native_id: &str) -> Result<Option<Observed>>;
    async fn resources(&self) -> Result<Resources>;
    async fn capacity(&self) -> Result<Capacity>;
    /// Does it still answer? Called every two seconds, next to other calls: the cheapest thing that goes there and back.
    async fn alive(&self) -> Result<()> {
        self.capacity().await.map(drop)
    }
    /// Changes from now on; `None`: this cloud must be polled.
    async fn watch(&self) -> Result<Option<mpsc::Receiver<Change>>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Asks the guest; returns at once.
    Graceful,
    /// Takes the power away; off when it returns.
    Hard,
}

#[async_trait]
pub trait Power: Send + Sync {
    async fn state(&self, native_id: &str) -> Result<PowerState>;
    /// Nothing to do when it runs already.
    async fn start(&self, native_id: &str) -> Result<()>;
    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()>;
    async fn reset(&self, native_id: &str) -> Result<()>;
    /// Sets whether it starts with its host, and answers what was read back.
    async fn set_autostart(&self, native_id: &str, on: bool) -> Result<bool>;
    /// Makes the hypervisor itself refuse to start it, with this reason. Only for a stopped machine. Idempotent.
    async fn lock(&self, native_id: &str, reason: &str) -> Result<()>;
    async fn unlock(&self, native_id: &str) -> Result<()>;
}

/// All that is needed to make a machine again elsewhere. Kept with each recovery point, since the source may be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineSpec {
    pub name: String,
    /// Identity that the guest sees (SMBIOS UUID), kept over moves.
    pub uuid: Option<String>,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub firmware: Firmware,
    pub arch: Option<String>,
    pub guest_os: Option<String>,
    /// Only those that hold data (`device == "disk"`), in order.
    pub disks: Vec<Disk>,
    pub nics: Vec<Nic>,
    pub tags: Vec<String>,
    pub title: Option<String>,
    /// Kind of cloud that wrote `native`; another kind ignores it.
    pub native_kind: String,
    /// The cloud's own full definition (libvirt: the inactive domain XML).
    pub native: String,
    /// What it is at other kinds of cloud, where it was before; one for each kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
}

impl MachineSpec {
    /// As it is for a check of the target's room when all but `left` bytes of its disks lie there already.
    pub fn beyond(&self, left: u64) -> Self {
        let mut spec = self.clone();
        for (index, disk) in spec.disks.iter_mut().enumerate() {
            let now = if index == 0 { left } else { 0 };
            let there = disk.allocated_bytes.unwrap_or(disk.size_bytes).min(disk.size_bytes);
            (disk.size_bytes, disk.allocated_bytes) = (disk.size_bytes - there + now, Some(now));
        }
        spec
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateRequest {
    pub token: String,
    pub lineage: String,
    pub spec: MachineSpec,
    /// The recovery point whose disks it gets; they become writable overlays, the point itself stays as it is.
    pub point: SinkRef,
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
    /// What its guest is to be told of its network, because its addresses change; `spec` has the new ones already.
    #[serde(default)]
    pub guest: Option<GuestNetwork>,
}

#[async_trait]
pub trait Machines: Send + Sync {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec>;
    /// Dry run: everything that would be in the way, each with what to do. Touches nothing. `replaces`: the native id of
    /// a machine there that will be gone by then.
    async fn check_create(
        &self,
        spec: &MachineSpec,
        networks: &[Mapping],
        storage: &[Mapping],
        replaces: Option<&str>,
    ) -> Result<Vec<Problem>>;
    /// Creates it stopped, autostart off; answers its native id. With a token seen before: answers what that one made.
    async fn create(&self, request: &CreateRequest) -> Result<String>;
    async fn find(&self, token: &str) -> Result<Option<String>>;
    /// By what means a guest is told of new addresses, in words that go on from "The guest is told …"; `None`: by none.
    fn tells_guests(&self) -> Option<&'static str> {
        None
    }
    /// Gives a stopped machine another name and another identity, and its disks stay its own: its place is free for another
    /// copy of it. Answers its new native id; with a token seen before: what that one made. A running one is a conflict.
    async fn set_aside(&self, _native_id: &str, _token: &str) -> Result<String> {
        Err(Error::lacks("set a copy of a machine aside"))
    }
    /// Do the cards of a machine that is made here have the MAC addresses that they had? Where the cloud chooses them,
    /// [`Machines::check_create`] says so.
    fn keeps_macs(&self) -> bool {
        true
    }
    /// Removes a stopped machine; a running one is a conflict. One that is gone already is fine.
    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()>;
}

/// Names a consistent point at the source (libvirt: the checkpoint). Opaque.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointRef(pub String);

/// Names a recovery point at the target. Opaque JSON of the driver's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkRef(pub String);

impl SinkRef {
    pub fn of<T: Serialize>(point: &T) -> Self {
        Self(serde_json::to_string(point).unwrap_or_default())
    }

    /// # Errors
    /// It was not written by this driver.
    pub fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|_| Error::permanent("This recovery point was not made by this kind of cloud."))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskShape {
    /// As in [`MachineSpec::disks`].
    pub key: String,
    pub size_bytes: u64,
}

/// A run of bytes of one disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    pub offset: u64,
    pub length: u64,
    /// Reads as zeroes: nothing to send, but the sink must show zeroes there.
    pub zero: bool,
}

#[derive(Clone, Debug)]
pub struct OpenPoint {
    /// Unique for this cycle; names what is left behind by a crash, so that it can be found.
    pub token: String,
    /// The last point that the sink committed; `None`: everything.
    pub since: Option<PointRef>,
    /// What other recovery targets of this machine go on from: it stays.
    pub others: Vec<PointRef>,
}

#[async_trait]
pub trait DiskSource: Send + Sync {
    /// Opens one instant over all disks of a machine, running or stopped. Cleans up what an interrupted cycle of this
    /// machine left. When `since` was lost (a crash of the hypervisor loses its bitmaps) it opens a full point instead:
    /// see [`SourcePoint::incremental`].
    async fn open(&self, native_id: &str, request: OpenPoint) -> Result<Box<dyn SourcePoint>>;
    /// What is in the way of recovery points of this machine, or makes them costly. Touches nothing.
    async fn check(&self, _native_id: &str) -> Result<Vec<Problem>> {
        Ok(vec![])
    }
    /// Forgets every point of ours and interrupted work on this machine, except those of `keep`.
    async fn tidy(&self, native_id: &str, keep: &[PointRef]) -> Result<()>;
}

#[async_trait]
pub trait SourcePoint: Send {
    fn reference(&self) -> PointRef;
    /// The instant that the disks show, by this node's clock, never later than the truth.
    fn taken_at(&self) -> Millis;
    /// Are the extents only what changed since the point asked for?
    fn incremental(&self) -> bool;
    fn disks(&self) -> &[DiskShape];
    /// In ascending order, not overlapping; without those that did not change (incremental) or were never written (full).
    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>>;
    /// `length` at most [`MAX_READ`].
    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes>;
    /// Each step back means reading from the front again: who reads here and there copies the disks first.
    fn reads_forward(&self) -> bool {
        false
    }
    /// Ends it. `keep`: the next cycle is incremental from here and the earlier point is dropped;
    /// otherwise its changes are merged back, so that nothing is lost for the next try from the earlier point.
    async fn close(self: Box<Self>, keep: bool) -> Result<()>;
}

pub const MAX_READ: u32 = 4 << 20;

#[derive(Clone, Debug)]
pub struct BeginPoint {
    pub token: String,
    /// All recovery points of one machine share it.
    pub lineage: String,
    /// On top of which point; `None`: a full one.
    pub parent: Option<SinkRef>,
    pub disks: Vec<SinkDisk>,
    /// By the source's pool name; the driver takes its first usable pool where nothing is mapped.
    pub storage: Vec<Mapping>,
}

#[derive(Clone, Debug)]
pub struct SinkDisk {
    pub shape: DiskShape,
    /// The pool it comes from, for the mapping.
    pub pool: Option<String>,
    /// Everything that will be written, known in advance, so that a format with a map in front can be streamed.
    pub extents: Vec<Extent>,
}

/// A point that was made anew on top of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortened {
    /// Its new name; maybe the same.
    pub point: SinkRef,
    /// Where in the chain the one is that it rests on now; `None`: it stands alone.
    pub on: Option<usize>,
}

#[async_trait]
pub trait DiskSink: Send + Sync {
    /// Opens a new recovery point. What an interrupted cycle with the same lineage left (never committed) is removed.
    async fn begin(&self, request: BeginPoint) -> Result<Box<dyn SinkPoint>>;
    /// Does it exist, whole?
    async fn exists(&self, point: &SinkRef) -> Result<bool>;
    /// Deletes one that nothing is based on; a base of others is a conflict. One that is gone already is fine.
    async fn delete(&self, point: &SinkRef) -> Result<()>;
    /// Makes `chain[0]` rest on one further below, or on nothing. `chain`: a point and all that it is based on, the
    /// nearest first, at least two. What it costs goes by what changed, not by the size of the disk. The earlier form
    /// stays until it is deleted. The engine calls it before a chain gets longer than [`DiskSink::max_chain`].
    async fn shorten(&self, chain: &[SinkRef]) -> Result<Shortened>;
    /// How many points may be based on each other.
    fn max_chain(&self) -> u32;
    /// Removes everything of a lineage except these points (and what they are based on), including interrupted uploads.
    async fn tidy(&self, lineage: &str, keep: &[SinkRef]) -> Result<()>;
}

#[async_trait]
pub trait SinkPoint: Send {
    /// In ascending order within a disk; data extents only.
    async fn write(&mut self, disk: usize, offset: u64, data: Bytes) -> Result<()>;
    /// Durable and whole when it returns; a torn write leaves the earlier points usable.
    async fn commit(self: Box<Self>) -> Result<SinkRef>;
    async fn abort(self: Box<Self>) -> Result<()>;
}
