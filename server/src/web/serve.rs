//! Listens, with or without TLS, until the node stops.

use super::{AppState, router};
use crate::{config::Config, state::Node};
use anyhow::{Context, Result};
use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, SystemTime},
};
use tokio::signal::unix::{SignalKind, signal};

/// What is being answered may end; streams are told to stop at once.
const GRACE: Duration = Duration::from_secs(10);
/// A look at two files; short, so that whoever renews a certificate sees it in use at once.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(5);

/// # Errors
/// The address is taken or the certificate is not usable, with what to do.
pub async fn run(state: AppState, config: &Config) -> Result<()> {
    let listener = std::net::TcpListener::bind(config.listen)
        .with_context(|| format!("cannot listen on {}: another program may have the port; choose another with --listen", config.listen))?;
    listener.set_nonblocking(true)?;
    let handle = Handle::new();
    stop_on_signal(state.node.clone(), handle.clone())?;
    let node = state.node.clone();
    let app = router(state).into_make_service_with_connect_info::<SocketAddr>();
    tracing::info!(node = node.name, listen = %config.listen, url = config.public_url, "ready");
    // Streamed pages go out in several small writes: without NODELAY each waits about 40 ms for a delayed ACK.
    let server = axum_server::from_tcp(listener)?.handle(handle);
    match &config.tls {
        None => server.acceptor(NoDelayAcceptor).serve(app).await?,
        Some((cert, key)) => {
            let tls = load(cert, key).await?;
            reload_on_change(&node, tls.clone(), cert.clone(), key.clone());
            server.acceptor(RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor)).serve(app).await?;
        }
    }
    Ok(())
}

async fn load(cert: &PathBuf, key: &PathBuf) -> Result<RustlsConfig> {
    RustlsConfig::from_pem_file(cert, key).await.with_context(|| {
        format!("the certificate {} with the key {} is not usable: both must be PEM and belong together", cert.display(), key.display())
    })
}

/// A renewed certificate is taken without a restart; a broken one is reported and the old one stays.
fn reload_on_change(node: &Node, tls: RustlsConfig, cert: PathBuf, key: PathBuf) {
    let this = node.clone();
    node.tasks.spawn(async move {
        let mut seen = changed_at(&cert, &key);
        loop {
            tokio::select! {
                () = this.stopping.cancelled() => return,
                () = tokio::time::sleep(CERTIFICATE_CHECK) => {}
            }
            let at = changed_at(&cert, &key);
            if at != seen {
                seen = at;
                match tls.reload_from_pem_file(&cert, &key).await {
                    Ok(()) => tracing::info!("the new certificate is in use"),
                    Err(error) => tracing::error!(%error, "the new certificate is not usable; the old one stays in use"),
                }
            }
        }
    });
}

fn changed_at(cert: &PathBuf, key: &PathBuf) -> [Option<SystemTime>; 2] {
    [cert, key].map(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok())
}

fn stop_on_signal(node: Node, handle: Handle<SocketAddr>) -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = node.stopping.cancelled() => {}
        }
        tracing::info!("stopping");
        node.stopping.cancel();
        handle.graceful_shutdown(Some(GRACE));
    });
    Ok(())
}
