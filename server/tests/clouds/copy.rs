//! One cycle from a source to a sink, as the engine makes it.

use super::harness::Bed;
use server::clouds::{BeginPoint, CreateRequest, Extent, MAX_READ, OpenPoint, PointRef, SinkDisk, SinkRef, SourcePoint, error::Result};
use std::{process::Command, time::Duration};

pub struct Done {
    pub reference: PointRef,
    pub point: SinkRef,
    pub bytes: u64,
    pub full: bool,
}

/// Where a machine is replicated to, over its cycles.
pub struct Chain<'a> {
    pub bed: &'a Bed,
    pub native_id: String,
    pub lineage: String,
    pub storage: Vec<model::Mapping>,
    pub last: Option<(PointRef, SinkRef)>,
    pub cycles: u32,
    /// What other targets of the machine go on from.
    pub others: Vec<PointRef>,
}

impl<'a> Chain<'a> {
    pub fn new(bed: &'a Bed, native_id: &str) -> Self {
        let lineage = format!("l{:08x}", rand::random::<u32>());
        Self { bed, native_id: native_id.to_owned(), lineage, storage: vec![], last: None, cycles: 0, others: vec![] }
    }

    pub fn token(&mut self) -> String {
        self.cycles += 1;
        format!("{}-{}", self.lineage, self.cycles)
    }

    pub async fn open(&mut self) -> Box<dyn SourcePoint> {
        let (token, since) = (self.token(), self.last.as_ref().map(|(point, _)| point.clone()));
        self.bed.source.disk_source().unwrap().open(&self.native_id, OpenPoint { token, since, others: self.others.clone() }).await.unwrap()
    }

    /// Opens a point that shows what the machine wrote to its first disk since the last cycle: waits until it has written.
    pub async fn open_written(&mut self) -> Box<dyn SourcePoint> {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let mut source = self.open().await;
            if !source.extents(0).await.unwrap().is_empty() {
                return source;
            }
            source.close(false).await.unwrap();
            assert!(tokio::time::Instant::now() < deadline, "{} has written nothing", self.native_id);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn begin_request(&self, source: &mut dyn SourcePoint) -> BeginPoint {
        let parent = self.last.as_ref().filter(|_| source.incremental()).map(|(_, point)| point.clone());
        let mut disks = vec![];
        for index in 0..source.disks().len() {
            let extents = source.extents(index).await.unwrap();
            disks.push(SinkDisk { shape: source.disks()[index].clone(), pool: Some("images".into()), extents });
        }
        BeginPoint { token: source.reference().0, lineage: self.lineage.clone(), parent, disks, storage: self.storage.clone() }
    }

    /// One whole cycle.
    pub async fn cycle(&mut self) -> Done {
        let source = self.open().await;
        self.finish(source).await.unwrap()
    }

    /// For a machine of the newest point.
    pub async fn create_request(&self) -> CreateRequest {
        let spec = self.bed.source.machines().unwrap().describe(&self.native_id).await.unwrap();
        let (token, lineage) = (format!("{}-create", self.lineage), self.lineage.clone());
        CreateRequest { token, lineage, spec, point: self.last.as_ref().unwrap().1.clone(), networks: vec![], storage: vec![], guest: None }
    }

    pub async fn finish(&mut self, mut source: Box<dyn SourcePoint>) -> Result<Done> {
        let request = self.begin_request(&mut *source).await;
        let plan: Vec<Vec<Extent>> = request.disks.iter().map(|disk| disk.extents.clone()).collect();
        let mut sink = match self.bed.target.disk_sink().unwrap().begin(request).await {
            Ok(sink) => sink,
            Err(error) => {
                source.close(false).await.unwrap();
                return Err(error);
            }
        };
        let mut bytes = 0;
        for (disk, extents) in plan.iter().enumerate() {
            for (offset, length) in pieces(extents) {
                let data = source.read(disk, offset, length).await?;
                bytes += data.len() as u64;
                sink.write(disk, offset, data).await?;
            }
        }
        let point = sink.commit().await?;
        let done = Done { reference: source.reference(), full: !source.incremental(), point, bytes };
        source.close(true).await?;
        self.last = Some((done.reference.clone(), done.point.clone()));
        Ok(done)
    }
}

pub fn pieces(extents: &[Extent]) -> Vec<(u64, u32)> {
    let cut = |e: &Extent| {
        let (offset, length) = (e.offset, e.length);
        (0..length.div_ceil(MAX_READ.into())).map(move |i| {
            let at = i * u64::from(MAX_READ);
            (offset + at, (length - at).min(MAX_READ.into()) as u32)
        })
    };
    extents.iter().filter(|e| !e.zero).flat_map(cut).collect()
}

/// `qemu-img compare` of a source's disk with the chain at the target; both sites' folders are visible here.
pub fn same(source_file: &str, point: &SinkRef) {
    let (berlin, dublin) = (std::env::var("CF_BERLIN_IMAGES").unwrap(), std::env::var("CF_DUBLIN_IMAGES").unwrap());
    let point: serde_json::Value = serde_json::from_str(&point.0).unwrap();
    for (index, disk) in point["disks"].as_array().unwrap().iter().enumerate() {
        let source = if index == 0 { source_file.to_owned() } else { source_file.replace(".qcow2", &format!("-{}.qcow2", index + 1)) };
        let (a, b) = (format!("{berlin}/{source}"), format!("{dublin}/{}", disk["volume"].as_str().unwrap()));
        let out = Command::new("qemu-img").args(["compare", "-U", &a, &b]).output().unwrap();
        assert!(out.status.success(), "{a} {b}: {}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
        let out = Command::new("qemu-img").args(["check", &b]).output().unwrap();
        assert!(out.status.success(), "{b}: {}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
    }
}
