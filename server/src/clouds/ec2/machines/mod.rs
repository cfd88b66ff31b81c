//! The facet `Machines`: describe, check, create, find, set aside, delete.

mod aside;
mod build;
mod check;
mod create;
mod definition;
mod delete;
mod describe;
mod network;
mod placeholder;
mod size;
mod volumes;

pub use delete::tidy;

use super::Ec2;
use crate::clouds::{
    CreateRequest, MachineSpec, Machines,
    error::{Error, Result},
};
use async_trait::async_trait;
use model::{Mapping, Problem};
use std::future::Future;
use tokio::task::JoinSet;
use tracing::Instrument;

/// On a stack of its own: the futures of the SDK are large, those of a run above them as well, and a build without optimisation
/// keeps all of them on one. It ends when nobody waits for it any more.
async fn apart<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let mut task = JoinSet::new();
    task.spawn(Box::pin(work).in_current_span());
    match task.join_next().await {
        Some(Ok(done)) => done,
        _ => Err(Error::transient("The work on the machine ended early.")),
    }
}

#[async_trait]
impl Machines for Ec2 {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec> {
        describe::describe(&self.link, &self.known, native_id).await
    }

    async fn check_create(
        &self,
        spec: &MachineSpec,
        networks: &[Mapping],
        storage: &[Mapping],
        replaces: Option<&str>,
    ) -> Result<Vec<Problem>> {
        check::problems(self, spec, networks, storage, replaces).await
    }

    async fn create(&self, request: &CreateRequest) -> Result<String> {
        let (driver, request) = (self.clone(), request.clone());
        apart(async move { create::create(&driver, &request).await }).await
    }

    fn tells_guests(&self) -> Option<&'static str> {
        Some("by DHCP")
    }

    async fn find(&self, token: &str) -> Result<Option<String>> {
        create::find(&self.link, token).await
    }

    async fn set_aside(&self, native_id: &str, token: &str) -> Result<String> {
        let (driver, native_id, token) = (self.clone(), native_id.to_owned(), token.to_owned());
        apart(async move { aside::set_aside(&driver, &native_id, &token).await }).await
    }

    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()> {
        let (link, native_id) = (self.link.clone(), native_id.to_owned());
        apart(async move { delete::delete(&link, &native_id, with_disks).await }).await
    }
}
