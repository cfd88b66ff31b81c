//! Gives every asset a name that holds the hash of its content, so that a browser may keep it for ever, and writes
//! `site/assets.json`, from which the page learns the names. A compressed file beside a name therefore can never
//! belong to older content.

use crate::{chunks::Chunks, paths, progress::Phase};
use anyhow::{Context, Result};
use std::{
    collections::BTreeMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
    path::{Path, PathBuf},
};

/// Key in the list, part, stem and extension of the final name.
const ASSETS: [(&str, &str, &str, &str); 3] =
    [("css", "app.css", "app", "css"), ("js", SCRIPT, "app", "js"), ("wasm", "app_bg.wasm", "app_bg", "wasm")];

const SCRIPT: &str = "app.js";

/// Tells contents apart; not meant against forgery.
pub fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

pub fn write_part(name: &str, bytes: &[u8]) -> Result<()> {
    fs::create_dir_all(paths::parts())?;
    fs::write(paths::parts().join(name), bytes).with_context(|| format!("{name} could not be written"))
}

/// Parts → `site/pkg`, the list, and nothing else left in the folder.
pub fn publish(release: bool) -> Result<()> {
    fs::create_dir_all(paths::pkg())?;
    let chunks = Chunks::publish()?;
    let mut names = BTreeMap::new();
    for (key, part, stem, extension) in ASSETS {
        // Only the style sheet was built so far: the list then has no script.
        if let Ok(mut bytes) = fs::read(paths::parts().join(part)) {
            if part == SCRIPT {
                bytes = chunks.rename_in(&String::from_utf8(bytes)?).into_bytes();
            }
            let name = format!("{stem}.{}.{extension}", hash(&bytes));
            write_new(&paths::pkg().join(&name), &bytes)?;
            names.insert(key, name);
        }
    }
    let files: Vec<String> = names.values().cloned().chain(chunks.files()).collect();
    if release {
        compress(&files)?;
    }
    write_list(&names, &chunks)?;
    sweep(&files)
}

/// A file that exists under its content's name is that content.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if !path.exists() {
        replace(path, bytes)?;
    }
    Ok(())
}

/// Whole or not at all, also when interrupted.
fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, bytes).with_context(|| format!("{} could not be written", new.display()))?;
    Ok(fs::rename(new, path)?)
}

fn compress(files: &[String]) -> Result<()> {
    let missing: Vec<PathBuf> = files.iter().map(|n| paths::pkg().join(n)).filter(|p| !compressed(p).exists()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let phase = Phase::begin("brotli");
    for path in missing {
        let bytes = fs::read(&path)?;
        let mut writer = brotli::CompressorWriter::new(Vec::new(), 1 << 16, 11, 22);
        writer.write_all(&bytes)?;
        let small = writer.into_inner();
        eprintln!(" brotli  {} {} → {} bytes", path.file_name().unwrap_or_default().to_string_lossy(), bytes.len(), small.len());
        replace(&compressed(&path), &small)?;
    }
    phase.done();
    Ok(())
}

fn compressed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".br");
    name.into()
}

/// Written by hand: plain names need no serialiser.
fn write_list(names: &BTreeMap<&str, String>, chunks: &Chunks) -> Result<()> {
    let mut lines: Vec<String> = names.iter().map(|(key, name)| format!("  \"{key}\": \"{name}\"")).collect();
    lines.push(format!("  \"chunks\": {}", chunks.json()));
    replace(&paths::site().join("assets.json"), format!("{{\n{}\n}}\n", lines.join(",\n")).as_bytes())
}

fn sweep(files: &[String]) -> Result<()> {
    for entry in fs::read_dir(paths::pkg())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !files.iter().any(|k| name == *k || name == format!("{k}.br")) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
