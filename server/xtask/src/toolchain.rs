//! Finds a compiler that can do wasm32. In this order:
//! 1. the one that `WASM_RUSTC` (and `WASM_CARGO`) name;
//! 2. the ordinary one, with the target from `rustup target add wasm32-unknown-unknown`;
//! 3. the distribution's in /usr/bin, with its target;
//! 4. either of them with the standard library's source, which is then built along (Debian's packages bring it).

use anyhow::{Result, bail};
use std::{env, fs, path::Path, process::Command};

pub const TARGET: &str = "wasm32-unknown-unknown";

const ERASE: &str = "--cfg=erase_components";

/// For both halves of the screens, which must agree: Leptos then erases the types of components, so that the compiler
/// does not monomorphise whole pages. Without it this app takes several times longer to compile.
pub fn flags() -> String {
    let given = env::var("RUSTFLAGS").unwrap_or_default();
    if given.contains(ERASE) { given } else { format!("{given} {ERASE}").trim_start().to_owned() }
}

struct Candidate {
    rustc: String,
    cargo: String,
}

/// A `cargo` command, ready for a sub-command, and what it is in words.
pub fn cargo() -> Result<(Command, String)> {
    let candidates = candidates();
    if let Some(found) = candidates.iter().find(|c| has_std(&c.rustc)) {
        return Ok((command(found), format!("{} with its {TARGET}", found.rustc)));
    }
    if let Some(found) = candidates.iter().find(|c| has_source(&c.rustc)) {
        let mut cargo = command(found);
        // Unlocks -Z in a stable compiler; only for this half of the build.
        cargo.env("RUSTC_BOOTSTRAP", "1").args(["-Z", "build-std=std,panic_abort"]);
        return Ok((cargo, format!("{}, building the standard library along", found.rustc)));
    }
    bail!(
        "no compiler here can do {TARGET}. Either `rustup target add {TARGET}`, \
         or on Debian `apt-get install rustc-web cargo-web rust-web-src rust-web-llvm lld-22`, \
         or name one with WASM_RUSTC and WASM_CARGO."
    )
}

fn candidates() -> Vec<Candidate> {
    if let Ok(rustc) = env::var("WASM_RUSTC") {
        let cargo = env::var("WASM_CARGO").unwrap_or_else(|_| beside(&rustc));
        return vec![Candidate { rustc, cargo }];
    }
    [("rustc", "cargo"), ("/usr/bin/rustc", "/usr/bin/cargo")].map(|(r, c)| Candidate { rustc: r.into(), cargo: c.into() }).into()
}

/// The cargo in the same folder.
fn beside(rustc: &str) -> String {
    Path::new(rustc).with_file_name("cargo").to_string_lossy().into_owned()
}

fn command(candidate: &Candidate) -> Command {
    let mut cargo = clean(&candidate.cargo);
    if candidate.rustc.contains('/') {
        cargo.env("RUSTC", &candidate.rustc);
    }
    cargo
}

/// Without what the outer `cargo run` left in the environment: it would pin the outer toolchain.
fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    for name in ["RUSTC", "CARGO", "RUSTUP_TOOLCHAIN", "RUST_RECURSION_COUNT", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    command.env("RUSTFLAGS", flags());
    command
}

/// `--print target-libdir` names a folder even where the target is missing: look inside.
fn has_std(rustc: &str) -> bool {
    let folder = ask(rustc, &["--print", "target-libdir", "--target", TARGET]);
    let entries = folder.and_then(|f| fs::read_dir(f).ok());
    entries.is_some_and(|mut all| all.any(|e| e.is_ok_and(|e| e.file_name().to_string_lossy().starts_with("libcore-"))))
}

fn has_source(rustc: &str) -> bool {
    ask(rustc, &["--print", "sysroot"]).is_some_and(|root| Path::new(&root).join("lib/rustlib/src/rust/library/std/Cargo.toml").exists())
}

fn ask(rustc: &str, arguments: &[&str]) -> Option<String> {
    let output = clean(rustc).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
