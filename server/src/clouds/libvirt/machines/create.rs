//! Making a machine from a recovery point, and removing one. Look, then ensure: each call may be the second.

use super::{
    super::{
        meta, reader,
        sink::{
            names::{self, Point},
            pools,
        },
        source::plan,
        sys::{Conn, Domain, Fault, raw},
    },
    foreign,
    rewrite::{self, Target},
    seed,
};
use crate::clouds::{
    CreateRequest, GuestNetwork,
    error::{Error, Result},
};
use roxmltree::Document;
use std::collections::BTreeMap;

/// # Errors
/// `Conflict` when another machine has the name or UUID, `NotFound` when the point is gone.
pub fn create(conn: &Conn, request: &CreateRequest) -> Result<String> {
    if let Some(made) = made_before(conn, request)? {
        return Ok(made);
    }
    let point = Point::parse(&request.point)?;
    let disks = foreign::by_device(&request.spec, overlays(conn, request, &point)?);
    let guest = request.guest.clone().or_else(|| told_before(&request.spec.native));
    let seed = guest.as_ref().map(|guest| seed::put(conn, &point.pool, &request.lineage, &request.token, guest)).transpose()?;
    let guest = guest.as_ref().zip(seed.as_deref());
    let target = Target {
        token: &request.token,
        lineage: &request.lineage,
        disks: &disks,
        networks: &request.networks,
        guest,
        origins: &request.spec.origins,
    };
    let xml = rewrite::rewrite(&request.spec.native, &target).map_err(Error::permanent)?;
    let domain = conn.define(&xml)?;
    if domain.autostart()? {
        domain.set_autostart(false)?;
    }
    Ok(domain.uuid()?)
}

/// A machine that was told its addresses once keeps the drive that says so, under the same instance: it reads it again and
/// changes nothing.
fn told_before(native: &str) -> Option<GuestNetwork> {
    meta::read(Document::parse(native).ok()?.root_element()).guest
}

/// The UUID is kept over moves, so a machine made by an earlier attempt has it.
fn made_before(conn: &Conn, request: &CreateRequest) -> Result<Option<String>> {
    let same_uuid = request.spec.uuid.as_deref().map(|uuid| conn.domain(uuid));
    for found in [same_uuid, Some(conn.domain_by_name(&request.spec.name))].into_iter().flatten() {
        match found {
            Ok(domain) if token_of(&domain)?.as_deref() == Some(&request.token) => return Ok(Some(domain.uuid()?)),
            Ok(domain) => return Err(Error::conflict(format!("There is a machine {} with this name or UUID already.", domain.name()))),
            Err(fault) if fault.is_missing() => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(None)
}

pub fn token_of(domain: &Domain) -> std::result::Result<Option<String>, Fault> {
    let xml = domain.inactive_xml()?;
    Ok(Document::parse(&xml).ok().and_then(|document| meta::read(document.root_element()).token))
}

/// A writable file over each disk of the point, which itself stays as it is.
fn overlays(conn: &Conn, request: &CreateRequest, point: &Point) -> Result<BTreeMap<String, String>> {
    if conn.pool(&point.pool)?.volume(&point.marker()).is_err() {
        // Made by another connection a moment ago, or really gone: the pool is read again.
        pools::refresh(conn)?;
        conn.pool(&point.pool)?.volume(&point.marker()).map_err(|_| Error::not_found("The recovery point is gone."))?;
    }
    point
        .disks
        .iter()
        .map(|disk| {
            let name = names::machine_disk(&request.lineage, &request.token, &disk.key);
            let pool = conn.pool(&disk.pool)?;
            let xml = format!(
                "<volume><name>{name}</name><capacity unit='bytes'>{}</capacity><allocation>0</allocation><target><format type='qcow2'/></target>\
                 <backingStore><path>{}</path><format type='qcow2'/></backingStore></volume>",
                disk.size,
                meta::escape(&disk.path)
            );
            let volume = match pool.create(&xml) {
                // Of an attempt that did not come to define the machine: nothing was written to it, or it is torn.
                Err(fault) if fault.is(raw::VIR_ERR_STORAGE_VOL_EXIST) => {
                    pool.volume(&name)?.delete()?;
                    pool.create(&xml)?
                }
                other => other?,
            };
            Ok((disk.key.clone(), volume.path()?))
        })
        .collect()
}

/// # Errors
/// libvirt's.
pub fn find(conn: &Conn, token: &str) -> Result<Option<String>> {
    for domain in conn.domains()? {
        match token_of(&domain) {
            Ok(Some(found)) if found == token => return Ok(Some(domain.uuid()?)),
            Err(fault) if !fault.is_missing() => return Err(fault.into()),
            _ => {}
        }
    }
    Ok(None)
}

/// # Errors
/// `Conflict` for a machine that runs.
pub fn delete(conn: &Conn, uuid: &str, with_disks: bool) -> Result<()> {
    let domain = match conn.domain(uuid) {
        Err(fault) if fault.is_missing() => return Ok(()),
        other => other?,
    };
    if domain.is_active()? {
        return Err(Error::conflict(format!("{} runs; only a stopped machine can be deleted.", domain.name())));
    }
    reader::remove(conn, uuid)?;
    let xml = domain.inactive_xml()?;
    let flags = raw::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | raw::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | raw::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | raw::VIR_DOMAIN_UNDEFINE_NVRAM;
    // Disks first: killed in between, the machine is still there to be deleted again.
    if with_disks {
        remove_disks(conn, &xml)?;
    }
    Ok(domain.undefine(flags)?)
}

fn remove_disks(conn: &Conn, xml: &str) -> Result<()> {
    // A machine whose disks cannot be named has none that could be removed here.
    let document = Document::parse(xml).ok();
    let seed = document.as_ref().and_then(|document| seed::path(document.root_element())).map(str::to_owned);
    for path in plan::disks(xml).unwrap_or_default().into_iter().map(|disk| disk.path).chain(seed) {
        match conn.volume_by_path(&path).and_then(|volume| volume.delete()) {
            Err(fault) if !fault.is_missing() && !fault.says("No such file") => return Err(fault.into()),
            _ => {}
        }
    }
    Ok(())
}
