//! Volumes of a machine as images: Cinder lets nobody read a volume from outside. Snapshot, volume of it, image of that.
//!
//! Every step has the server's id in its metadata or name, so that whatever a crash leaves is found.

use super::{
    super::{
        auth::Service,
        images::{self, Image, KIND, SERVER, TOKEN},
        link::Link,
        volumes,
    },
    begin::SNAPSHOT,
};
use crate::clouds::error::{Error, Result};
use model::machine::Disk;
use serde_json::{Value, json};
use std::sync::Arc;

/// A volume's instant.
pub struct Taken {
    snapshot: String,
    size_gib: u64,
    server: String,
    token: String,
}

/// The images' name while they do not carry anything else of ours yet.
pub fn name(server: &str) -> String {
    format!("crossfade volume of {server}")
}

fn about(server: &str, token: &str) -> Value {
    json!({ KIND: SNAPSHOT, SERVER: server, TOKEN: token })
}

/// All of them are asked for at once: as near to one instant as the cloud gets by itself.
///
/// # Errors
/// The cloud's; quotas of snapshots are `Full`.
pub async fn take(link: &Link, server: &str, token: &str, disks: &[&Disk]) -> Result<Vec<Taken>> {
    let metadata = about(server, token);
    let ask = async |disk: &&Disk| {
        let id = disk.source.as_deref().unwrap_or_default();
        let snapshot = volumes::snapshot(link, id, &name(server), &metadata).await?;
        Ok(Taken { snapshot, size_gib: volumes::gib(disk.size_bytes), server: server.to_owned(), token: token.to_owned() })
    };
    let taken: Vec<Taken> = futures::future::join_all(disks.iter().map(ask)).await.into_iter().collect::<Result<_>>()?;
    for one in &taken {
        volumes::snapshot_ready(link, &one.snapshot).await?;
    }
    Ok(taken)
}

impl Taken {
    /// # Errors
    /// The cloud's.
    pub async fn copy(self, link: Arc<Link>) -> Result<Image> {
        let link = &link;
        let body = json!({ "name": name(&self.server), "size": self.size_gib, "snapshot_id": self.snapshot, "metadata": about(&self.server, &self.token) });
        let id = volumes::create(link, &body).await?;
        let volume = volumes::ready(link, &id).await?;
        let image = volumes::to_image(link, &volume, &name(&self.server)).await?;
        let image = images::settled(link, &image).await?;
        let image = image.ok_or_else(|| Error::transient("The copy of a volume did not come to be: Cinder or Glance gave it up."))?;
        for (key, value) in [(KIND, SNAPSHOT), (SERVER, &self.server), (TOKEN, &self.token)] {
            images::set(link, &image.id, key, value).await?;
        }
        // Its quota is free again while the image is read. The snapshot goes when the point ends, one after the other: two that
        // are merged back at once have brought a running QEMU down.
        volumes::delete(link, &id).await?;
        Ok(image)
    }
}

/// The volumes that were made of snapshots, and these; one at a time.
///
/// # Errors
/// The cloud's.
pub async fn tidy(link: &Link, server: &str) -> Result<()> {
    if !link.has(Service::Volume).await? {
        return Ok(());
    }
    for one in volumes::with(link, SERVER, server).await?.into_iter().filter(|one| one.meta(KIND) == Some(SNAPSHOT)) {
        volumes::delete(link, &one.id).await?;
    }
    for one in volumes::snapshots(link, SERVER, server).await? {
        volumes::delete_snapshot(link, &one.id).await?;
    }
    Ok(())
}
