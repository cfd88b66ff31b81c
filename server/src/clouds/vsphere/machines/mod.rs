//! The facet `Machines`: describe, check, create, find, set aside, delete.

mod builds;
mod check;
mod config;
mod create;
mod describe;
mod shape;

pub use builds::Builds;
pub use describe::disk_names;

use super::{Vsphere, inventory::machine, link::Ref, props, task, xml::tag};
use crate::clouds::{
    CreateRequest, MachineSpec, Machines,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use model::{Mapping, Problem};

#[async_trait]
impl Machines for Vsphere {
    async fn describe(&self, native_id: &str) -> Result<MachineSpec> {
        describe::describe(self, native_id).await
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
        if let Some(made) = create::find(&self.link, &request.token).await? {
            return Ok(made.id);
        }
        self.builds.machine(&self.link, request).await
    }

    fn tells_guests(&self) -> Option<&'static str> {
        Some("by guestinfo, which cloud-init reads")
    }

    async fn find(&self, token: &str) -> Result<Option<String>> {
        Ok(create::find(&self.link, token).await?.map(|one| one.id))
    }

    /// By its name, which a folder has once only. Its identity may stay: vSphere keeps machines apart by ids of its own.
    async fn set_aside(&self, native_id: &str, token: &str) -> Result<String> {
        let machine = Ref::machine(native_id);
        let seen = props::one(&self.link, &machine, &["name", "runtime.powerState", "runtime.connectionState"]).await?;
        let mark = format!("~{}", create::identity(token).get(..8).unwrap_or_default());
        let name = machine::name(&seen);
        if name.ends_with(&mark) {
            return Ok(native_id.to_owned());
        }
        if !machine::state(&seen).is_off() {
            return Err(Error::conflict(format!("{name} is not off; only a stopped machine can be set aside.")));
        }
        let name: String = name.chars().take(70).chain(mark.chars()).collect();
        task::run(&self.link, "Rename_Task", &machine, &tag("newName", name)).await?;
        Ok(native_id.to_owned())
    }

    async fn delete(&self, native_id: &str, with_disks: bool) -> Result<()> {
        let machine = Ref::machine(native_id);
        let seen = match props::one(&self.link, &machine, &["runtime.powerState", "runtime.connectionState"]).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(()),
            other => other?,
        };
        if !machine::state(&seen).is_off() {
            return Err(Error::conflict("It is not off: stop it before it is deleted."));
        }
        let gone = match with_disks {
            true => task::run(&self.link, "Destroy_Task", &machine, "").await,
            false => self.link.change("UnregisterVM", &machine, "").await,
        };
        match gone {
            Err(error) if error.kind == Kind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }
}
