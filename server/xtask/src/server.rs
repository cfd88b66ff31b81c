//! Builds the node. Where libvirt's headers are missing it is built without that driver, and says so.

use crate::{paths, progress::Phase, toolchain};
use anyhow::Result;
use std::process::{Command, Stdio};

pub fn build(release: bool) -> Result<()> {
    let phase = Phase::begin("server");
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
    cargo.current_dir(paths::root()).args(["build", "-p", "server", "--bin", "crossfade"]);
    cargo.env("RUSTFLAGS", toolchain::flags());
    if release {
        cargo.arg("--release");
    } else {
        // Apart from the tests, which are built with other flags: neither throws away the other's work.
        cargo.arg("--target-dir").arg(paths::dev());
    }
    if !has_libvirt() {
        eprintln!(" server  libvirt's headers are missing (Debian: apt-get install libvirt-dev): built without the libvirt driver");
        cargo.args(["--no-default-features", "--features", "ui,openstack,vsphere,ec2"]);
    }
    phase.run(&mut cargo)?;
    phase.done();
    Ok(())
}

/// The binary that [`build`] made.
pub fn binary(release: bool) -> std::path::PathBuf {
    if release { paths::target().join("release/crossfade") } else { paths::dev().join("debug/crossfade") }
}

fn has_libvirt() -> bool {
    let asked = Command::new("pkg-config").args(["--exists", "libvirt"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}
