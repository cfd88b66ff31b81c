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
use crate::clouds::{CreateRequest, MachineSpec, Machines, error::Result};
use async_trait::async_trait;
use model::{Mapping, Problem};

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
        create::create(self, request).await
    }

    async fn find(&self, token: &str) -> Result<Option<String>> {
        create::find(&self.link, token).await
    }

    async fn set_aside(&self, native_id: &str, token: &str) -> Result<String> {
        aside::set_aside(self, native_id, token).await
    }

    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()> {
        delete::delete(&self.link, native_id, with_disks).await
    }
}
