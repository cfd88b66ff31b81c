//! A point and all that it builds on, as one disk that can be read anywhere.

use super::{
    super::{
        files::{self, DatastoreFile},
        inventory::places::{Places, Store},
        layers::{self, Place, ReadAt, Run},
        link::{Link, Ref},
        qcow2::Layout,
    },
    names::{self, Manifest, Point, PointDisk},
};
use crate::clouds::{
    Extent,
    error::{Error, Result},
};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// Longer than any chain that is made here: a ring among the manifests must not hold anything up.
const DEEPEST: usize = 64;

/// # Errors
/// `NotFound`: the datastore is not seen any more.
pub fn store(places: &Places, point: &Point) -> Result<Store> {
    let gone = || Error::not_found(format!("The datastore '{}' of the recovery point is not there.", point.datastore));
    places.store_named(&Ref::new("Datacenter", &point.datacenter), &point.datastore).ok_or_else(gone)
}

/// From the whole point at the bottom to the top.
pub struct Chain {
    link: Arc<Link>,
    store: Store,
    pub manifests: Vec<Manifest>,
}

impl Chain {
    /// # Errors
    /// `NotFound` when a part of it is gone.
    pub async fn of(link: &Arc<Link>, places: &Places, top: &Point) -> Result<Self> {
        Self::open(link, store(places, top)?, top).await
    }

    /// # Errors
    /// `NotFound` when a part of it is gone.
    pub async fn open(link: &Arc<Link>, store: Store, top: &Point) -> Result<Self> {
        let files = files::list(link, &store, &names::folder(&top.lineage)).await?;
        let (mut manifests, mut next) = (vec![], Some(top.id()));
        while let Some(id) = next.filter(|_| manifests.len() < DEEPEST) {
            let gone = || Error::not_found("The recovery point is gone, or something that it builds on.");
            let name = files.iter().map(|(name, _)| name).find(|name| names::manifest(name).is_some_and(|named| named.id == id));
            let path = format!("{}/{}", names::folder(&top.lineage), name.ok_or_else(gone)?);
            let manifest = read(link, &store, &path).await?.ok_or_else(gone)?;
            next = manifest.point.parent.clone();
            manifests.push(manifest);
        }
        manifests.reverse();
        Ok(Self { link: link.clone(), store, manifests })
    }

    pub fn top(&self) -> Option<&Manifest> {
        self.manifests.last()
    }

    /// One of its disks, seen through the layers from `first` on.
    ///
    /// # Errors
    /// `Permanent`: a layer lacks the disk or cannot be read.
    pub fn disk(&self, number: usize, first: usize) -> Result<MergedDisk> {
        let lacks = || Error::permanent("The recovery point lacks a disk of the machine.");
        let (mut runs, mut files, mut size) = (vec![], vec![], 0);
        for (layer, manifest) in self.manifests.iter().skip(first).enumerate() {
            let disk = manifest.disks.get(number).ok_or_else(lacks)?;
            let delta = manifest.point.parent.is_some();
            runs = layers::over(&runs, &of_file(disk, delta, layer)?);
            files.push(DatastoreFile::new(self.link.clone(), self.store.clone(), manifest.point.disk(number)));
            size = disk.size;
        }
        Ok(MergedDisk { files, runs, size })
    }
}

async fn read(link: &Link, store: &Store, path: &str) -> Result<Option<Manifest>> {
    let Some(bytes) = files::get(link, store, path).await? else { return Ok(None) };
    let broken = |_| Error::permanent(format!("{} cannot be read.", files::path(store, path)));
    serde_json::from_slice(&bytes).map(Some).map_err(broken)
}

/// Where the data of one file lies: what its writer did is done again without writing.
fn of_file(disk: &PointDisk, delta: bool, layer: usize) -> Result<Vec<Run>> {
    let layout = Layout::new(disk.size, &disk.extents, delta.then_some("")).map_err(|error| Error::permanent(error.to_string()))?;
    let run = |one: &Extent| {
        let place = match one.zero {
            true => Place::Zero,
            false => Place::Data { layer, at: layout.position(one.offset)? },
        };
        Some(Run { offset: one.offset, length: one.length, place })
    };
    Ok(disk.extents.iter().filter_map(run).collect())
}

pub struct MergedDisk {
    files: Vec<DatastoreFile>,
    pub runs: Vec<Run>,
    pub size: u64,
}

impl MergedDisk {
    /// What is to be written to show the same; `zeroes`: also where it is zero above something else.
    pub fn extents(&self, zeroes: bool) -> Vec<Extent> {
        let mut out: Vec<Extent> = vec![];
        for run in &self.runs {
            let zero = run.place == Place::Zero;
            if zero && !zeroes {
                continue;
            }
            match out.last_mut() {
                Some(last) if last.offset + last.length == run.offset && last.zero == zero => last.length += run.length,
                _ => out.push(Extent { offset: run.offset, length: run.length, zero }),
            }
        }
        out
    }

    /// # Errors
    /// The datastore's.
    pub async fn read(&self, offset: u64, length: u64) -> Result<Bytes> {
        let parts: Vec<Run> = layers::between(&self.runs, offset, offset + length).collect();
        // The usual case: all of it lies in one piece.
        if let [Run { offset: at, length: all, place: Place::Data { layer, at: place } }] = parts.as_slice()
            && (*at, *all) == (offset, length)
        {
            return self.files[*layer].read_at(*place, length).await;
        }
        let mut out = BytesMut::zeroed(length as usize);
        for part in parts {
            if let Place::Data { layer, at } = part.place {
                let data = self.files[layer].read_at(at, part.length).await?;
                let from = (part.offset - offset) as usize;
                out[from..from + data.len()].copy_from_slice(&data);
            }
        }
        Ok(out.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const C: u64 = 64 << 10;

    #[test]
    fn the_places_of_a_file_are_those_that_its_writer_chose() {
        let extents = vec![
            Extent { offset: 0, length: 2 * C, zero: false },
            Extent { offset: 4 * C, length: C, zero: true },
            Extent { offset: 6 * C, length: C, zero: false },
        ];
        let disk = PointDisk { key: "scsi0:0".into(), size: 8 * C, length: 0, extents };
        let runs = of_file(&disk, true, 3).unwrap();
        let start = Layout::new(8 * C, &disk.extents, Some("")).unwrap().head_size();
        assert_eq!(runs[0].place, Place::Data { layer: 3, at: start });
        assert_eq!(runs[1].place, Place::Zero);
        assert_eq!(runs[2].place, Place::Data { layer: 3, at: start + 2 * C });
    }
}
