//! The facet `Inventory`: servers page by page, then by what changed since.

pub mod resources;
pub mod server;
mod sizes;
mod watch;

pub use sizes::Sizes;

use super::{OpenStack, auth::Service, link::Link};
use crate::clouds::{
    Change, Inventory, ListPage, Observed,
    error::{Error, Result},
};
use async_trait::async_trait;
use model::cloud::{Capacity, Resources};
use serde::Deserialize;
use serde_json::Value;
use server::Server;
use tokio::sync::mpsc;

/// Nova's own limit is 1000 by default; this one is answered within a second or two.
const PAGE: usize = 200;

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
        if cursor.is_none() {
            self.sizes.refresh(&self.link).await?;
        }
        let marker = cursor.map(|id| format!("&marker={id}")).unwrap_or_default();
        let page: Servers = self.link.get(Service::Compute, &format!("/servers/detail?limit={PAGE}{marker}")).await?;
        let full = page.servers.len() >= PAGE;
        let mut machines = Vec::with_capacity(page.servers.len());
        for native in page.servers {
            let (server, machine) = observe(&self.link, &self.sizes, native, false).await?;
            self.notes.see(&self.link, &server);
            machines.push(machine);
        }
        let next = machines.last().filter(|_| full).map(|machine: &Observed| machine.native_id.clone());
        Ok(ListPage { machines, next })
    }

    async fn one(&self, native_id: &str) -> Result<Option<Observed>> {
        let Some(One { server }) = self.link.find(Service::Compute, &path(native_id)?).await? else { return Ok(None) };
        let (server, observed) = observe(&self.link, &self.sizes, server, true).await?;
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
        watch::begin(self.link.clone(), self.sizes.clone(), self.notes.clone()).await.map(Some)
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

/// `fresh`: its volumes are looked at now.
pub async fn observe(link: &Link, sizes: &Sizes, native: Value, fresh: bool) -> Result<(Server, Observed)> {
    let server = read(&native)?;
    let root = sizes.root(link, &server).await?;
    let volumes = sizes.volumes(link, &server, fresh).await?;
    let observed = server::observed(&server, root, &volumes, native);
    Ok((server, observed))
}
