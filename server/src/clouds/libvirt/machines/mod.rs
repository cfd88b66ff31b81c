//! The facet `Machines`: describe, check, create, find, delete.

mod aside;
mod check;
mod create;
mod edit;
mod foreign;
mod look;
mod rewrite;
mod seed;
mod spec;

pub use edit::Edits;
pub use rewrite::interface;

use super::{Libvirt, inventory};
use crate::clouds::{
    CreateRequest, MachineSpec, Machines,
    error::{Error, Result},
};
use async_trait::async_trait;
use model::{Mapping, Problem};

#[async_trait]
impl Machines for Libvirt {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec> {
        self.with(native_id, |conn, domain| {
            let facts = inventory::facts(conn, domain)?;
            let unreadable = |why| Error::permanent(format!("{}: {why}", domain.name()));
            spec::of(&domain.inactive_xml()?, &facts).map_err(unreadable)
        })
        .await
    }

    async fn check_create(
        &self,
        spec: &MachineSpec,
        networks: &[Mapping],
        storage: &[Mapping],
        replaces: Option<&str>,
    ) -> Result<Vec<Problem>> {
        let (spec, networks, storage, replaces) = (spec.clone(), networks.to_vec(), storage.to_vec(), replaces.map(str::to_owned));
        self.link
            .run(move |conn| {
                let adopted = foreign::adopt(spec.clone(), || look::virt(conn));
                let mut found = check::problems(&adopted, &networks, &storage, &look::host(conn, &adopted, replaces.as_deref())?);
                found.extend(check::of_conversion(&spec));
                Ok(found)
            })
            .await
    }

    async fn create(&self, request: &CreateRequest) -> Result<String> {
        let request = request.clone();
        self.link
            .run(move |conn| {
                let spec = foreign::adopt(request.spec.clone(), || look::virt(conn));
                create::create(conn, &CreateRequest { spec, ..request })
            })
            .await
    }

    async fn find(&self, token: &str) -> Result<Option<String>> {
        let token = token.to_owned();
        self.link.run(move |conn| create::find(conn, &token)).await
    }

    fn tells_guests(&self) -> Option<&'static str> {
        Some("by a drive that cloud-init reads (NoCloud)")
    }

    async fn set_aside(&self, native_id: &str, token: &str) -> Result<String> {
        let (uuid, token) = (native_id.to_owned(), token.to_owned());
        self.link.run(move |conn| aside::set_aside(conn, &uuid, &token)).await
    }

    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()> {
        let uuid = native_id.to_owned();
        self.link.run(move |conn| create::delete(conn, &uuid, with_disks)).await
    }
}
