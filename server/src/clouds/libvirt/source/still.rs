//! Machines that stayed off: when nothing wrote to a disk since the last point, there is nothing to read.
//!
//! Kept in memory only. After a restart of the node the next point of a stopped machine is read once more.

use super::{
    super::{
        inventory::domain::{path, text},
        sys::Conn,
    },
    plan::SourceDisk,
};
use roxmltree::Document;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// By machine: the last point, and how its disks looked after it.
#[derive(Clone, Default)]
pub struct Still(Arc<Mutex<HashMap<String, (String, String)>>>);

impl Still {
    pub fn remember(&self, uuid: &str, reference: &str, look: Option<String>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match look {
            Some(look) => all.insert(uuid.to_owned(), (reference.to_owned(), look)),
            None => all.remove(uuid),
        };
    }

    pub fn is_still(&self, uuid: &str, reference: &str, look: &str) -> bool {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(uuid).is_some_and(|(last, before)| last == reference && before == look)
    }
}

/// Size and time of the last write of each disk, to the nanosecond; `None` where no pool knows a disk.
pub fn look(conn: &Conn, disks: &[SourceDisk]) -> Option<String> {
    let each: Option<Vec<String>> = disks.iter().map(|disk| look_at(conn, &disk.path)).collect();
    each.map(|all| all.join(" "))
}

fn look_at(conn: &Conn, file: &str) -> Option<String> {
    let xml = conn.volume_by_path(file).ok()?.xml().ok()?;
    let document = Document::parse(&xml).ok()?;
    let root = document.root_element();
    let times = path(root, &["target", "timestamps"])?;
    let (written, changed) = (text(times, "mtime")?, text(times, "ctime").unwrap_or_default());
    Some(format!("{file} {written} {changed} {} {}", text(root, "capacity")?, text(root, "allocation")?))
}
