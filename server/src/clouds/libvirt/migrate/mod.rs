//! The facet `LiveMigration`: peer to peer, with the disks, over TLS where both ends have it.
//!
//! The source's own libvirt drives it, so it goes on when this node dies; whoever asks again waits for it. The disks get
//! files of their own at the target, named after the request: nothing that lies there is ever written over.

mod plan;
mod run;

use super::{
    Libvirt,
    fields::{Config, Transport},
    inventory::resources,
    threads,
};
use crate::clouds::{
    LiveMigration, MigrateRequest,
    error::{Error, Result},
};
use async_trait::async_trait;
use model::Problem;
use plan::Endpoint;
use std::time::Duration;
use tokio::sync::mpsc;

const LOOK: Duration = Duration::from_millis(250);
/// For a migration to end after it was told to: it may be in the middle of handing over.
const END: Duration = Duration::from_secs(60);

#[async_trait]
impl LiveMigration for Libvirt {
    async fn endpoint(&self) -> Result<serde_json::Value> {
        let mut endpoint = address(&self.link.config)?;
        endpoint.pools = self.link.call(resources::pools).await?;
        serde_json::to_value(endpoint).map_err(|error| Error::permanent(error.to_string()))
    }

    async fn check(&self, request: &MigrateRequest) -> Result<Vec<Problem>> {
        let (request, endpoint) = (request.clone(), Endpoint::parse(&request.endpoint)?);
        self.with(&request.native_id.clone(), move |conn, domain| run::check(conn, domain, &request, &endpoint)).await
    }

    async fn migrate(&self, request: &MigrateRequest, progress: mpsc::Sender<(u64, u64)>) -> Result<()> {
        let id = &request.native_id;
        if self.under_way(id).await?.is_some() {
            return self.wait(id, &progress).await;
        }
        let (wanted, endpoint) = (request.clone(), Endpoint::parse(&request.endpoint)?);
        // It blocks until the end: on a connection of its own, so that everything else goes on.
        let conn = self.link.extra().await?;
        let mut abort = run::Abort::new(conn.clone(), id.clone());
        let mut done = threads::spawn(None, move || run::send(&conn, &wanted, &endpoint))?;
        let ended = loop {
            tokio::select! {
                ended = &mut done => break ended,
                () = tokio::time::sleep(LOOK) => self.tell(id, &progress).await,
            }
        };
        abort.disarm();
        ended.map_err(|_| Error::permanent("The migration panicked; see the log."))?
    }

    async fn cancel(&self, native_id: &str) -> Result<()> {
        let begun = std::time::Instant::now();
        while self.under_way(native_id).await?.is_some() {
            if begun.elapsed() > END {
                return Err(Error::transient(format!("The migration does not end within {} s after it was told to.", END.as_secs())));
            }
            self.with(native_id, |_, domain| run::abort(domain)).await?;
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn forget(&self, token: &str, lineage: &str) -> Result<()> {
        let (token, lineage) = (token.to_owned(), lineage.to_owned());
        self.link.run(move |conn| run::forget(conn, &token, &lineage)).await
    }
}

impl Libvirt {
    /// Bytes done and in all, of a migration from here; `None`: there is none.
    async fn under_way(&self, native_id: &str) -> Result<Option<(u64, u64)>> {
        self.with(native_id, |_, domain| run::under_way(domain)).await
    }

    async fn tell(&self, native_id: &str, progress: &mpsc::Sender<(u64, u64)>) {
        // Figures for people: one that is missing is made up for by the next.
        if let Ok(Some(bytes)) = self.under_way(native_id).await {
            let _ = progress.try_send(bytes);
        }
    }

    /// For the end of one that somebody else began.
    async fn wait(&self, native_id: &str, progress: &mpsc::Sender<(u64, u64)>) -> Result<()> {
        while let Some(bytes) = self.under_way(native_id).await? {
            let _ = progress.try_send(bytes);
            tokio::time::sleep(LOOK).await;
        }
        let here = self.with(native_id, |_, domain| Ok(domain.is_active()?)).await?;
        if here { Err(Error::transient("The migration that was under way ended without arriving.")) } else { Ok(()) }
    }
}

fn address(config: &Config) -> Result<Endpoint> {
    let missing = || Error::permanent("migration_host: where other hosts reach this one is not known. Name it in the cloud's settings.");
    let host = config.migration_host.clone().ok_or_else(missing)?;
    let tls = config.transport != Transport::Tcp;
    let port = config.uri.port().filter(|_| matches!(config.transport, Transport::Tls | Transport::Tcp));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let scheme = if tls { "qemu+tls" } else { "qemu+tcp" };
    Ok(Endpoint { uri: format!("{scheme}://{shown}{port}/system"), data: format!("tcp://{shown}"), host, tls, pools: vec![] })
}
