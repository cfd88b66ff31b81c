//! The facet `Inventory`: everything by the property collector, then what it tells of changes.

mod hbas;
pub mod machine;
mod pages;
pub mod places;
mod resources;
mod tags;
mod watch;

use super::{
    Vsphere,
    link::{Link, Ref},
    props::{self, Object},
};
use crate::clouds::{
    Change, Inventory, ListPage, Observed,
    error::{Kind, Result},
};
use async_trait::async_trait;
use model::cloud::{Capacity, Resources};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

pub use pages::Pages;

/// Names of port groups by key, and tags by machine, as last seen: a change of one machine does not ask for them again.
#[derive(Clone, Default)]
pub struct Names(Arc<Mutex<Known>>);

#[derive(Clone, Default)]
struct Known {
    networks: Arc<BTreeMap<String, String>>,
    tags: Arc<BTreeMap<String, Vec<String>>>,
}

#[async_trait]
impl Inventory for Vsphere {
    async fn list(&self, cursor: Option<String>) -> Result<ListPage> {
        self.pages.page(&self.link, &self.names, cursor).await
    }

    async fn one(&self, native_id: &str) -> Result<Option<Observed>> {
        match props::one(&self.link, &Ref::machine(native_id), machine::PATHS).await {
            Ok(object) => Ok(self.names.observed(&self.link, &object).await?),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn resources(&self) -> Result<Resources> {
        resources::look(&self.link).await
    }

    async fn capacity(&self) -> Result<Capacity> {
        resources::capacity(&self.link).await
    }

    async fn alive(&self) -> Result<()> {
        self.link.ask("CurrentTime", &Ref::new("ServiceInstance", "ServiceInstance"), "").await.map(drop)
    }

    async fn watch(&self) -> Result<Option<mpsc::Receiver<Change>>> {
        watch::begin(self.link.clone(), self.names.clone()).await.map(Some)
    }
}

impl Names {
    fn get(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn look(&self, link: &Link) -> Result<()> {
        let networks = Arc::new(resources::port_groups(link).await?);
        let tags = Arc::new(tags::all(link).await?);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known { networks, tags };
        Ok(())
    }

    /// `None`: it is no machine. A card at a port group that is not known makes all names be read again.
    ///
    /// # Errors
    /// By kind.
    pub async fn observed(&self, link: &Link, object: &Object) -> Result<Option<Observed>> {
        if self.get().lacks(object) {
            self.look(link).await?;
        }
        Ok(self.get().observed(object))
    }
}

impl Known {
    fn observed(&self, object: &Object) -> Option<Observed> {
        let tags = self.tags.get(&object.id.id).map(Vec::as_slice).unwrap_or_default();
        machine::is_machine(object).then(|| machine::observed(object, &self.networks, tags))
    }

    fn lacks(&self, object: &Object) -> bool {
        let keys = machine::devices(object).iter().filter_map(|device| device.get("backing/port/portgroupKey"));
        keys.into_iter().any(|key| !self.networks.contains_key(key))
    }
}
