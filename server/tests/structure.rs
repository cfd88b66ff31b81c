//! Who may know whom, and how long a file may be: the layers stay layers only if somebody looks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A layer and what its files may name after `crate::`. Words that everybody may use are in [`COMMON`].
const RULES: &[(&str, &[&str])] = &[
    // Rows keep what a cloud showed as it was: plain data of the contract, nothing that acts.
    ("store", &["store", "clouds::Observed", "clouds::MachineSpec", "clouds::PointRef", "clouds::SinkRef"]),
    ("clouds", &["clouds"]),
    ("live", &["live"]),
    ("inventory", &["inventory", "store", "clouds", "live", "services::caller", "services::audit"]),
    ("replication", &["replication", "store", "clouds", "live", "inventory", "services::caller", "services::audit"]),
    ("steering", &["steering", "store", "clouds", "live"]),
    ("recovery", &["recovery", "replication", "steering", "inventory", "store", "clouds", "live", "services::caller", "services::audit"]),
    ("services", &["services", "recovery", "replication", "inventory", "steering", "store", "clouds", "live", "config"]),
    ("web", &["web", "services", "live", "store::idempotency", "config"]),
    ("cli", &["cli", "boot", "config", "secrets", "store::Db", "clouds::registry"]),
];
const COMMON: &[&str] = &["error", "state", "secrets"];
/// Nobody outside the drivers and the registry may name a driver.
const DRIVERS: &[&str] = &["libvirt", "openstack", "simulator"];
const LONGEST: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // Tests beside the code may name whom they like.
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = vec![];
    sources(&root().join(folder), &mut found);
    found
}

/// Every path that begins with `crate::`, from `use` trees (groups opened up) and from the code itself; tests at the
/// end of a file are their own business.
fn crate_paths(text: &str) -> Vec<String> {
    let code: String = text
        .split("#[cfg(test)]")
        .next()
        .unwrap()
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .fold(String::new(), |all, l| all + l + " ");
    code.match_indices("crate::")
        .filter(|(at, _)| !code[..*at].ends_with('$'))
        .flat_map(|(at, word)| expand(&code[at + word.len()..]))
        .collect()
}

/// `a::{b, c::d}` → `a::b`, `a::c::d`.
fn expand(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let head = &text[..end];
    if !text[end..].starts_with('{') {
        return vec![head.to_owned()];
    }
    let (mut depth, mut part, mut parts) = (0, String::new(), vec![]);
    for c in text[end..].chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (depth, c) {
            (0, _) => break,
            (1, '{') => {}
            (1, ',') => parts.push(std::mem::take(&mut part)),
            _ => part.push(c),
        }
    }
    parts.push(part);
    parts
        .iter()
        .map(|p| p.trim())
        .filter(|p| !p.is_empty())
        .flat_map(|p| expand(p).into_iter().map(|tail| format!("{head}{tail}")))
        .collect()
}

#[test]
fn use_trees_are_opened_up() {
    let text = "use crate::{\n    error::{Error, Result},\n    store,\n};\nfn f() { crate::web::x(); }\n";
    assert_eq!(crate_paths(text), ["error::Error", "error::Result", "store", "web::x"]);
}

#[test]
fn layers_know_only_those_below_them() {
    let src = root().join("server/src");
    let mut wrong = vec![];
    for file in rust_files("server/src") {
        let inner = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let layer = inner.split('/').next().unwrap().trim_end_matches(".rs");
        let Some((_, allowed)) = RULES.iter().find(|(name, _)| *name == layer) else { continue };
        for path in crate_paths(&fs::read_to_string(&file).unwrap()) {
            let fits = |rule: &&&str| path == ***rule || path.starts_with(&format!("{rule}::"));
            if !allowed.iter().chain(COMMON).any(|rule| fits(&rule)) {
                wrong.push(format!("{inner} may not use crate::{path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn only_the_registry_knows_the_drivers() {
    let src = root().join("server/src");
    for file in rust_files("server/src") {
        let inner = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let own = DRIVERS.iter().find(|d| inner.starts_with(&format!("clouds/{d}")));
        if inner == "clouds/registry.rs" {
            continue;
        }
        for path in crate_paths(&fs::read_to_string(&file).unwrap()) {
            let driver = DRIVERS.iter().find(|d| path.starts_with(&format!("clouds::{d}")));
            assert!(driver.is_none() || driver == own, "{inner} may not use crate::{path}");
        }
    }
}

#[test]
fn the_shared_words_and_the_screens_stay_apart_from_the_server() {
    for file in rust_files("app/model/src") {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!["leptos", "sqlx", "axum", "tokio"].iter().any(|c| text.contains(&format!("use {c}"))), "{}", file.display());
    }
    for file in rust_files("app/src") {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains("server::") || text.contains("//"), "{}", file.display());
    }
}

#[test]
fn a_file_can_be_held_in_the_head() {
    let all = ["server/src", "server/tests", "server/xtask/src", "app/src", "app/model/src"];
    let long: Vec<String> = all
        .iter()
        .flat_map(|folder| rust_files(folder))
        .map(|file| (fs::read_to_string(&file).unwrap().lines().count(), file))
        .filter(|(lines, _)| *lines > LONGEST)
        .map(|(lines, file)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "above {LONGEST} lines: {long:#?}");
}
