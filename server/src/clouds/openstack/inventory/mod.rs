//! The facet `Inventory`: servers page by page, then by what changed since.

pub mod resources;
pub mod server;
mod watch;

use super::{OpenStack, auth::Service, images, link::Link};
use crate::clouds::{
    Change, Inventory, ListPage, Observed,
    error::{Error, Result},
};
use async_trait::async_trait;
use model::cloud::{Capacity, Resources};
use serde::Deserialize;
use serde_json::Value;
use server::{Server, meta};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

/// Nova's own limit is 1000 by default; this one is answered within a second or two.
const PAGE: usize = 200;

/// How many bytes a disk made from an image has, by image; `None`: the image is gone or does not say.
#[derive(Clone, Default)]
pub struct Sizes(Arc<Mutex<BTreeMap<String, Option<u64>>>>);

#[derive(Deserialize)]
pub struct Servers {
    pub servers: Vec<Value>,
}
#[derive(Deserialize)]
pub struct One {
    pub server: Value,
}

#[async_trait]
impl Inventory for OpenStack {
    async fn list(&self, cursor: Option<String>) -> Result<ListPage> {
        let marker = cursor.map(|id| format!("&marker={id}")).unwrap_or_default();
        let page: Servers = self.link.get(Service::Compute, &format!("/servers/detail?limit={PAGE}{marker}")).await?;
        let full = page.servers.len() >= PAGE;
        let mut machines = Vec::with_capacity(page.servers.len());
        for native in page.servers {
            machines.push(observe(&self.link, &self.sizes, native).await?.1);
        }
        let next = machines.last().filter(|_| full).map(|machine: &Observed| machine.native_id.clone());
        Ok(ListPage { machines, next })
    }

    async fn one(&self, native_id: &str) -> Result<Option<Observed>> {
        let Some(One { server }) = self.link.find(Service::Compute, &path(native_id)?).await? else { return Ok(None) };
        let (server, observed) = observe(&self.link, &self.sizes, server).await?;
        Ok((!server.is_deleted()).then_some(observed))
    }

    async fn resources(&self) -> Result<Resources> {
        resources::look(&self.link).await
    }

    async fn capacity(&self) -> Result<Capacity> {
        resources::capacity(&self.link).await
    }

    async fn alive(&self) -> Result<()> {
        self.link.get::<Value>(Service::Compute, "/servers?limit=1").await.map(drop)
    }

    async fn watch(&self) -> Result<Option<mpsc::Receiver<Change>>> {
        watch::begin(self.link.clone(), self.sizes.clone()).await.map(Some)
    }
}

/// An id is put into addresses.
pub fn path(id: &str) -> Result<String> {
    let plain = !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain { Ok(format!("/servers/{id}")) } else { Err(Error::not_found(format!("'{id}' is no id of a server."))) }
}

/// # Errors
/// `NotFound` too.
pub async fn server(link: &Link, id: &str) -> Result<Server> {
    let One { server } = link.get(Service::Compute, &path(id)?).await?;
    let server = read(&server)?;
    if server.is_deleted() { Err(Error::not_found(format!("The server {id} was deleted."))) } else { Ok(server) }
}

pub fn read(native: &Value) -> Result<Server> {
    Server::deserialize(native).map_err(|error| Error::permanent(format!("Nova's answer cannot be read: {error}")))
}

pub async fn observe(link: &Link, sizes: &Sizes, native: Value) -> Result<(Server, Observed)> {
    let server = read(&native)?;
    let root = sizes.root(link, &server).await?;
    let observed = server::observed(&server, root, native);
    Ok((server, observed))
}

impl Sizes {
    /// Bytes of the disk that a server got from its image.
    ///
    /// # Errors
    /// The cloud's.
    pub async fn root(&self, link: &Link, server: &Server) -> Result<Option<u64>> {
        if server.flavor.disk > 0 {
            return Ok(Some(server.flavor.disk << 30));
        }
        if let Some(size) = server.meta(meta::SIZE).and_then(|text| text.parse().ok()) {
            return Ok(Some(size));
        }
        let Some(id) = server.image() else { return Ok(None) };
        if let Some(known) = self.known(id) {
            return Ok(known);
        }
        let image = images::get(link, id).await?;
        // A raw image is as long as its disk.
        let raw = |image: &images::Image| image.size.filter(|_| image.disk_format.as_deref() == Some("raw"));
        let size = image.and_then(|image| image.virtual_size.or_else(|| raw(&image)));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), size);
        Ok(size)
    }

    fn known(&self, id: &str) -> Option<Option<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied()
    }
}
