//! The folder of one conversion: ours alone, named by the step, gone with it.
//!
//! After a crash the next attempt finds the folder of the dead one, ends what it had started, and begins anew. Whether its
//! owner lives is told by a lock on a file in it.

use crate::{recovery::steps::Halt, state::Node};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Its processes are known by it: nothing else has our token in its environment.
pub const TOKEN: &str = "CROSSFADE_TOKEN";
const LOCK: &str = "lock";
/// A unix socket's path may be 107 bytes long; ours ends with `/0.sock`, or a number more.
const LONGEST: usize = 98;

pub struct Scratch {
    pub path: PathBuf,
    _lock: fs::File,
}

impl Scratch {
    /// # Errors
    /// What to do about it, in words.
    pub fn new(node: &Node, token: &str) -> Result<Self, String> {
        Self::remove(node, token);
        let path = folder(node, token);
        if path.as_os_str().len() > LONGEST {
            return Err(format!("{} is too long for a socket in it. Give the node a data folder with a shorter path.", path.display()));
        }
        let lock = make(&path).map_err(|error| format!("{}: {error}.", path.display()))?;
        Ok(Self { path, _lock: lock })
    }

    pub fn remove(node: &Node, token: &str) {
        remove(&folder(node, token), Some(token));
    }

    /// Whose process group the tool's is, for an attempt that comes after a crash.
    pub fn note(&self, pid: u32) -> io::Result<()> {
        fs::write(self.path.join("pid"), pid.to_string())
    }

    pub fn failed(&self, error: &io::Error) -> Halt {
        Halt::heals(format!("{}: {error}.", self.path.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// At the start of a node: what an earlier life of it left, of runs that may have ended elsewhere since.
pub fn sweep(node: &Node) {
    for entry in fs::read_dir(base(node)).into_iter().flatten().flatten() {
        remove(&entry.path(), None);
    }
}

fn base(node: &Node) -> PathBuf {
    node.data_dir.join("convert")
}

fn folder(node: &Node, token: &str) -> PathBuf {
    let name: String = Sha256::digest(token).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    base(node).join(name)
}

fn make(path: &Path) -> io::Result<fs::File> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let lock = fs::File::create(path.join(LOCK))?;
    lock.try_lock()?;
    Ok(lock)
}

fn remove(path: &Path, token: Option<&str>) {
    if fs::File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_err()) {
        return;
    }
    if let Some(pid) = fs::read_to_string(path.join("pid")).ok().and_then(|text| text.parse().ok()) {
        end(pid, token);
    }
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(folder = %path.display(), %error, "a conversion leaves its files")
        }
        _ => {}
    }
}

/// Numbers are used again: only a process that was given a token of ours, this one where it is known.
fn end(pid: u32, token: Option<&str>) {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let mine = environment.split(|byte| *byte == 0).filter_map(|one| std::str::from_utf8(one).ok()?.strip_prefix(TOKEN)?.strip_prefix('='));
    if mine.into_iter().any(|found| token.is_none_or(|token| token == found)) {
        super::process::kill_group(pid);
    }
}
