//! Cuts the compiled module into the main part and the chunks that `app/src/chunks.rs` asks for.
//!
//! Only the release build does this. The chunks know the main part by positions in its memory and its table: they
//! belong to exactly this build, which the hashes in their names take care of.

use crate::{chunks, paths};
use anyhow::{Context, Result, anyhow, ensure};
use std::{fs, path::PathBuf};
use wasm_split_cli_support::{Options, transform};

/// Under this name the main part imports the functions that load chunks.
const LOADER: &str = "./chunks.js";

/// Writes the chunks and their list as parts; what is returned is for wasm-bindgen.
pub fn cut(module: &[u8]) -> Result<PathBuf> {
    let folder = folder();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let main = folder.join("main.wasm");
    let mut options = Options::new(module);
    options.output_dir = &folder;
    options.main_out_path = &main;
    options.link_name = LOADER;
    options.main_module = "./app.js";
    let done = transform(options).map_err(|e| anyhow!("the module could not be cut: {e:#}"))?;
    for path in &done.split_modules {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        chunks::write(&stem, &without_custom_sections(&fs::read(path)?)?)?;
    }
    chunks::write_list(&done.prefetch_map)?;
    Ok(main)
}

/// Puts the loader into the script that wasm-bindgen wrote: one file, and no circle of two that import each other.
pub fn join(script: &str) -> Result<String> {
    merge(script, &fs::read_to_string(folder().join(LOADER))?)
}

fn merge(script: &str, loader: &str) -> Result<String> {
    let (imports, rest): (Vec<&str>, Vec<&str>) = script.lines().partition(|line| star_import(line).is_some());
    ensure!(!imports.is_empty(), "wasm-bindgen's script does not import the loader as it used to");
    // The script is in the same file now: what the loader imports from it is there.
    let body = loader.lines().filter(|l| !l.starts_with("import ")).map(|l| l.strip_prefix("export ").unwrap_or(l));
    let exports: Vec<&str> = loader.lines().filter_map(|l| l.strip_prefix("export const ")?.split_whitespace().next()).collect();
    let names = imports.into_iter().filter_map(star_import).map(|name| format!("const {name} = {{ {} }};", exports.join(", ")));
    let lines = rest.into_iter().chain(body).map(str::to_owned).chain(names);
    Ok(lines.map(|line| line + "\n").collect())
}

/// The name in `import * as name from "./chunks.js"`; there is such a line for each group.
fn star_import(line: &str) -> Option<&str> {
    line.strip_prefix("import * as ").filter(|l| l.contains(LOADER))?.split_whitespace().next()
}

fn folder() -> PathBuf {
    paths::front().join("split")
}

/// Names of functions and the like: nothing that runs.
fn without_custom_sections(module: &[u8]) -> Result<Vec<u8>> {
    const HEADER: usize = 8;
    let mut kept = module.get(..HEADER).context("too short for a module")?.to_vec();
    let mut at = HEADER;
    while at < module.len() {
        let (length, size) = leb128(&module[at + 1..]).context("a section without a length")?;
        let end = at + 1 + size + length;
        let section = module.get(at..end).context("a section that is cut off")?;
        if section[0] != 0 {
            kept.extend_from_slice(section);
        }
        at = end;
    }
    Ok(kept)
}

/// A number and how many bytes it took.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_sections_go_and_the_others_stay() {
        let header = b"\0asm\x01\0\0\0".to_vec();
        let custom = [0, 3, 2, b'a', b'b'];
        let types = [1, 1, 0];
        let module = [&header[..], &custom, &types].concat();
        assert_eq!(without_custom_sections(&module).ok(), Some([&header[..], &types].concat()));
        assert!(without_custom_sections(&[&header[..], &[1, 9]].concat()).is_err());
        assert_eq!(leb128(&[0x80, 0x01]), Some((128, 2)));
    }

    #[test]
    fn script_and_loader_become_one() {
        let script = "import * as import1 from \"./chunks.js\"\nimport * as import2 from \"./chunks.js\"\nexport function initSync() {}\n";
        let loader = "import { initSync } from \"./app.js\";\nfunction load() {}\nexport const __wasm_split_load_runs = load();\n";
        let expected = "export function initSync() {}\nfunction load() {}\nconst __wasm_split_load_runs = load();\n\
                        const import1 = { __wasm_split_load_runs };\nconst import2 = { __wasm_split_load_runs };\n";
        assert_eq!(merge(script, loader).ok().as_deref(), Some(expected));
        assert!(merge("import { a } from './b.js';", loader).is_err());
    }
}
