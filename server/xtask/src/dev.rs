//! The inner loop: build, serve, watch; on a change build what it touches, restart, and let the browser reload.
//!
//! Watching is a look at the modification times twice a second: a few hundred files, no dependency, and it works on
//! every file system. The page asks for `pkg/reload.txt` each second (only when `CROSSFADE_DEV` is set for the
//! node) and reloads itself when the content is new.

use crate::{assets, css, front, paths, server, wasm};
use anyhow::Result;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::{Duration, SystemTime},
};

const LOOK_EVERY: Duration = Duration::from_millis(500);

type Seen = BTreeMap<PathBuf, SystemTime>;

pub fn run(arguments: &[String]) -> Result<()> {
    paths::apart();
    front(false)?;
    server::build(false)?;
    let mut turn = 0;
    tell(turn)?;
    let mut node = start(arguments)?;
    let mut seen = look();
    loop {
        thread::sleep(LOOK_EVERY);
        let now = look();
        let changed = difference(&seen, &now);
        if changed.is_empty() {
            continue;
        }
        seen = now;
        eprintln!("    dev  {} changed", changed[0].display());
        if let Err(error) = rebuild(&changed, &mut node, arguments) {
            // A typing error is the ordinary case here: say it and wait for the next save.
            eprintln!("    dev  {error:#}");
            continue;
        }
        turn += 1;
        tell(turn)?;
    }
}

/// Pages that saw another word load themselves again.
fn tell(turn: u64) -> Result<()> {
    Ok(fs::write(paths::pkg().join("reload.txt"), format!("{} {turn}", std::process::id()))?)
}

fn rebuild(changed: &[PathBuf], node: &mut Child, arguments: &[String]) -> Result<()> {
    let touches = |folder: &str| changed.iter().any(|p| p.starts_with(paths::root().join(folder)));
    let style_only = changed.iter().all(|p| p.starts_with(paths::root().join("style")));
    if touches("style") {
        css::build()?;
    }
    if touches("app") {
        wasm::build(false)?;
    }
    assets::publish(false)?;
    if !style_only {
        server::build(false)?;
    }
    // The names of the assets are read at the start of the node: also a new style sheet needs a restart.
    node.kill()?;
    node.wait()?;
    *node = start(arguments)?;
    Ok(())
}

fn start(arguments: &[String]) -> Result<Child> {
    let mut command = Command::new(server::binary(false));
    command.current_dir(paths::root()).arg("serve").args(arguments).env("CROSSFADE_DEV", "1");
    // Never the store of a node that is installed on this machine.
    if !arguments.iter().any(|a| a.starts_with("--data-dir")) {
        command.arg("--data-dir").arg(paths::dev().join("data"));
    }
    Ok(command.spawn()?)
}

fn look() -> Seen {
    let mut seen = Seen::new();
    for folder in ["app", "style", "server/src", "server/templates", "migrations"] {
        walk(&paths::root().join(folder), &mut seen);
    }
    seen
}

fn walk(folder: &Path, seen: &mut Seen) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(data) if data.is_dir() => walk(&entry.path(), seen),
            Ok(data) => {
                seen.insert(entry.path(), data.modified().unwrap_or(SystemTime::UNIX_EPOCH));
            }
            // Gone between the listing and the look.
            Err(_) => {}
        }
    }
}

/// New, changed and removed files.
fn difference(old: &Seen, new: &Seen) -> Vec<PathBuf> {
    let changed = new.iter().filter(|(path, at)| old.get(*path) != Some(*at)).map(|(path, _)| path.clone());
    let removed = old.keys().filter(|path| !new.contains_key(*path)).cloned();
    changed.chain(removed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_changed_and_removed_files_are_seen() {
        let at = |s| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
        let old = Seen::from([("a".into(), at(1)), ("b".into(), at(1)), ("gone".into(), at(1))]);
        let new = Seen::from([("a".into(), at(1)), ("b".into(), at(2)), ("new".into(), at(1))]);
        let found = difference(&old, &new);
        assert_eq!(found, ["b", "new", "gone"].map(PathBuf::from));
    }
}
