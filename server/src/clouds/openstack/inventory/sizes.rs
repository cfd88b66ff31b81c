//! How large disks are: asked for once where it never changes (images), and for all at once before a full look (volumes).

use super::{
    super::{auth::Service, images, link::Link, volumes},
    server::{Attached, Server, meta},
};
use crate::clouds::error::Result;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[derive(Clone, Default)]
pub struct Sizes(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// Bytes of the disk that is made of an image; `None`: it is gone or does not say.
    images: BTreeMap<String, Option<u64>>,
    volumes: BTreeMap<String, Attached>,
}

impl Sizes {
    /// Bytes of the disk that a server got from its image.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn root(&self, link: &Link, server: &Server) -> Result<Option<u64>> {
        if server.image().is_none() {
            return Ok(None);
        }
        if server.flavor.disk > 0 {
            return Ok(Some(server.flavor.disk << 30));
        }
        if let Some(size) = server.meta(meta::SIZE).and_then(|text| text.parse().ok()) {
            return Ok(Some(size));
        }
        let Some(id) = server.image() else { return Ok(None) };
        if let Some(known) = self.lock().images.get(id).copied() {
            return Ok(known);
        }
        let image = images::get(link, id).await?;
        // A raw image is as long as its disk.
        let raw = |image: &images::Image| image.size.filter(|_| image.disk_format.as_deref() == Some("raw"));
        let size = image.and_then(|image| image.virtual_size.or_else(|| raw(&image)));
        self.lock().images.insert(id.to_owned(), size);
        Ok(size)
    }

    /// All volumes of the project, in a few requests instead of one for each.
    ///
    /// # Errors
    /// Keystone's. Block storage that does not answer leaves what was known: the machines are seen without it.
    pub async fn refresh(&self, link: &Link) -> Result<()> {
        if !link.has(Service::Volume).await? {
            return Ok(());
        }
        match volumes::list(link, "").await {
            Ok(all) => {
                let of = |one: &volumes::Volume| Some((one.id.clone(), attached(one, &one.attachments.first()?.server_id)));
                self.lock().volumes = all.iter().filter_map(of).collect();
            }
            Err(error) => tracing::warn!(%error, "the volumes of a cloud are not seen"),
        }
        Ok(())
    }

    /// Those that a server has. `fresh`: as they are now.
    ///
    /// # Errors
    /// Keystone's.
    pub async fn volumes(&self, link: &Link, server: &Server, fresh: bool) -> Result<Vec<Attached>> {
        let mut out = vec![];
        for one in &server.volumes {
            let known = self.lock().volumes.get(&one.id).cloned();
            let seen = match known {
                Some(known) if !fresh => Some(known),
                known => self.look(link, server, &one.id).await?.or(known),
            };
            out.push(seen.unwrap_or_else(|| Attached { id: one.id.clone(), device: None, bytes: 0, pool: "volume".into() }));
        }
        Ok(out)
    }

    async fn look(&self, link: &Link, server: &Server, id: &str) -> Result<Option<Attached>> {
        if !link.has(Service::Volume).await? {
            return Ok(None);
        }
        let seen = volumes::get(link, id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, id, "a volume is not seen");
            None
        });
        let seen = seen.map(|volume| attached(&volume, &server.id));
        if let Some(seen) = &seen {
            self.lock().volumes.insert(id.to_owned(), seen.clone());
        }
        Ok(seen)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attached(volume: &volumes::Volume, server: &str) -> Attached {
    let pool = volume.volume_type.clone().unwrap_or_else(|| "volume".into());
    Attached { id: volume.id.clone(), device: volume.device(server).map(str::to_owned), bytes: volume.bytes(), pool }
}
