//! Where things lie. Every path hangs on cargo's target directory, so that `CARGO_TARGET_DIR` moves all of them.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

/// The workspace that cargo runs this for. Asked when it runs: checkouts that share a target directory share the builder.
pub fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.ancestors().nth(2).unwrap_or(&own).to_path_buf()
}

pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) if !dir.is_empty() => root().join(dir),
        _ => root().join("target"),
    }
}

/// The browser's half compiles in a directory of its own: no waiting for the lock of the server's build.
pub fn front() -> PathBuf {
    target().join("front")
}

/// The unoptimised node of `cargo xtask dev`.
pub fn dev() -> PathBuf {
    target().join("dev")
}

/// Built parts before they get their final names.
pub fn parts() -> PathBuf {
    front().join("parts")
}

static APART: AtomicBool = AtomicBool::new(false);

/// From here on for the node of `cargo xtask dev`: what a release serves stays as it is.
pub fn apart() {
    APART.store(true, Ordering::Relaxed);
}

/// What `crossfade` serves: `pkg/` and the list of its files. Beside the folder of the program, where it looks by itself.
pub fn site() -> PathBuf {
    if APART.load(Ordering::Relaxed) { dev().join("site") } else { target().join("site") }
}

pub fn pkg() -> PathBuf {
    site().join("pkg")
}
