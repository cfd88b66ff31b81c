//! A point that is being read.

use super::{
    super::{
        files::DatastoreFile,
        layers::ReadAt,
        lease::Lease,
        link::{Link, Ref},
        props, task,
    },
    export::Stream,
    ids::Ids,
    snapshots,
};
use crate::clouds::{
    DiskShape, Extent, MAX_READ, PointRef, SourcePoint,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use bytes::Bytes;
use model::Millis;
use std::{collections::BTreeMap, sync::Arc};

pub struct DiskOf {
    pub shape: DiskShape,
    pub extents: Vec<Extent>,
    pub data: Data,
}

pub enum Data {
    /// Anywhere in a file on a datastore.
    File(DatastoreFile),
    /// Forward, from a host.
    Stream(Stream),
}

pub struct Point {
    pub link: Arc<Link>,
    pub machine: Ref,
    pub snapshot: Ref,
    pub token: String,
    /// Of other targets, whose records stay.
    pub others: Vec<PointRef>,
    pub taken_at: Millis,
    pub incremental: bool,
    /// What the tracker calls this instant, by the disk's device key.
    pub ids: BTreeMap<i32, String>,
    pub shapes: Vec<DiskShape>,
    pub disks: Vec<DiskOf>,
    /// Under which the streams are.
    pub lease: Option<Lease>,
}

#[async_trait]
impl SourcePoint for Point {
    fn reference(&self) -> PointRef {
        PointRef(self.token.clone())
    }
    fn taken_at(&self) -> Millis {
        self.taken_at
    }
    fn incremental(&self) -> bool {
        self.incremental
    }
    fn disks(&self) -> &[DiskShape] {
        &self.shapes
    }

    async fn extents(&mut self, disk: usize) -> Result<Vec<Extent>> {
        Ok(self.disk(disk)?.extents.clone())
    }

    async fn read(&mut self, disk: usize, offset: u64, length: u32) -> Result<Bytes> {
        if length > MAX_READ {
            return Err(Error::permanent(format!("A read of {length} bytes is above the limit of {MAX_READ}.")));
        }
        match &mut self.disk(disk)?.data {
            Data::File(file) => file.read_at(offset, length.into()).await,
            Data::Stream(stream) => stream.read(offset, length.into()).await,
        }
    }

    fn reads_forward(&self) -> bool {
        self.lease.is_some()
    }

    /// The record is written before the snapshot goes: killed in between, the next point removes the snapshot.
    async fn close(mut self: Box<Self>, keep: bool) -> Result<()> {
        if keep {
            self.keep().await?;
        }
        if let Some(lease) = self.lease.take() {
            // It ends by itself when this fails.
            let _ = lease.complete().await;
        }
        snapshots::remove(&self.link, &self.snapshot).await
    }
}

impl Point {
    fn disk(&mut self, disk: usize) -> Result<&mut DiskOf> {
        self.disks.get_mut(disk).ok_or_else(|| Error::permanent("The machine has no such disk."))
    }

    async fn keep(&self) -> Result<()> {
        let seen = props::one(&self.link, &self.machine, &["config.template", "config.extraConfig"]).await?;
        // A template cannot be written to; the next point is a full one.
        if seen.flag("config.template") || self.ids.len() != self.disks.len() {
            return Ok(());
        }
        let mut ids = Ids::read(&seen).only(&self.others);
        ids.0.insert(self.token.clone(), self.ids.clone());
        match task::run(&self.link, "ReconfigVM_Task", &self.machine, &ids.spec()).await {
            // A right less, and the next point is a full one.
            Err(error) if matches!(error.kind, Kind::Auth | Kind::Unsupported) => {
                tracing::warn!(%error, machine = %self.machine.id, "the record of changes is not kept");
                Ok(())
            }
            other => other.map(drop),
        }
    }
}
