//! Leftovers of interrupted cycles, found by their names.

use super::{
    super::{
        reader,
        sys::{Conn, Domain, Fault, R},
    },
    plan::{self, PREFIX},
};
use crate::clouds::error::{Error, Result};
use std::time::{Duration, Instant};

/// For a backup job to end after it was told to.
const END: Duration = Duration::from_secs(15);

/// Those that stay: of other targets, and one's own.
pub fn with(others: &[String], own: Option<&String>) -> Vec<String> {
    others.iter().chain(own).cloned().collect()
}

/// Ends a backup of ours and drops our checkpoints except `keep`; of a machine that runs. `true`: something was there.
///
/// # Errors
/// libvirt's; `Transient` while another program's backup runs.
pub fn running(domain: &Domain, keep: &[String]) -> Result<bool> {
    let job = end_own_backup(domain)?;
    let mut found = job;
    for one in domain.checkpoints()? {
        let name = one.name();
        if name.starts_with(PREFIX) && !keep.contains(&name) {
            found = true;
            // A bitmap that a crash broke cannot be merged; then it is only forgotten.
            one.delete(false).or_else(|_| one.delete(true))?;
        }
    }
    Ok(found)
}

fn end_own_backup(domain: &Domain) -> Result<bool> {
    match domain.backup_xml() {
        Err(fault) if fault.is_missing() => Ok(false),
        Err(fault) => Err(fault.into()),
        Ok(xml) if xml.contains(&format!("/{PREFIX}")) => end_backup(domain).map(|()| true).map_err(Error::from),
        Ok(_) => Err(Error::transient(format!("Another program makes a backup of {} now; waiting for it to end.", domain.name()))),
    }
}

/// Ends the backup and waits until it is gone: the machine takes no other job before.
pub fn end_backup(domain: &Domain) -> R<()> {
    let begun = Instant::now();
    // Whether it was there, and whether it is gone, is asked below.
    let mut told = domain.abort_job();
    loop {
        match domain.backup_xml() {
            Err(_) => return Ok(()),
            Ok(_) if begun.elapsed() > END => return told.and(Err(Fault::ours("the backup does not end"))),
            Ok(_) => std::thread::sleep(Duration::from_millis(15)),
        }
        if told.is_err() {
            told = domain.abort_job();
        }
    }
}

/// Everything of ours on this machine, running or not, except the checkpoints of `keep`.
///
/// # Errors
/// libvirt's.
pub fn tidy(conn: &Conn, uuid: &str, keep: &[String]) -> Result<()> {
    let domain = match conn.domain(uuid) {
        Err(fault) if fault.is_missing() => return Ok(()),
        other => other?,
    };
    if domain.is_active()? {
        running(&domain, keep)?;
    } else {
        stopped(conn, &domain, keep)?;
    }
    scratch(conn, &domain);
    Ok(())
}

/// The bitmaps are inside the disks: the reader takes them out, then libvirt forgets them.
fn stopped(conn: &Conn, domain: &Domain, keep: &[String]) -> Result<()> {
    reader::remove(conn, &domain.uuid()?)?;
    let old: Vec<_> =
        domain.checkpoints()?.into_iter().filter(|one| one.name().starts_with(PREFIX) && !keep.contains(&one.name())).collect();
    if old.is_empty() {
        return Ok(());
    }
    if let Ok(disks) = plan::disks(&domain.inactive_xml()?)
        && let Ok(reader) = reader::start(conn, domain, &disks)
    {
        let emptied = running(&reader, keep);
        reader.destroy(0)?;
        emptied?;
    }
    for one in old {
        one.delete(true)?;
    }
    Ok(())
}

/// Scratch files that a dead libvirt could not remove. A pool sees them only after a refresh.
pub fn scratch(conn: &Conn, domain: &Domain) {
    let Ok(disks) = domain.inactive_xml().map(|xml| plan::disks(&xml).unwrap_or_default()) else { return };
    for disk in disks {
        let Ok(pool) = conn.volume_by_path(&disk.path).and_then(|volume| volume.pool()) else { continue };
        // Best effort: a pool that is busy is tidied another time.
        let _ = pool.refresh();
        let own = |name: &str| name.starts_with(PREFIX) && name.ends_with(&format!("-{}.scratch", plan::plain(&disk.key)));
        for volume in pool.volumes().unwrap_or_default() {
            if own(&volume.name()) && !in_use(conn, &volume.name()) {
                let _ = volume.delete();
            }
        }
    }
}

/// A backup of another machine may be using it now.
fn in_use(conn: &Conn, name: &str) -> bool {
    let domains = conn.domains().unwrap_or_default();
    domains.iter().any(|domain| domain.backup_xml().is_ok_and(|xml| xml.contains(name)))
}
