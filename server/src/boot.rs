//! From a checked configuration to a running node, and back down in order.

use crate::{
    config::{Config, LogFormat},
    secrets::Key,
    services::{self, first_start},
    state::{Inner, Node, new_id},
    store::Db,
    web,
};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    io::IsTerminal,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    time::Duration,
};

/// How long requests may take to end after a signal, and background work after them.
const GRACE: Duration = Duration::from_secs(10);

/// Runs a node until it is told to stop (SIGINT, SIGTERM).
///
/// # Errors
/// Why it cannot start, with what to do.
pub fn run(config: Config) -> Result<()> {
    init_process(&config)?;
    // The futures of some SDKs are large, in a build without optimisation more so: only what is used costs memory.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(8 << 20).build()?;
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
    private_folder(config)?;
    // A key that others can read is refused before anything else is touched; one that is not there only if it is missed.
    let known = config.key_file.exists().then(|| Key::load_or_create(&config.key_file)).transpose()?;
    let db = Db::open(&config.store).await.context("the store cannot be opened")?;
    let secrets = match known {
        Some(key) => key,
        None if crate::store::clouds::any_sealed(&db).await.context("the store cannot be read")? => bail!(lost_key(config)),
        None => Key::load_or_create(&config.key_file)?,
    };
    let inner = Inner::new(node_name(), db, secrets, config.data_dir.clone(), config.cloud_calls);
    Ok(Node::new(Inner { limits: config.limits, virt_v2v: config.virt_v2v.clone(), ..inner }))
}

fn lost_key(config: &Config) -> String {
    let file = config.key_file.display();
    format!(
        "the key file {file} is not there, but the store {} holds credentials of clouds that were sealed with it: restore it from your backup \
         to {file} (mode 0600), or point --key-file at it. If it is lost for good, these credentials are lost as well: make a new one with  \
         (umask 077; head -c 32 /dev/urandom > {file})  and enter the credentials again under Clouds",
        config.store.split('@').next_back().unwrap_or_default()
    )
}

/// The data folder, for the node's user alone. One that is there already is closed to others when it is the node's own:
/// empty, or with its key in it. Anything else may be somebody's home, and is not touched.
fn private_folder(config: &Config) -> Result<()> {
    let dir = &config.data_dir;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .with_context(|| format!("the data folder {} cannot be made: choose another with --data-dir", dir.display()))?;
    let mode = fs::metadata(dir)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let own = config.key_file.starts_with(dir) && config.key_file.exists() || fs::read_dir(dir)?.next().is_none();
    if own && fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).is_ok() {
        tracing::warn!(path = %dir.display(), "the data folder could be read by others (mode {mode:o}); it is closed to them now");
        return Ok(());
    }
    bail!(
        "the data folder {0} can be read by others (mode {mode:o}): run  chmod 700 {0} , or choose a folder of the node's own with --data-dir",
        dir.display()
    )
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
