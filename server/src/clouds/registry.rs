//! The kinds of cloud: the only place outside the drivers that knows them.

use super::{
    Cloud, Settings,
    error::{Error, Result},
};
use model::cloud::DriverInfo;
use std::sync::Arc;

/// What can be added, with the fields that each asks for.
pub fn drivers() -> Vec<DriverInfo> {
    vec![
        #[cfg(feature = "libvirt")]
        super::libvirt::info(),
        #[cfg(feature = "openstack")]
        super::openstack::info(),
        #[cfg(feature = "vsphere")]
        super::vsphere::info(),
        #[cfg(feature = "ec2")]
        super::ec2::info(),
        super::simulator::info(),
    ]
}

/// What the drivers need on this host: name, and its version or what to do.
pub fn libraries() -> Vec<(&'static str, std::result::Result<String, String>)> {
    vec![
        #[cfg(feature = "libvirt")]
        ("libvirt library", super::libvirt::library()),
    ]
}

/// Makes the driver; connects at the first call, not here.
///
/// # Errors
/// `Permanent` for an unknown kind or a field that cannot be right.
pub fn open(kind: &str, settings: Settings) -> Result<Arc<dyn Cloud>> {
    match kind {
        #[cfg(feature = "libvirt")]
        "libvirt" => super::libvirt::open(settings),
        #[cfg(feature = "openstack")]
        "openstack" => super::openstack::open(settings),
        #[cfg(feature = "vsphere")]
        "vsphere" => super::vsphere::open(settings),
        #[cfg(feature = "ec2")]
        "ec2" => super::ec2::open(settings),
        "simulator" => super::simulator::open(settings),
        other => Err(Error::permanent(format!("There is no driver for '{other}' in this build."))),
    }
}
