//! libvirt hosts: qemu+tls, qemu+ssh, qemu+unix.

pub mod nbd;
pub mod qcow2;

use super::{
    Cloud, Settings,
    error::{Error, Result},
};
use model::cloud::DriverInfo;
use std::sync::Arc;

pub fn info() -> DriverInfo {
    DriverInfo {
        kind: "libvirt".into(),
        title: "libvirt host".into(),
        about: "A host with libvirt and QEMU/KVM.".into(),
        simulated: false,
        fields: vec![],
    }
}

/// # Errors
/// A field that cannot be right.
pub fn open(_settings: Settings) -> Result<Arc<dyn Cloud>> {
    Err(Error::lacks("be opened yet"))
}
