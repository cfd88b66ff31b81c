//! All that is needed to make a machine again elsewhere.
//!
//! A machine that came from another kind of cloud has the definition that it had there in its configuration. It goes back as
//! what it was, with its virtual hardware; what changed here (disks, cards, size) is taken from here.

use super::{
    super::{
        Vsphere,
        inventory::machine,
        link::Ref,
        lock,
        props::{self, Object},
    },
    config,
    shape::{self, Native},
};
use crate::clouds::{
    MachineSpec, Observed, Origin,
    error::{Error, Result},
};

const MORE: &[&str] = &["config.extraConfig", "config.hardware.numCoresPerSocket", "config.bootOptions"];

pub async fn describe(driver: &Vsphere, native_id: &str) -> Result<MachineSpec> {
    let paths: Vec<&str> = machine::PATHS.iter().chain(MORE).copied().collect();
    let object = props::one(&driver.link, &Ref::machine(native_id), &paths).await?;
    let seen = driver.names.observed(&driver.link, &object).await?;
    let seen = seen.ok_or_else(|| Error::not_found(format!("{native_id} is a template, or is being made.")))?;
    Ok(spec(&object, seen))
}

/// What it was at the other kind of cloud that it came from.
fn kept(object: &Object) -> Option<MachineSpec> {
    let text = object.list("config.extraConfig").find(|one| one.get("key") == Some(config::SPEC))?.get("value")?.to_owned();
    config::kept(&text).filter(|kept| kept.native_kind != shape::KIND)
}

/// What its disks were called there, in order; `None` for a machine of vSphere, or when disks came or went since.
pub fn disk_names(object: &Object) -> Option<Vec<String>> {
    let count = machine::devices(object).iter().filter(|one| one.kind == "VirtualDisk").count();
    let kept = kept(object).filter(|kept| kept.disks.len() == count)?;
    Some(kept.disks.into_iter().map(|disk| disk.key).collect())
}

fn spec(object: &Object, seen: Observed) -> MachineSpec {
    let own = own(object, seen);
    let Some(kept) = kept(object).filter(|kept| kept.disks.len() == own.disks.len()) else { return own };
    // It goes back to vSphere as what it is now.
    let origins = kept.origins_with(Origin::of(&own));
    let (mut disks, mut nics) = (own.disks, own.nics);
    for (disk, was) in disks.iter_mut().zip(&kept.disks) {
        disk.key.clone_from(&was.key);
        disk.bus.clone_from(&was.bus);
    }
    for nic in &mut nics {
        if let Some(was) = kept.nics.iter().find(|was| was.mac.eq_ignore_ascii_case(&nic.mac)) {
            nic.model.clone_from(&was.model);
        }
    }
    MachineSpec { name: own.name, vcpus: own.vcpus, memory_mib: own.memory_mib, disks, nics, origins, ..kept }
}

/// As vSphere has it.
fn own(object: &Object, seen: Observed) -> MachineSpec {
    let native = serde_json::to_string(&native(object)).unwrap_or_default();
    MachineSpec { native, ..MachineSpec::seen(shape::KIND, object.get("config.uuid").map(str::to_owned), seen) }
}

fn native(object: &Object) -> Native {
    Native {
        guest_id: object.get("config.guestId").unwrap_or_default().to_owned(),
        version: object.get("config.version").map(str::to_owned),
        cores_per_socket: object.number("config.hardware.numCoresPerSocket").filter(|cores| *cores > 0),
        secure_boot: object.prop("config.bootOptions").is_some_and(|boot| boot.flag("efiSecureBootEnabled")),
        notes: lock::without(object.get("config.annotation").unwrap_or_default()),
        controllers: shape::controllers(machine::devices(object)),
    }
}
