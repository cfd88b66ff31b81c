//! Opening a point: the blocking part.

use super::{
    super::{
        reader,
        sys::{Conn, Domain, Fault, R, raw},
    },
    checkpoint_of, checkpoints_of, clean,
    plan::{self, PREFIX, Served, SourceDisk},
    room::{self, Room},
    still::{self, Still},
};
use crate::clouds::{
    DiskShape, OpenPoint, PointRef,
    error::{Error, Result},
};
use model::Millis;
use std::{
    ops::RangeInclusive,
    sync::atomic::{AtomicU16, Ordering},
};

/// Ports that are taken by others are skipped; so many in a row mean that the range is wrong.
const TRIES: u16 = 16;

pub struct Terms {
    pub host: String,
    pub ports: RangeInclusive<u16>,
    pub tls: bool,
    pub still: Still,
}

/// What was opened.
pub struct Begun {
    pub uuid: String,
    pub machine: Domain,
    pub disks: Vec<SourceDisk>,
    pub reference: PointRef,
    pub incremental: bool,
    pub taken_at: Millis,
    pub served: Serving,
}

pub enum Serving {
    /// Nothing changed: nothing is served.
    Still(Vec<DiskShape>),
    Running {
        port: u16,
        /// The checkpoint of this point, where one was made.
        checkpoint: Option<String>,
        since: Option<String>,
        others: Vec<String>,
        /// Watched while it is open.
        room: Option<Room>,
    },
    Reader {
        port: u16,
        helper: Domain,
    },
}

pub fn begin(conn: &Conn, uuid: &str, request: OpenPoint, terms: &Terms) -> Result<Begun> {
    let machine = conn.domain(uuid)?;
    match machine.is_active()? {
        true => running(conn, uuid, machine, &request, terms),
        false => stopped(conn, uuid, machine, &request, terms),
    }
}

fn running(conn: &Conn, uuid: &str, machine: Domain, request: &OpenPoint, terms: &Terms) -> Result<Begun> {
    let xml = machine.xml(0)?;
    let disks = plan::disks(&xml).map_err(|why| unsupported(&machine, &why))?;
    let since = request.since.as_ref().map(checkpoint_of).filter(|name| machine.checkpoint(name).is_ok());
    let others = checkpoints_of(&request.others);
    if clean::running(&machine, &clean::with(&others, since.as_ref()))? {
        clean::scratch(conn, &machine);
    }
    let room = room::look(conn, &machine, &disks)?;
    let targets = plan::targets(&xml);
    let checkpoint = plan::can_track(&disks).then(|| plan::checkpoint_name(&request.token));
    let checkpoint_xml = checkpoint.as_ref().map(|name| plan::checkpoint_xml(name, &disks, &targets));
    let served = |since: Option<&str>, port| {
        let served = Served { host: &terms.host, port, tls: terms.tls };
        plan::backup_xml(&request.token, since, &disks, &targets, &served)
    };
    // Never later than the truth: before libvirt is asked.
    let mut taken_at = crate::state::now();
    let mut since = since.filter(|_| checkpoint.is_some());
    let mut begun = on_a_port(terms, |port| machine.begin_backup(&served(since.as_deref(), port), checkpoint_xml.as_deref()));
    if since.is_some() && begun.as_ref().is_err_and(is_lost) {
        clean::running(&machine, &others)?;
        since = None;
        taken_at = crate::state::now();
        begun = on_a_port(terms, |port| machine.begin_backup(&served(None, port), checkpoint_xml.as_deref()));
    }
    let port = begun?;
    let reference = PointRef(checkpoint.clone().unwrap_or_else(|| format!("~{}", request.token)));
    let incremental = since.is_some();
    let served = Serving::Running { port, checkpoint, since, others, room: Some(room) };
    Ok(Begun { uuid: uuid.to_owned(), machine, disks, reference, incremental, taken_at, served })
}

fn stopped(conn: &Conn, uuid: &str, machine: Domain, request: &OpenPoint, terms: &Terms) -> Result<Begun> {
    let disks = plan::disks(&machine.inactive_xml()?).map_err(|why| unsupported(&machine, &why))?;
    let taken_at = crate::state::now();
    if let Some(begun) = nothing_changed(conn, uuid, &machine, &disks, request, &terms.still) {
        return Ok(Begun { taken_at, ..begun });
    }
    let since = request.since.as_ref().map(checkpoint_of).filter(|name| name.starts_with(PREFIX) && machine.checkpoint(name).is_ok());
    let targets: Vec<String> = disks.iter().map(|disk| disk.key.clone()).collect();
    let helper = reader::start(conn, &machine, &disks)?;
    let serve = |since: Option<&str>| {
        on_a_port(terms, |port| {
            let served = Served { host: &terms.host, port, tls: terms.tls };
            helper.begin_backup(&plan::backup_xml(&request.token, since, &disks, &targets, &served), None)
        })
    };
    let mut since = since;
    let mut begun = serve(since.as_deref());
    if since.is_some() && begun.as_ref().is_err_and(is_lost) {
        since = None;
        begun = serve(None);
    }
    let port = match begun {
        Ok(port) => port,
        Err(fault) => {
            // It would go with the connection anyway.
            let _ = helper.destroy(0);
            return Err(fault.into());
        }
    };
    let reference = PointRef(format!("{}~{}", since.as_deref().unwrap_or_default(), request.token));
    let incremental = since.is_some();
    let served = Serving::Reader { port, helper };
    Ok(Begun { uuid: uuid.to_owned(), machine, disks, reference, incremental, taken_at, served })
}

fn nothing_changed(conn: &Conn, uuid: &str, machine: &Domain, disks: &[SourceDisk], request: &OpenPoint, still: &Still) -> Option<Begun> {
    let since = request.since.as_ref()?;
    let look = still::look(conn, disks)?;
    if !still.is_still(uuid, &since.0, &look) || machine.is_active().ok()? {
        return None;
    }
    let shapes: Option<Vec<DiskShape>> =
        disks.iter().map(|disk| Some(DiskShape { key: disk.key.clone(), size_bytes: machine.block_sizes(&disk.key).ok()?.0 })).collect();
    Some(Begun {
        uuid: uuid.to_owned(),
        machine: machine.clone(),
        disks: disks.to_vec(),
        reference: since.clone(),
        incremental: true,
        taken_at: 0,
        served: Serving::Still(shapes?),
    })
}

/// The bitmaps are gone: QEMU writes them only when it ends in peace.
fn is_lost(fault: &Fault) -> bool {
    fault.is(raw::VIR_ERR_CHECKPOINT_INCONSISTENT)
        || fault.is(raw::VIR_ERR_NO_DOMAIN_CHECKPOINT)
        || ["inconsistent", "missing or broken bitmap", "Bitmap"].iter().any(|words| fault.says(words))
}

/// Each machine needs a port of its own; neighbours begin at different ones.
fn on_a_port(terms: &Terms, mut begin: impl FnMut(u16) -> R<()>) -> R<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (low, count) = (*terms.ports.start(), terms.ports.end() - terms.ports.start() + 1);
    let mut last = Fault::ours("no port for reading disks");
    for _ in 0..count.min(TRIES) {
        let port = low + NEXT.fetch_add(1, Ordering::Relaxed) % count;
        match begin(port) {
            Ok(()) => return Ok(port),
            Err(fault) if fault.says("Address already in use") => last = fault,
            Err(fault) => return Err(fault),
        }
    }
    Err(last)
}

fn unsupported(machine: &Domain, why: &str) -> Error {
    Error::new(crate::clouds::error::Kind::Unsupported, format!("{}: {why}.", machine.name()))
}
