//! Where virt-v2v is on this node, how its appliance runs, and about how long it takes.
//!
//! virt-v2v gives its appliance a network, in which QEMU lets whatever runs there reach this host's own addresses. Programs of the
//! guest run there, so it gets a network namespace with nothing in it, wherever the node may make one.

use super::scratch::TOKEN;
use crate::state::Node;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{io::AsyncReadExt, process::Command, sync::OnceCell};

/// What libguestfs reads; set for the node, it is handed on as it is.
const SETTINGS: &str = "LIBGUESTFS_BACKEND_SETTINGS";
/// Where distributions put it: it is not meant for everybody's hands.
const PLACES: [&str; 4] = [
    "/usr/bin/virt-v2v-in-place",
    "/usr/libexec/virt-v2v-in-place",
    "/usr/local/bin/virt-v2v-in-place",
    "/usr/local/libexec/virt-v2v-in-place",
];
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec";
/// Drivers for Windows, where distributions put them.
const WINDOWS: [&str; 2] = ["/usr/share/virtio-win", "/usr/local/share/virtio-win"];

#[derive(Clone, Debug)]
pub struct Tool {
    pub program: PathBuf,
    /// Without hardware virtualisation.
    pub emulated: bool,
    /// What runs it away from the network; empty: this node may not.
    apart: &'static [&'static str],
}

/// `None`: it is not installed here.
pub async fn find(node: &Node) -> Option<Tool> {
    let program = match &node.virt_v2v {
        Some(said) => Some(said.clone()),
        None => PLACES.iter().map(PathBuf::from).find(|path| path.exists()),
    };
    let program = program.filter(|program| program.is_file())?;
    let emulated = match std::env::var(SETTINGS) {
        Ok(said) => said.split(':').any(|one| one == "force_tcg"),
        Err(_) => !kvm().await,
    };
    Some(Tool { program, emulated, apart: apart().await })
}

impl Tool {
    pub fn command(&self, domain: &Path, scratch: &Path, token: &str) -> Command {
        let mut command = match self.apart.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.args(["-i", "libvirtxml"]).arg(domain).current_dir(scratch);
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C").env("HOME", scratch).env("TMPDIR", scratch).env(TOKEN, token);
        // The appliance is made once for all: outside of the scratch folder.
        command.env("LIBGUESTFS_BACKEND", "direct").env("LIBGUESTFS_CACHEDIR", "/var/tmp");
        for name in [SETTINGS, "LIBGUESTFS_MEMSIZE", "LIBGUESTFS_PATH", "VIRTIO_WIN", "VIRT_TOOLS_DATA_DIR"] {
            if let Ok(said) = std::env::var(name) {
                command.env(name, said);
            }
        }
        if self.emulated && std::env::var(SETTINGS).is_err() {
            command.env(SETTINGS, "force_tcg");
        }
        command
    }

    pub fn how(&self) -> &'static str {
        if self.emulated { ", emulated: this node has no KVM that works" } else { "" }
    }

    /// Can nothing that runs in the appliance reach this host?
    pub fn is_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    /// About so long, by what was measured with a small guest.
    pub fn seconds(&self) -> u32 {
        if self.emulated { 120 } else { 40 }
    }

    /// Are there drivers for Windows?
    pub fn knows_windows(&self) -> bool {
        std::env::var_os("VIRTIO_WIN").is_some() || WINDOWS.iter().any(|path| Path::new(path).exists())
    }
}

/// As root, else as a user who is one in a namespace of its own. Tried once.
async fn apart() -> &'static [&'static str] {
    const WAYS: [&[&str]; 2] = [&["unshare", "--net", "--"], &["unshare", "--user", "--map-current-user", "--net", "--"]];
    static SEEN: OnceCell<&[&str]> = OnceCell::const_new();
    SEEN.get_or_init(|| async {
        for way in WAYS {
            let mut command = Command::new(way[0]);
            command.args(&way[1..]).arg("true").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if command.status().await.is_ok_and(|status| status.success()) {
                return way;
            }
        }
        &[][..]
    })
    .await
}

/// Does a virtual machine run by `/dev/kvm`? That it can be opened says little: within another hypervisor it may be there and
/// end QEMU at the first instruction. Tried once, with a machine that has nothing but its BIOS.
async fn kvm() -> bool {
    static SEEN: OnceCell<bool> = OnceCell::const_new();
    *SEEN.get_or_init(|| async { std::fs::File::options().read(true).write(true).open("/dev/kvm").is_ok() && runs().await }).await
}

async fn runs() -> bool {
    let debug = ["-chardev", "stdio,id=d", "-device", "isa-debugcon,iobase=0x402,chardev=d"];
    let child = Command::new("qemu-system-x86_64")
        .args(["-accel", "kvm", "-cpu", "host", "-nodefaults", "-display", "none", "-m", "64"])
        .args(debug)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = child else { return false };
    let Some(mut out) = child.stdout.take() else { return false };
    // The first words of its BIOS.
    let said = tokio::time::timeout(Duration::from_secs(3), out.read_u8()).await;
    matches!(said, Ok(Ok(_)))
}
