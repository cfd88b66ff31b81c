//! The facet `Machines`: describe, check, create, find, delete.

mod boot;
mod check;
mod check_disks;
mod create;
mod describe;
mod disks;
mod flavour;
mod groups;
mod placeholder;
mod ports;
mod shape;
mod storage;

pub use boot::Merges;
pub use create::tidy;
pub use describe::describe;
pub use storage::IMAGE;

use super::OpenStack;
use crate::clouds::{CreateRequest, MachineSpec, Machines, error::Result};
use async_trait::async_trait;
use model::{Mapping, Problem};

#[async_trait]
impl Machines for OpenStack {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec> {
        describe(&self.link, &self.sizes, native_id).await
    }

    async fn check_create(
        &self,
        spec: &MachineSpec,
        networks: &[Mapping],
        storage: &[Mapping],
        replaces: Option<&str>,
    ) -> Result<Vec<Problem>> {
        check::problems(&self.link, spec, networks, storage, replaces).await
    }

    async fn create(&self, request: &CreateRequest) -> Result<String> {
        create::create(self, request).await
    }

    fn tells_guests(&self) -> Option<&'static str> {
        Some("by its config drive, which cloud-init reads, or by DHCP")
    }

    async fn find(&self, token: &str) -> Result<Option<String>> {
        Ok(create::find(&self.link, token).await?.map(|server| server.id))
    }

    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()> {
        create::delete(&self.link, native_id, with_disks).await
    }
}
