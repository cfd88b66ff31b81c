//! A recovery point on its way.

use super::{
    super::{
        Libvirt,
        link::Link,
        meta::escape,
        sys::{Conn, Fault, raw},
    },
    lines::Line,
    names::{self, Point, PointDisk},
    pools, sync,
    upload::Upload,
};
use crate::clouds::{
    BeginPoint, SinkPoint, SinkRef,
    error::{Error, Kind, Result},
    qcow2::Layout,
};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;

pub struct Incoming {
    link: Arc<Link>,
    point: Point,
    uploads: Vec<Upload>,
    line: Option<Line>,
}

/// One disk that will be made.
struct Plan {
    disk: PointDisk,
    backing: Option<String>,
    layout: Layout,
}

pub async fn begin(driver: &Libvirt, request: BeginPoint) -> Result<Box<dyn SinkPoint>> {
    let (point, layouts) = driver.link.run(move |conn| prepare(conn, request)).await?;
    let line = driver.lines.take(&driver.link).await?;
    let mut this = Incoming { link: driver.link.clone(), point, uploads: vec![], line: Some(line) };
    match this.start(layouts).await {
        Ok(()) => Ok(Box::new(this)),
        Err(error) => {
            // The first error is the one to tell.
            let _ = Box::new(this).abort().await;
            Err(error)
        }
    }
}

/// Chooses pools, removes what an interrupted cycle left, makes empty files.
fn prepare(conn: &Conn, request: BeginPoint) -> Result<(Point, Vec<Layout>)> {
    let plans = plan(conn, &request)?;
    super::clean::unfinished(conn, &request.lineage)?;
    let point = Point {
        pool: plans.first().map(|plan| plan.disk.pool.clone()).unwrap_or_default(),
        disks: plans.iter().map(|plan| plan.disk.clone()).collect(),
        lineage: request.lineage,
        token: request.token,
    };
    for plan in &plans {
        if let Err(fault) = make(conn, &plan.disk, plan.backing.as_deref()) {
            remove(conn, &point);
            return Err(fault.into());
        }
    }
    Ok((point, plans.into_iter().map(|plan| plan.layout).collect()))
}

fn plan(conn: &Conn, request: &BeginPoint) -> Result<Vec<Plan>> {
    let parent = request.parent.as_ref().map(Point::parse).transpose()?;
    let pools = pools::all(conn)?;
    let mut plans: Vec<Plan> = vec![];
    for disk in &request.disks {
        let below = parent.as_ref().map(|parent| disk_of(parent, &disk.shape.key)).transpose()?;
        let pool = match below {
            Some(below) => pools.iter().find(|pool| pool.name == below.pool && pool.active).ok_or_else(|| {
                Error::not_found(format!("The storage pool '{}' of the earlier recovery point is not active.", below.pool))
            })?,
            None => pools::choose(&pools, disk.pool.as_deref(), &request.storage)?,
        };
        let backing = below.map(|below| below.volume.as_str());
        let layout = Layout::new(disk.shape.size_bytes, &disk.extents, backing)
            .map_err(|error| Error::permanent(format!("disk {}: {error}", disk.shape.key)))?;
        let volume = names::volume(&request.lineage, &request.token, &disk.shape.key);
        let path = format!("{}/{volume}", pool.path.as_deref().unwrap_or_default());
        plans.push(Plan {
            disk: PointDisk { key: disk.shape.key.clone(), pool: pool.name.clone(), volume, path, size: disk.shape.size_bytes },
            backing: below.map(|below| below.path.clone()),
            layout,
        });
    }
    for pool in &pools {
        let bytes = plans.iter().filter(|plan| plan.disk.pool == pool.name).map(|plan| plan.layout.file_size()).sum();
        pools::room(pool, bytes)?;
    }
    Ok(plans)
}

/// # Errors
/// `Conflict` when it has no such disk.
pub fn disk_of<'a>(point: &'a Point, key: &str) -> Result<&'a PointDisk> {
    point
        .disks
        .iter()
        .find(|disk| disk.key == key)
        .ok_or_else(|| Error::new(Kind::Conflict, format!("The earlier recovery point has no disk {key}.")))
}

/// As qcow2, so that libvirt knows what it is without reading the pool again (which it refuses while it copies
/// something else there). What it writes into the new file is overwritten: a point's head is never shorter.
pub fn make(conn: &Conn, disk: &PointDisk, backing: Option<&str>) -> std::result::Result<(), Fault> {
    let pool = conn.pool(&disk.pool)?;
    let backing = backing.map(|path| format!("<backingStore><path>{}</path><format type='qcow2'/></backingStore>", escape(path)));
    let xml = format!(
        "<volume><name>{}</name><capacity unit='bytes'>{}</capacity><allocation>0</allocation><target><format type='qcow2'/></target>{}</volume>",
        disk.volume,
        disk.size,
        backing.unwrap_or_default()
    );
    match pool.create(&xml) {
        // Left by an attempt with the same token.
        Err(fault) if fault.is(raw::VIR_ERR_STORAGE_VOL_EXIST) => {
            pool.volume(&disk.volume)?.delete()?;
            pool.create(&xml).map(drop)
        }
        other => other.map(drop),
    }
}

/// Best effort: the next begin or tidy removes what stays.
fn remove(conn: &Conn, point: &Point) {
    for disk in &point.disks {
        let _ = conn.pool(&disk.pool).and_then(|pool| pool.volume(&disk.volume)).and_then(|volume| volume.delete());
    }
}

impl Incoming {
    async fn start(&mut self, layouts: Vec<Layout>) -> Result<()> {
        let Some(conn) = self.line.as_ref().and_then(Line::conn) else { return Ok(()) };
        for (disk, layout) in self.point.disks.iter().zip(layouts) {
            self.uploads.push(Upload::begin(conn.clone(), disk.path.clone(), layout).await?);
        }
        Ok(())
    }
}

#[async_trait]
impl SinkPoint for Incoming {
    async fn write(&mut self, disk: usize, offset: u64, data: Bytes) -> Result<()> {
        match self.uploads.get_mut(disk) {
            Some(upload) => upload.write(offset, data).await,
            None => Err(Error::permanent(format!("This point has no disk number {disk}."))),
        }
    }

    async fn commit(mut self: Box<Self>) -> Result<SinkRef> {
        for upload in std::mem::take(&mut self.uploads) {
            upload.finish().await?;
        }
        if let Some(line) = self.line.take() {
            line.give_back();
        }
        let point = self.point.clone();
        let reference = point.reference();
        self.link.run(move |conn| complete(conn, &point)).await?;
        Ok(reference)
    }

    async fn abort(mut self: Box<Self>) -> Result<()> {
        // Dropping them aborts the streams, closing the connection ends what is left of them.
        self.uploads.clear();
        self.line = None;
        let point = self.point.clone();
        self.link
            .run(move |conn| {
                remove(conn, &point);
                Ok(())
            })
            .await
    }
}

/// The marker makes the point exist: all of it or nothing, and not before all of it is on the disk.
pub fn complete(conn: &Conn, point: &Point) -> Result<()> {
    for disk in &point.disks {
        sync::to_disk(conn, disk)?;
    }
    let pool = conn.pool(&point.pool)?;
    let name = point.marker();
    let xml = format!(
        "<volume><name>{name}</name><capacity>0</capacity><allocation>0</allocation><target><format type='raw'/></target></volume>"
    );
    match pool.create(&xml) {
        Err(fault) if !fault.is(raw::VIR_ERR_STORAGE_VOL_EXIST) => Err(fault.into()),
        _ => Ok(()),
    }
}
