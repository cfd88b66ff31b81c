//! Compiles `app` for the browser and lets wasm-bindgen, as a library, write the glue.
//!
//! No wasm-opt: it would save about one percent after compression, and Debian's version of it writes modules
//! that do not start.

use crate::{assets, paths, progress::Phase, toolchain};
use anyhow::{Context, Result};
use std::{fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;

pub fn build(release: bool) -> Result<()> {
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    let phase = Phase::begin("wasm");
    let (mut cargo, which) = toolchain::cargo()?;
    eprintln!("   wasm  {which}, profile {profile}");
    cargo.current_dir(paths::root());
    cargo.args(["rustc", "-p", "app", "--lib", "--features", "hydrate", "--crate-type", "cdylib"]);
    cargo.args(["--target", toolchain::TARGET, "--profile", profile]).arg("--target-dir").arg(paths::front());
    phase.run(&mut cargo)?;
    bind(&paths::front().join(toolchain::TARGET).join(profile).join("app.wasm"), release)?;
    phase.done();
    Ok(())
}

/// Skipped when the very same module was bound before.
fn bind(module: &Path, release: bool) -> Result<()> {
    let bytes = fs::read(module).with_context(|| format!("{} is missing", module.display()))?;
    let stamp = format!("{} {release}", assets::hash(&bytes));
    let mark = paths::front().join("bound");
    if fs::read_to_string(&mark).is_ok_and(|old| old == stamp) && paths::parts().join("app_bg.wasm").exists() {
        return Ok(());
    }
    let folder = paths::front().join("bindgen");
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).web(true)?.typescript(false).debug(!release).remove_name_section(release).out_name("app");
    bindgen.generate(&folder)?;
    for name in ["app.js", "app_bg.wasm"] {
        assets::write_part(name, &fs::read(folder.join(name))?)?;
    }
    fs::write(mark, stamp)?;
    Ok(())
}
