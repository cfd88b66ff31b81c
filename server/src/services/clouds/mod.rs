//! Clouds: adding, changing, removing, probing.
//!
//! Nothing is saved that was not tried: an addition is probed first, with the credentials and the certificate that will
//! be used. Secrets are sealed before they reach the store and leave this file for the driver alone.

mod check;
pub mod follow;
mod probe;
pub mod simulate;

use super::{audit, caller::Caller};
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
    store::clouds::{self as store, StoredCloud},
};
use model::{
    Page,
    access::Role,
    cloud::{Cloud, CloudStatus, DriverInfo, NewCloud, ProbeReport, Resources},
};
use std::{collections::BTreeMap, os::unix::fs::DirBuilderExt, path::PathBuf, sync::Arc};

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

pub fn list(node: &Node) -> Page<Cloud> {
    let mut items: Vec<Cloud> = node.inventory.clouds().into_values().map(|c| (*c).clone()).collect();
    items.sort_by(|a, b| (&a.site, &a.name).cmp(&(&b.site, &b.name)));
    let total = Some(items.len() as u64);
    Page { items, next: None, total }
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
    let settings = Settings { fields: new.fields, fingerprint: new.fingerprint, scratch: scratch.clone() };
    let report = probe::run(&new.kind, settings).await;
    if let Err(error) = std::fs::remove_dir_all(&scratch) {
        tracing::warn!(%error, path = %scratch.display(), "a probe's folder stays behind");
    }
    report
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
    let subject = new.name.clone();
    let outcome = try_add(node, caller, new).await;
    record(node, caller, "cloud.add", &subject, &outcome).await;
    outcome
}

async fn try_add(node: &Node, caller: &Caller, new: NewCloud) -> Result<Cloud> {
    caller.must_be(Role::Administrator)?;
    let new = check::plain(new);
    let driver = check::driver(&new)?;
    check::new(&new, &driver)?;
    name_is_free(node, &new.name, None).await?;
    check::not_there_yet(&new, &driver, &store::list(&node.db).await?)?;
    let report = probe_new(node, caller, new.clone()).await?;
    probe::must_be_ok(&report)?;
    let stored = entry(node, &driver, new, &report)?;
    store::insert(&node.db, &stored, now()).await?;
    begin(node, &stored)
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
    Ok(StoredCloud { cloud, secrets: seal(node, &secrets)? })
}

/// Secret fields that are left out keep their value; an empty one is taken away.
pub async fn update(node: &Node, caller: &Caller, id: &str, new: NewCloud) -> Result<Cloud> {
    let subject = new.name.clone();
    let outcome = try_update(node, caller, id, new).await;
    record(node, caller, "cloud.change", &subject, &outcome).await;
    outcome
}

async fn try_update(node: &Node, caller: &Caller, id: &str, new: NewCloud) -> Result<Cloud> {
    caller.must_be(Role::Administrator)?;
    let mut new = check::plain(new);
    let before = store::get(&node.db, id).await?.ok_or_else(|| Error::not_found("such cloud"))?;
    if new.kind != before.cloud.kind {
        return Err(Error::invalid("kind", format!("The kind stays {}: add another cloud instead.", before.cloud.kind)));
    }
    let driver = check::driver(&new)?;
    let kept = unseal(node, &before)?;
    for (name, value) in kept {
        new.fields.entry(name).or_insert(value);
    }
    new.fingerprint = new.fingerprint.filter(|f| !f.is_empty()).or_else(|| before.cloud.fingerprint.clone());
    check::new(&new, &driver)?;
    name_is_free(node, &new.name, Some(id)).await?;
    // A cloud that is down may be renamed; one that refuses the new settings may not get them.
    let report = probe_new(node, caller, new.clone()).await?;
    probe::must_not_refuse(&report)?;
    let (fields, secrets) = check::split(&driver, new.fields);
    let known = get(node, id)?;
    let cloud = Cloud { name: new.name, site: new.site, fingerprint: new.fingerprint, fields, ..known };
    let stored = StoredCloud { cloud, secrets: seal(node, &secrets)? };
    store::update(&node.db, &stored).await?;
    begin(node, &stored)
}

/// Its machines leave the console; the cloud itself is not touched.
pub async fn remove(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    let subject = get(node, id)?.name;
    let outcome = try_remove(node, caller, id).await;
    record(node, caller, "cloud.remove", &subject, &outcome).await;
    outcome
}

async fn try_remove(node: &Node, caller: &Caller, id: &str) -> Result<()> {
    caller.must_be(Role::Administrator)?;
    let uses = store::uses(&node.db, id).await?;
    if !uses.is_empty() {
        return Err(Error::conflict(format!("It is still needed by {}. End that first.", uses.join(", "))));
    }
    inventory::abandon(node, id);
    store::remove(&node.db, id).await?;
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

async fn record<T>(node: &Node, caller: &Caller, action: &str, subject: &str, outcome: &Result<T>) {
    let detail = outcome.as_ref().err().map(|e| e.message.clone()).unwrap_or_default();
    audit::record(node, caller, action, subject, outcome.is_ok(), detail).await;
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
    let settings = Settings { fields, fingerprint: c.fingerprint.clone(), scratch: scratch(node, &c.id)? };
    let (id, name, site, kind) = (c.id.clone(), c.name.clone(), c.site.clone(), c.kind.clone());
    node.clouds.open(Open { id, name, site, kind, simulated: c.simulated, settings }, node.calls.clone()).map_err(check::of_driver)?;
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
