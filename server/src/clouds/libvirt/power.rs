//! The facet `Power`: look, then ensure, then look again.

use super::{
    Libvirt,
    inventory::domain::power_state,
    lock, meta, reader,
    sys::{Conn, Domain, Fault, raw},
};
use crate::clouds::{
    Power, StopMode,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use model::machine::PowerState;

#[async_trait]
impl Power for Libvirt {
    async fn state(&self, native_id: &str) -> Result<PowerState> {
        self.with(native_id, |_, domain| Ok(power_state(domain.state()?))).await
    }

    async fn start(&self, native_id: &str) -> Result<()> {
        self.with(native_id, start).await
    }

    async fn stop(&self, native_id: &str, mode: StopMode) -> Result<()> {
        self.with(native_id, move |_, domain| stop(domain, mode)).await
    }

    async fn reset(&self, native_id: &str) -> Result<()> {
        self.with(native_id, |_, domain| Ok(domain.reset()?)).await
    }

    async fn set_autostart(&self, native_id: &str, on: bool) -> Result<bool> {
        let set = move |_: &Conn, domain: &Domain| {
            if domain.autostart()? != on {
                domain.set_autostart(on)?;
            }
            Ok(domain.autostart()?)
        };
        self.with(native_id, set).await
    }

    async fn lock(&self, native_id: &str, reason: &str) -> Result<()> {
        let reason = reason.to_owned();
        self.with(native_id, move |conn, domain| redefine(conn, domain, |xml| lock::lock(xml, &reason))).await
    }

    async fn unlock(&self, native_id: &str) -> Result<()> {
        self.with(native_id, |conn, domain| redefine(conn, domain, lock::unlock)).await
    }
}

impl Libvirt {
    /// Looks the machine up and works on it, on a thread.
    pub(super) async fn with<T: Send + 'static>(
        &self,
        native_id: &str,
        work: impl FnOnce(&Conn, &Domain) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let uuid = native_id.to_owned();
        self.link
            .run(move |conn| {
                let domain = conn.domain(&uuid)?;
                work(conn, &domain)
            })
            .await
    }
}

fn start(conn: &Conn, domain: &Domain) -> Result<()> {
    let state = domain.state()?;
    match state.0 {
        raw::VIR_DOMAIN_RUNNING | raw::VIR_DOMAIN_BLOCKED => return Ok(()),
        raw::VIR_DOMAIN_PAUSED => return Ok(domain.resume()?),
        raw::VIR_DOMAIN_PMSUSPENDED => return Ok(domain.wake()?),
        raw::VIR_DOMAIN_SHUTOFF => {}
        _ => return Err(Error::conflict(format!("{} is {}; it cannot be started now.", domain.name(), power_state(state).as_str()))),
    }
    // A reader of ours holds the disks of a stopped machine: its cycle is repeated later, starting comes first.
    reader::remove(conn, &domain.uuid()?)?;
    domain.start().map_err(|fault| refused(domain, fault))
}

fn refused(domain: &Domain, fault: Fault) -> Error {
    if fault.says(meta::LOCK_FOLDER) {
        let why = domain.inactive_xml().ok().and_then(|xml| {
            let document = roxmltree::Document::parse(&xml).ok()?;
            meta::read(document.root_element()).locked
        });
        return Error::conflict(format!("{} is locked: {}", domain.name(), why.unwrap_or(fault.message)));
    }
    fault.into()
}

fn stop(domain: &Domain, mode: StopMode) -> Result<()> {
    if !domain.is_active()? {
        return Ok(());
    }
    let done = match mode {
        StopMode::Graceful => domain.shutdown(0),
        // First SIGTERM, so that QEMU writes its bitmaps; SIGKILL follows by itself.
        StopMode::Hard => domain.destroy(0),
    };
    match done {
        // It went meanwhile, or is on its way: asking a second time is no mistake.
        Err(_) if matches!(domain.state()?.0, raw::VIR_DOMAIN_SHUTOFF | raw::VIR_DOMAIN_SHUTDOWN) => Ok(()),
        other => Ok(other?),
    }
}

/// Changes the definition of a stopped machine, when there is something to change.
fn redefine(conn: &Conn, domain: &Domain, change: impl FnOnce(&str) -> std::result::Result<String, roxmltree::Error>) -> Result<()> {
    let unreadable = |error| Error::permanent(format!("{}: its XML cannot be read: {error}", domain.name()));
    let xml = domain.inactive_xml()?;
    let changed = change(&xml).map_err(unreadable)?;
    if changed == xml {
        return Ok(());
    }
    if domain.is_active()? {
        return Err(Error::new(Kind::Conflict, format!("{} is running; only a stopped machine can be locked or unlocked.", domain.name())));
    }
    conn.define(&changed)?;
    Ok(())
}
