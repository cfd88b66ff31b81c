//! The blocking part of a migration.

use super::{
    super::{
        inventory, meta,
        sink::pools,
        source::clean,
        sys::{Conn, Domain, Fault, Param, raw},
        threads,
    },
    plan::{self, Endpoint, Pools},
};
use crate::clouds::{
    MigrateRequest,
    error::{Error, Result},
};
use model::{Problem, Severity};

const FLAGS: u32 = raw::VIR_MIGRATE_LIVE
    | raw::VIR_MIGRATE_PEER2PEER
    | raw::VIR_MIGRATE_PERSIST_DEST
    | raw::VIR_MIGRATE_NON_SHARED_DISK
    | raw::VIR_MIGRATE_ABORT_ON_ERROR
    // A guest that writes faster than the network carries is slowed down rather than never arriving.
    | raw::VIR_MIGRATE_AUTO_CONVERGE;

/// # Errors
/// libvirt's.
pub fn check(conn: &Conn, domain: &Domain, request: &MigrateRequest, endpoint: &Endpoint) -> Result<Vec<Problem>> {
    let mut found = plan::problems(&domain.xml(0)?, &domain.name(), request, endpoint, &pools_of(conn, domain)?);
    let mut blocks = |what: String, remedy: &str| found.push(Problem::new(Severity::Critical, domain.name(), what, remedy));
    if !domain.is_persistent()? {
        blocks("It is gone when it stops (a transient machine).".into(), "Define it first.");
    }
    let snapshots = domain.snapshots()?;
    if snapshots > 0 {
        blocks(format!("It has {snapshots} snapshots, which cannot come along."), "Delete them, or move it warm.");
    }
    let foreign = domain.checkpoints()?.iter().filter(|one| !one.name().starts_with(super::super::source::plan::PREFIX)).count();
    if foreign > 0 {
        let what = format!("Another program keeps {foreign} checkpoints of it, which cannot come along.");
        blocks(what, "Delete them there, or move it warm.");
    }
    Ok(found)
}

/// Returns when it runs at the target.
///
/// # Errors
/// libvirt's; the machine runs on here then.
pub fn send(conn: &Conn, request: &MigrateRequest, endpoint: &Endpoint) -> Result<()> {
    let domain = conn.domain(&request.native_id)?;
    // Records of changes cannot come along; the next protection begins with a full pass.
    clean::running(&domain, &[])?;
    let live = domain.xml(raw::VIR_DOMAIN_XML_MIGRATABLE | raw::VIR_DOMAIN_XML_SECURE)?;
    let from = pools_of(conn, &domain)?;
    let edit = |xml: &str| plan::rewrite(xml, request, endpoint, &from).map_err(Error::permanent);
    let mut params = vec![
        ("destination_xml", Param::Text(edit(&live)?)),
        ("persistent_xml", Param::Text(edit(&domain.inactive_xml()?)?)),
        ("migrate_uri", Param::Text(endpoint.data.clone())),
    ];
    let mut flags = FLAGS;
    if endpoint.tls {
        flags |= raw::VIR_MIGRATE_TLS;
        params.push(("tls.destination", Param::Text(endpoint.host.clone())));
    }
    domain.migrate(&endpoint.uri, &params, flags).map_err(refused)
}

fn pools_of(conn: &Conn, domain: &Domain) -> Result<Pools> {
    let facts = inventory::facts(conn, domain)?;
    let seen = inventory::domain::observed(&domain.xml(0)?, &facts).ok().flatten();
    Ok(seen.into_iter().flat_map(|s| s.disks).filter_map(|disk| Some((disk.key, disk.pool?))).collect())
}

fn refused(fault: Fault) -> Error {
    let hint = if fault.says("certificate") || fault.says("TLS") {
        " Both hosts must trust each other: see docs/operations.md, live migration."
    } else {
        ""
    };
    let error = Error::from(fault);
    Error::new(error.kind, format!("{}{hint}", error.message))
}

/// # Errors
/// libvirt's.
pub fn under_way(domain: &Domain) -> Result<Option<(u64, u64)>> {
    let (kind, stats) = match domain.job() {
        // It went off while it was asked.
        Err(_) if !domain.is_active()? => return Ok(None),
        other => other?,
    };
    let figure = |name: &str| stats.get(name).and_then(Param::as_u64);
    let out = figure("operation") == Some(u64::from(raw::VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT));
    if kind == raw::VIR_DOMAIN_JOB_NONE as i32 || !out {
        return Ok(None);
    }
    Ok(Some((figure("data_processed").unwrap_or_default(), figure("data_total").unwrap_or_default())))
}

/// # Errors
/// libvirt's; one that is over already is fine.
pub fn abort(domain: &Domain) -> Result<()> {
    match domain.abort_job() {
        Err(fault) if under_way(domain)?.is_some() => Err(fault.into()),
        _ => Ok(()),
    }
}

/// Files of a migration that did not arrive.
///
/// # Errors
/// libvirt's.
pub fn forget(conn: &Conn, token: &str, lineage: &str) -> Result<()> {
    let ours = plan::files(lineage, token);
    let mut used = vec![];
    for domain in conn.domains()? {
        used.extend(domain.xml(0).ok());
        used.extend(domain.inactive_xml().ok());
    }
    for (_, volume) in pools::family(conn, &ours)? {
        let path = meta::escape(&volume.path()?);
        if !used.iter().any(|xml| xml.contains(&path)) {
            match volume.delete() {
                Err(fault) if !fault.is_missing() && !fault.says("No such file") => return Err(fault.into()),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Ends the migration when nobody waits for it any more.
pub struct Abort(Option<(Conn, String)>);

impl Abort {
    pub fn new(conn: Conn, uuid: String) -> Self {
        Self(Some((conn, uuid)))
    }
    pub fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for Abort {
    /// Never on an async thread. Whether it came in time is read back by whoever dropped it.
    fn drop(&mut self) {
        if let Some((conn, uuid)) = self.0.take() {
            let _ = threads::spawn(None, move || conn.domain(&uuid).map_err(Error::from).and_then(|domain| abort(&domain)));
        }
    }
}
