//! Who may know whom, and how long a file may be: the layers stay layers only if somebody looks.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What a layer's files may name after `crate::`. [`CONTRACT`] stands for the types of the driver contract.
const RULES: &[(&str, &[&str])] = &[
    // Rows keep what a cloud showed as it was: plain data of the contract, nothing that acts.
    ("store", &["store", "clouds::Observed", "clouds::MachineSpec", "clouds::PointRef", "clouds::SinkRef", "state::now"]),
    ("clouds", &["clouds", "state::now"]),
    ("live", &["live"]),
    ("steering", &["steering"]),
    ("inventory", &["inventory", "store", CONTRACT, "clouds::error", "clouds::guard", "error", "state"]),
    ("replication", &["replication", "inventory", "store", CONTRACT, "clouds::error", "clouds::guard", "error", "state"]),
    (
        "recovery",
        &["recovery", "replication", "steering", "inventory", "store", CONTRACT, "clouds::error", "clouds::guard", "error", "state"],
    ),
    (
        "services",
        &[
            "services",
            "recovery",
            "replication",
            "inventory",
            "steering",
            "store",
            CONTRACT,
            "clouds::error",
            "clouds::guard",
            "clouds::pool::Open",
            "clouds::registry",
            "config::Config",
            "error",
            "state",
        ],
    ),
    ("web", &["web", "services", "store::idempotency", "config::Config", "error", "state"]),
    ("cli", &["cli", "boot", "config", "secrets::Key", "store::Db", "clouds::registry", "state::now", "state::disk"]),
    ("error", &["clouds::error"]),
    ("config", &["state::Limits"]),
    ("secrets", &[]),
];
const CONTRACT: &str = "clouds::<Type>";
/// Nobody outside the drivers and the registry may name a driver.
const DRIVERS: &[&str] = &["ec2", "libvirt", "openstack", "simulator", "vsphere"];
const LONGEST: usize = 400;

fn root() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).parent().unwrap().to_path_buf()
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

/// Every path into the crate, from `use` trees (groups opened up) and from the code itself, also one that climbs there by
/// `super::`; tests at the end of a file are their own business.
fn crate_paths(inner: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let named = code.match_indices("crate::").filter(|(at, _)| !code[..*at].ends_with('$'));
    let mut paths: Vec<String> = named.flat_map(|(at, word)| expand(&code[at + word.len()..])).collect();
    for (at, _) in code.match_indices("super::").filter(|(at, _)| !code[..*at].ends_with("super::")) {
        let (up, tail) = climb(&code[at..]);
        let here = modules(inner);
        let base = here[..here.len().saturating_sub(up)].join("::");
        let base = if base.is_empty() { base } else { base + "::" };
        paths.extend(expand(tail).into_iter().map(|path| format!("{base}{path}")));
    }
    paths
}

/// How many `super::` there are, and what follows them.
fn climb(text: &str) -> (usize, &str) {
    let (mut up, mut rest) = (0, text);
    while let Some(tail) = rest.strip_prefix("super::") {
        (up, rest) = (up + 1, tail);
    }
    (up, rest)
}

/// `clouds/libvirt/mod.rs` is the module `clouds::libvirt`.
fn modules(inner: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = inner.trim_end_matches(".rs").split('/').collect();
    if parts.last() == Some(&"mod") {
        parts.pop();
    }
    parts
}

/// Without comments and without the tests at the end; a test module in a file of its own cuts nothing off.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().filter(|l| !l.trim_start().starts_with("//")).peekable();
    while let Some(line) = lines.next() {
        let tests = line.starts_with("#[cfg(test)]") && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{'));
        if tests {
            break;
        }
        code = code + line + " ";
    }
    code
}

fn allowed(rules: &[&str], path: &str) -> bool {
    let type_of_contract = || path.strip_prefix("clouds::").is_some_and(|p| p.starts_with(char::is_uppercase));
    let fits = |rule: &&str| path == *rule || path.starts_with(&format!("{rule}::")) || *rule == CONTRACT && type_of_contract();
    rules.iter().any(fits)
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
    assert_eq!(crate_paths("a.rs", text), ["error::Error", "error::Result", "store", "web::x"]);
}

#[test]
fn nothing_climbs_out_unseen() {
    let text = "#[cfg(test)]\nmod tests;\nuse super::super::{simulator::World, error};\n// crate::web\n";
    assert_eq!(crate_paths("clouds/libvirt/link.rs", text), ["clouds::simulator::World", "clouds::error"]);
    assert_eq!(crate_paths("clouds/libvirt/mod.rs", "use super::super::web::x;"), ["web::x"]);
    assert_eq!(crate_paths("web/sse.rs", "use super::AppState;\n#[cfg(test)]\nmod tests {\n use crate::store;\n}\n"), ["web::AppState"]);
}

#[test]
fn a_rule_says_no() {
    assert!(allowed(&["store", CONTRACT], "store::users::get") && allowed(&["store", CONTRACT], "clouds::PointRef"));
    for path in ["storehouse", "clouds::registry", "clouds::libvirt::open", "web"] {
        assert!(!allowed(&["store", CONTRACT], path), "{path}");
    }
}

#[test]
fn layers_know_only_those_below_them() {
    let src = root().join("server/src");
    let mut wrong = vec![];
    for file in rust_files("server/src") {
        let inner = file.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
        let layer = inner.split('/').next().unwrap().trim_end_matches(".rs");
        let Some((_, rules)) = RULES.iter().find(|(name, _)| *name == layer) else { continue };
        let paths = crate_paths(&inner, &fs::read_to_string(&file).unwrap());
        // Its own layer, by whatever words.
        let foreign = paths.into_iter().filter(|p| p != layer && !p.starts_with(&format!("{layer}::")));
        wrong.extend(foreign.filter(|p| !allowed(rules, p)).map(|path| format!("{inner} may not use crate::{path}")));
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
        for path in crate_paths(&inner, &fs::read_to_string(&file).unwrap()) {
            let driver = DRIVERS.iter().find(|d| path == format!("clouds::{d}") || path.starts_with(&format!("clouds::{d}::")));
            assert!(driver.is_none() || driver == own, "{inner} may not use crate::{path}");
        }
    }
}

#[test]
fn the_shared_words_and_the_screens_stay_apart_from_the_server() {
    let names = |code: &str, krate: &str| {
        let starts = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        code.match_indices(&format!("{krate}::")).any(|(at, _)| starts(at))
    };
    assert!(names("use server::web;", "server") && !names("use leptos_server::x; leptos::server::y", "server"));
    for (folder, foreign) in
        [("app/model/src", &["leptos", "sqlx", "axum", "tokio", "server", "app"][..]), ("app/src", &["server", "sqlx"])]
    {
        for file in rust_files(folder) {
            let code = code_of(&fs::read_to_string(&file).unwrap());
            let found: Vec<_> = foreign.iter().filter(|krate| names(&code, krate)).collect();
            assert!(found.is_empty(), "{} names {found:?}", file.display());
        }
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
