//! From a checked configuration to a running node, and back down in order.

use crate::{
    config::{Config, LogFormat},
    secrets::Key,
    services::{self, first_start},
    state::{Inner, Node, new_id},
    store::Db,
    web,
};
use anyhow::{Context, Result};
use std::{fs, io::IsTerminal, os::unix::fs::DirBuilderExt, time::Duration};

/// How long requests may take to end after a signal, and background work after them.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a node until it is told to stop (SIGINT, SIGTERM).
///
/// # Errors
/// Why it cannot start, with what to do.
pub fn run(config: Config) -> Result<()> {
    init_process(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(serve(config));
    // A C call that hangs in a cloud's library must not keep the program alive.
    runtime.shutdown_timeout(Duration::from_secs(5));
    ended
}

fn init_process(config: &Config) -> Result<()> {
    // Fails only when one is installed already, which is then the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log)
        .with_context(|| format!("log is '{}': write a level or a list like info,server::recovery=debug", config.log))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

async fn serve(config: Config) -> Result<()> {
    let node = open(&config).await?;
    first_start::prepare(&node, &config).await?;
    if let Some(machines) = config.simulate {
        services::clouds::simulate::ensure(&node, machines).await?;
    }
    let state = web::AppState::new(node.clone(), &config);
    start_background(&node).await?;
    let served = web::serve::run(state, &config).await;
    stop(&node).await;
    served
}

/// Everything that a node shares, before anything runs.
///
/// # Errors
/// The data folder, the key file or the store are not usable: why, and what to do.
pub async fn open(config: &Config) -> Result<Node> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data_dir)
        .with_context(|| format!("the data folder {} cannot be made: choose another with --data-dir", config.data_dir.display()))?;
    let secrets = Key::load_or_create(&config.key_file)?;
    let db = Db::open(&config.store).await.context("the store cannot be opened")?;
    Ok(Node::new(Inner::new(node_name(), db, secrets, config.data_dir.clone(), config.cloud_calls)))
}

/// The host's name for people, and something that no other life of a node had.
fn node_name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "node" } else { host.trim() };
    let id = new_id();
    format!("{host}-{}", &id[id.len() - 8..])
}

/// Each spawns onto `node.tasks` and ends when `node.stopping` is cancelled.
async fn start_background(node: &Node) -> Result<()> {
    services::sessions::start_sweeper(node);
    services::clouds::open_all(node).await?;
    crate::inventory::start(node).await?;
    services::clouds::follow::start(node);
    crate::replication::start(node);
    crate::recovery::start(node);
    Ok(())
}

async fn stop(node: &Node) {
    node.stopping.cancel();
    node.tasks.close();
    if tokio::time::timeout(GRACE, node.tasks.wait()).await.is_err() {
        tracing::warn!(left = node.tasks.len(), "background work did not end in time; it goes on after the next start");
    }
    tracing::info!("stopped");
}
