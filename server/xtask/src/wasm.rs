//! Compiles `app` for the browser and lets wasm-bindgen, as a library, write the glue.
//!
//! No wasm-opt: it would save about one percent after compression, and Debian's version of it writes modules
//! that do not start.

use crate::{assets, chunks, paths, progress::Phase, split, toolchain};
use anyhow::{Context, Result};
use std::{fs, path::Path};
use wasm_bindgen_cli_support::Bindgen;

pub fn build(release: bool) -> Result<()> {
    let profile = if release { "wasm-release" } else { "wasm-dev" };
    let phase = Phase::begin("wasm");
    let (mut cargo, which) = toolchain::cargo()?;
    eprintln!("   wasm  {which}, profile {profile}");
    cargo.current_dir(paths::root());
    let features = if release { "split" } else { "hydrate" };
    cargo.args(["rustc", "-p", "app", "--lib", "--features", features, "--crate-type", "cdylib"]);
    cargo.args(["--target", toolchain::TARGET, "--profile", profile]).arg("--target-dir").arg(paths::front());
    if release {
        // What the splitter follows to see who needs what. Here and not in RUSTFLAGS: only the last link needs it.
        cargo.args(["--", "-Clink-arg=--emit-relocs"]);
    }
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
    chunks::forget()?;
    let main = if release { split::cut(&bytes)? } else { module.to_path_buf() };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(main).web(true)?.typescript(false).debug(!release).remove_name_section(release).out_name("app");
    // The chunks import these names from the main part.
    bindgen.keep_lld_exports(release).demangle(!release);
    bindgen.generate(&folder)?;
    let script = fs::read_to_string(folder.join("app.js"))?;
    let script = if release { split::join(&script)? } else { script };
    assets::write_part("app.js", script.as_bytes())?;
    assets::write_part("app_bg.wasm", &fs::read(folder.join("app_bg.wasm"))?)?;
    fs::write(mark, stamp)?;
    Ok(())
}
