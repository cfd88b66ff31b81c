//! The build of Crossfade, as one program instead of a pile of shell: style, WebAssembly, compression and the
//! server. `cargo xtask build [--release]` is the one way to a working console; everything else is a part of it.
//!
//! It deliberately needs no tool besides cargo and a Rust compiler that can do wasm32 (see [`toolchain`]).

mod assets;
mod chunks;
mod css;
mod dev;
mod paths;
mod progress;
mod server;
mod split;
mod toolchain;
mod wasm;

use anyhow::{Result, bail};
use progress::Phase;

const USAGE: &str = "\
usage: cargo xtask <command> [--release]

  build   style, WebAssembly and the server: everything that `crossfade serve` needs
  css     the style sheet only
  wasm    the browser's half only
  dev     build, serve, and do both again whenever a source file changes; the browser reloads by itself
          (arguments after -- go to `crossfade serve`: cargo xtask dev -- --simulate)";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (own, passed) = match arguments.iter().position(|a| a == "--") {
        Some(at) => (&arguments[..at], &arguments[at + 1..]),
        None => (&arguments[..], &[][..]),
    };
    let release = own.iter().any(|a| a == "--release");
    if let Some(odd) = own.iter().skip(1).find(|a| *a != "--release") {
        bail!("{odd}: no such option\n\n{USAGE}");
    }
    match own.first().map(String::as_str) {
        Some("build") => {
            front(release)?;
            server::build(release)
        }
        Some("css") => css::build().and_then(|_| assets::publish(release)),
        Some("wasm") => front(release),
        Some("dev") => dev::run(passed),
        Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(())
        }
        Some(odd) => bail!("{odd}: no such command\n\n{USAGE}"),
        None => bail!("{USAGE}"),
    }
}

/// Everything that the browser downloads.
fn front(release: bool) -> Result<()> {
    let phase = Phase::begin("style");
    css::build()?;
    phase.done();
    wasm::build(release)?;
    assets::publish(release)
}
