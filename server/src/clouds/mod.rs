//! Clouds behind one contract. Only [`registry`] and the drivers know which kinds there are.

mod contract;
#[cfg(feature = "ec2")]
pub mod ec2;
pub mod error;
mod floating;
pub mod guard;
mod guest;
#[cfg(any(feature = "ec2", feature = "openstack", feature = "vsphere"))]
mod http;
#[cfg(feature = "libvirt")]
pub mod libvirt;
mod migration;
mod names;
#[cfg(feature = "openstack")]
pub mod openstack;
mod origin;
pub mod pool;
#[cfg(any(feature = "libvirt", feature = "openstack", feature = "vsphere"))]
pub mod qcow2;
pub mod registry;
#[cfg(test)]
pub mod sample;
pub mod simulator;
#[cfg(feature = "vsphere")]
pub mod vsphere;

pub use contract::*;
pub use floating::{FloatingAddress, FloatingAddresses};
pub use guest::{GuestCard, GuestNetwork};
pub use migration::{LiveMigration, MigrateRequest};
pub use names::{NameRecord, NameRecords};
pub use origin::Origin;
