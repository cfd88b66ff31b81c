//! Clouds: adding, changing, removing, probing.
//!
//! Nothing is saved that was not tried: an addition is probed first, with the credentials and the certificate that will
//! be used. Secrets are sealed before they reach the store and leave this file for the driver alone.

mod check;
pub mod follow;
mod probe;
pub mod simulate;

use super::{acting, audit, caller::Caller};
use crate::{
    clouds::{
        Settings,
        error::Kind,
        guard::{Guard, SHORT},
        pool::Open,
        registry,
    },
    error::{Code, Error, Result},
    inventory,
    state::{Node, new_id, now},
    store::{
        audit::StoredAudit,
        clouds::{self as store, StoredCloud},
    },
};
use model::{
    Page,
    access::Role,
    cloud::{Cloud, CloudStatus, DriverInfo, NewCloud, ProbeReport, Requests, Resources},
};
use std::{collections::BTreeMap, os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc, time::Duration};

type Fields = BTreeMap<String, String>;

/// Which kinds of cloud can be added, and what each asks for.
pub fn drivers() -> Vec<DriverInfo> {
    registry::drivers()
}

/// Opens every cloud of the store; called once, before the inventory starts. One that cannot be opened is refused with
/// the reason, and the others are opened all the same.
pub async fn open_all(node: &Node) -> Result<()> {
    for stored in store::list(&node.db).await? {
        if let Err(error) = open(node, &stored) {
            tracing::error!(cloud = %stored.cloud.name, %error, "cannot be opened");
            let message = Some(error.cause.unwrap_or(error.message));
            let cloud = Cloud { status: CloudStatus::Refused, status_since: now(), message, ..stored.cloud };
            store::save_status(&node.db, &cloud).await?;
        }
    }
    Ok(())
}

/// All at once without a limit; else a page, after the cloud that the cursor names.
pub fn list(node: &Node, cursor: Option<&str>, limit: Option<u32>) -> Result<Page<Cloud>> {
    let mut items: Vec<Cloud> = node.inventory.clouds().into_values().map(|c| (*c).clone()).collect();
    items.sort_by(|a, b| (&a.site, &a.name).cmp(&(&b.site, &b.name)));
    let total = Some(items.len() as u64);
    if let Some(cursor) = cursor {
        let at = items.iter().position(|c| c.id == cursor);
        let at = at.ok_or_else(|| Error::invalid("cursor", "This is not a cursor of this list, or the cloud that it names is gone."))?;
        items.drain(..=at);
    }
    let page = super::page(items, limit.unwrap_or(u32::MAX), |c| c.id.clone());
    Ok(Page { total, ..page })
}

pub fn get(node: &Node, id: &str) -> Result<Cloud> {
    node.inventory.cloud(id).map(|c| (*c).clone()).ok_or_else(|| Error::not_found("such cloud"))
}

/// What machines can be put on there.
pub async fn resources(node: &Node, id: &str) -> Result<Resources> {
    get(node, id)?;
    let guard = opened(node, id)?;
    Ok(guard.run("resources", SHORT, guard.cloud().inventory().resources()).await?)
}

/// How often this node asked its API; nothing is asked for it.
pub fn requests(node: &Node, id: &str) -> Result<Requests> {
    get(node, id)?;
    Ok(opened(node, id)?.cloud().requests().unwrap_or_default())
}

fn opened(node: &Node, id: &str) -> Result<Arc<Guard>> {
    node.clouds.get(id).ok_or_else(|| Error::new(Code::Unavailable, "The cloud is not open: check its settings."))
}

/// Tries settings that are not saved.
pub async fn probe_new(node: &Node, caller: &Caller, new: NewCloud) -> Result<ProbeReport> {
    caller.must_be(Role::Administrator)?;
    let new = check::plain(new);
    let driver = check::driver(&new)?;
    check::new(&new, &driver)?;
    let id = format!("probe-{}", new_id());
    let scratch = scratch(node, &id)?;
    let settings =
        Settings { fields: new.fields, fingerprint: new.fingerprint, scratch: scratch.clone(), calls: node.limits.calls_per_host };
    let report = probe::run(&new.kind, settings).await;
    if let Err(error) = std::fs::remove_dir_all(&scratch) {
        tracing::warn!(%error, path = %scratch.display(), "a probe's folder stays behind");
    }
    report
}

/// Tries a change of a saved one, with the secrets that it has.
pub async fn probe_change(node: &Node, caller: &Caller, id: &str, new: NewCloud) -> Result<ProbeReport> {
    caller.must_be(Role::Administrator)?;
    let (new, _, _) = completed(node, id, new).await?;
    probe_new(node, caller, new).await
}

/// Tries a saved one, now.
pub async fn probe(node: &Node, caller: &Caller, id: &str) -> Result<ProbeReport> {
    caller.must_be(Role::Operator)?;
    get(node, id)?;
    let guard = opened(node, id)?;
    Ok(match guard.run("probe", SHORT, guard.cloud().probe()).await {
        Ok(report) => report,
        Err(error) => probe::failed(&error),
    })
}

/// Looks at everything again now.
pub fn refresh(node: &Node, caller: &Caller, id: &str) -> Result<Cloud> {
    caller.must_be(Role::Operator)?;
    let cloud = get(node, id)?;
    inventory::look_again(node, id);
    Ok(cloud)
}

pub async fn add(node: &Node, caller: &Caller, new: NewCloud) -> Result<Cloud> {
    let subject = audit::name(&new.name);
    audit::refused(node, caller, "cloud.add", &subject, try_add(node, caller, new).await).await
}

async fn try_add(node: &Node, caller: &Caller, new: NewCloud) -> Result<Cloud> {
    caller.must_be(Role::Administrator)?;
    let new = check::plain(new);
    let driver = check::driver(&new)?;
    check::new(&new, &driver)?;
    name_is_free(node, &new.name, None).await?;
    let there = store::list(&node.db).await?;
    check::not_there_yet(&new, &driver, &there)?;
    let report = probe_new(node, caller, new.clone()).await?;
    probe::must_be_ok(&report)?;
    check::another_host(&report, &new.kind, &identified(node, &new.kind, there).await, None)?;
    let stored = entry(node, &driver, new, &report)?;
    let event = audit::event(caller, "cloud.add", &stored.cloud.name, "");
    let seq = store::insert(&node.db, &stored, now(), &event).await?;
    acting::begin();
    written(node, event, seq);
    begin(node, &stored)
}

/// Clouds that were added before their identity was kept are asked for it.
async fn identified(node: &Node, kind: &str, mut there: Vec<StoredCloud>) -> Vec<StoredCloud> {
    for known in there.iter_mut().filter(|s| s.cloud.kind == kind && s.host_id.is_none() && !s.cloud.simulated) {
        let Some(guard) = node.clouds.get(&known.cloud.id) else { continue };
        if let Ok(report) = guard.glance("probe", Duration::from_secs(3), guard.cloud().probe()).await {
            known.host_id = report.host_id;
        }
    }
    there
}

fn entry(node: &Node, driver: &DriverInfo, new: NewCloud, report: &ProbeReport) -> Result<StoredCloud> {
    let (fields, secrets) = check::split(driver, new.fields);
    let cloud = Cloud {
        id: new_id(),
        name: new.name,
        kind: new.kind,
        site: new.site,
        simulated: driver.simulated,
        status: CloudStatus::Connecting,
        status_since: now(),
        message: None,
        observed_at: None,
        retry_at: None,
        version: report.version.clone(),
        // What was seen is pinned, whether or not somebody compared it: a later change is then noticed.
        fingerprint: new.fingerprint.or_else(|| report.fingerprint.clone()),
        capabilities: report.capabilities.clone(),
        capacity: None,
        machines: 0,
        running: 0,
        fields,
    };
    Ok(StoredCloud { cloud, secrets: seal(node, &secrets)?, host_id: report.host_id.clone() })
}

/// Secret fields that are left out keep their value; an empty one is taken away.
pub async fn update(node: &Node, caller: &Caller, id: &str, new: NewCloud) -> Result<Cloud> {
    let subject = audit::name(&new.name);
    audit::refused(node, caller, "cloud.change", &subject, try_update(node, caller, id, new).await).await
}

async fn try_update(node: &Node, caller: &Caller, id: &str, new: NewCloud) -> Result<Cloud> {
    caller.must_be(Role::Administrator)?;
    let (new, before, driver) = completed(node, id, new).await?;
    check::new(&new, &driver)?;
    name_is_free(node, &new.name, Some(id)).await?;
    // A cloud that is down may be renamed; one that refuses the new settings may not get them.
    let report = probe_new(node, caller, new.clone()).await?;
    probe::must_not_refuse(&report)?;
    check::another_host(&report, &new.kind, &store::list(&node.db).await?, Some(id))?;
    let detail = match (&before.cloud.fingerprint, &new.fingerprint) {
        (Some(old), Some(now)) if old != now => format!("the certificate {now} was accepted in place of {old}"),
        _ => String::new(),
    };
    let (fields, secrets) = check::split(&driver, new.fields);
    let known = get(node, id)?;
    let cloud = Cloud { name: new.name, site: new.site, fingerprint: new.fingerprint, fields, ..known };
    let stored = StoredCloud { cloud, secrets: seal(node, &secrets)?, host_id: report.host_id };
    let event = audit::event(caller, "cloud.change", &stored.cloud.name, detail);
    let seq = store::update(&node.db, &stored, &event).await?;
    written(node, event, seq);
    begin(node, &stored)
}

/// With what a change leaves out: the secrets, and the certificate that is pinned.
async fn completed(node: &Node, id: &str, new: NewCloud) -> Result<(NewCloud, StoredCloud, DriverInfo)> {
    let mut new = check::plain(new);
    let before = store::get(&node.db, id).await?.ok_or_else(|| Error::not_found("such cloud"))?;
    if new.kind != before.cloud.kind {
        return Err(Error::invalid("kind", format!("The kind stays {}: add another cloud instead.", before.cloud.kind)));
    }
    let driver = check::driver(&new)?;
    for (name, value) in unseal(node, &before)? {
        new.fields.entry(name).or_insert(value);
    }
    new.fingerprint = new.fingerprint.filter(|f| !f.is_empty()).or_else(|| before.cloud.fingerprint.clone());
    Ok((new, before, driver))
}

/// Its machines leave the console; the cloud itself is not touched.
pub async fn remove(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    let subject = get(node, id)?.name;
    audit::refused(node, caller, "cloud.remove", &subject, try_remove(node, caller, id).await).await
}

async fn try_remove(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    caller.must_be(Role::Administrator)?;
    let uses = store::uses(&node.db, id).await?;
    if !uses.is_empty() {
        return Err(Error::conflict(format!("It is still needed by {}. End that first.", uses.join(", "))));
    }
    let event = audit::event(caller, "cloud.remove", &get(node, id)?.name, "");
    inventory::abandon(node, id);
    let seq = store::remove(&node.db, id, &event).await?;
    written(node, event, seq);
    close(node, id);
    Ok(())
}

/// Its connection and its files here.
fn close(node: &Node, id: &str) {
    node.clouds.remove(id);
    let scratch = node.data_dir.join("clouds").join(id);
    if scratch.exists()
        && let Err(error) = std::fs::remove_dir_all(&scratch)
    {
        tracing::warn!(%error, path = %scratch.display(), "the folder of a removed cloud stays behind");
    }
}

fn written(node: &Node, event: StoredAudit, seq: Option<i64>) {
    if let Some(seq) = seq {
        audit::show(node, event, seq);
    }
}

async fn name_is_free(node: &Node, name: &str, own: Option<&str>) -> Result<()> {
    match store::id_by_name(&node.db, name).await? {
        Some(id) if own != Some(id.as_str()) => {
            let taken = Error::invalid("name", format!("There is a cloud named {name} already: choose another name."));
            Err(Error { code: Code::Conflict, ..taken })
        }
        _ => Ok(()),
    }
}

/// Opens it with what is stored, and looks.
fn begin(node: &Node, stored: &StoredCloud) -> Result<Cloud> {
    open(node, stored)?;
    let cloud = node.inventory.set_cloud(stored.cloud.clone());
    inventory::adopt(node, &cloud.id);
    Ok((*cloud).clone())
}

fn open(node: &Node, stored: &StoredCloud) -> Result<()> {
    let c = &stored.cloud;
    // Also when it cannot be opened: the same settings are not tried again and again.
    node.clouds.set_version(&c.id, follow::version(stored));
    let mut fields = c.fields.clone();
    fields.extend(unseal(node, stored)?);
    let settings =
        Settings { fields, fingerprint: c.fingerprint.clone(), scratch: scratch(node, &c.id)?, calls: node.limits.calls_per_host };
    let (id, name, site, kind) = (c.id.clone(), c.name.clone(), c.site.clone(), c.kind.clone());
    let calls = node.limits.calls_per_cloud;
    node.clouds
        .open(Open { id, name, site, kind, simulated: c.simulated, settings, calls }, node.calls.clone())
        .map_err(check::of_driver)?;
    Ok(())
}

fn scratch(node: &Node, id: &str) -> Result<PathBuf> {
    let path = node.data_dir.join("clouds").join(id);
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.map_err(|e| Error::internal(format!("{}: {e}", path.display())))?;
    Ok(path)
}

fn seal(node: &Node, secrets: &Fields) -> Result<Option<Vec<u8>>> {
    if secrets.is_empty() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(secrets).map_err(Error::internal)?;
    Ok(Some(node.secrets.seal(&plain)?))
}

fn unseal(node: &Node, stored: &StoredCloud) -> Result<Fields> {
    let Some(sealed) = &stored.secrets else { return Ok(Fields::new()) };
    let plain = node.secrets.open(sealed)?;
    serde_json::from_slice(&plain).map_err(Error::internal)
}

/// Which failures of a probe a person must act on, rather than wait.
fn refuses(kind: Kind) -> bool {
    matches!(kind, Kind::Auth | Kind::Identity | Kind::Unsupported | Kind::Permanent)
}
