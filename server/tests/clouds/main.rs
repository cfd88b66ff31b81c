//! One behaviour suite for all drivers: what the engine relies on, seen from the contract alone.
//!
//! It runs on the simulator always, and on real libvirt when `CF_BERLIN_URI` and `CF_DUBLIN_URI` are in the environment
//! (`eval "$(e2e/lab/lab env)"`; needs root, since it makes machines of its own through the lab), and on
//! a real OpenStack when `CF_CUMULUS_URL` is (`e2e/lab/openstack env`), on simulated vCenters when `CF_VIENNA_URL` is
//! (`e2e/lab/vsphere env`), on a simulated AWS when `CF_AWS_URL` is (`e2e/lab/moto env`). What a cloud cannot do by its own capabilities is
//! skipped.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod connection;
mod copy;
mod ec2;
mod ec2_addresses;
mod ec2_answers;
mod ec2_figures;
mod ec2_names;
mod ec2_rights;
mod harness;
mod inventory;
mod live;
mod machines;
mod matrix;
mod openstack;
mod openstack_addresses;
mod openstack_disks;
mod power;
mod replication;
mod room;
mod targets;
mod vsphere;
