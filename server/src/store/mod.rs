//! The store: the only SQL of the project, one file for each noun.
//!
//! One SQL text for SQLite and PostgreSQL (`$1`, BIGINT milliseconds, JSON as TEXT, booleans as BIGINT 0/1); [`on!`]
//! expands a body for both with full types. Where the two must differ, the function says so.

pub mod alarms;
pub mod audit;
pub mod clouds;
pub mod commands;
pub mod copies;
pub mod figures;
pub mod groups;
pub mod idempotency;
pub mod machines;
pub mod member_leases;
pub mod members;
pub mod old_copies;
pub mod plans;
pub mod points;
pub mod prices;
pub mod runs;
pub mod sessions;
pub mod steps;
pub mod targets;
pub mod tokens;
pub mod users;
pub mod work;

use anyhow::{Context, Result, bail};
use sqlx::{
    PgPool, SqlitePool,
    postgres::PgPoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{
    fs::{self, OpenOptions},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

#[derive(Clone)]
pub enum Db {
    Lite(SqlitePool),
    Pg(PgPool),
}

/// One body for both databases: `on!(db, p => sqlx::query("…").execute(p).await?.rows_affected())`.
/// Both expansions must have one type, so finish with `.rows_affected()`, `fetch_*` and the like.
macro_rules! on {
    ($db:expr, $p:ident => $body:expr) => {
        match $db {
            $crate::store::Db::Lite($p) => $body,
            $crate::store::Db::Pg($p) => $body,
        }
    };
}

pub(crate) use on;

pub type StoreResult<T> = std::result::Result<T, sqlx::Error>;

impl Db {
    /// Opens `sqlite://path` (created when missing), `sqlite::memory:` or `postgres://…`, and brings the schema up to date.
    ///
    /// # Errors
    /// What is wrong with the address, the server or the schema, with what to do.
    pub async fn open(url: &str) -> Result<Self> {
        let db = if url.starts_with("sqlite:") { Self::open_sqlite(url).await? } else { Self::open_postgres(url).await? };
        match &db {
            Self::Lite(p) => sqlx::migrate!("../migrations/sqlite").run(p).await,
            Self::Pg(p) => sqlx::migrate!("../migrations/postgres").run(p).await,
        }
        .context("the schema could not be brought up to date")?;
        Ok(db)
    }

    /// Does a store answer at this address? Makes and changes nothing.
    ///
    /// # Errors
    /// What is wrong with the address or the server.
    pub async fn look(url: &str) -> Result<()> {
        let db = if let Some(path) = url.strip_prefix("sqlite://") {
            let options = SqliteConnectOptions::from_str(&format!("sqlite://{path}"))?.read_only(true);
            Self::Lite(SqlitePoolOptions::new().max_connections(1).connect_with(options).await?)
        } else {
            Self::open_postgres(url).await?
        };
        Ok(db.ping().await?)
    }

    async fn open_sqlite(url: &str) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .with_context(|| format!("'{url}' is not an SQLite address: write sqlite:///path/to/file.db"))?;
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a step that was written down must survive a power cut, or it would be done twice.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        // A database in memory belongs to its one connection.
        let memory = url.contains(":memory:");
        if !memory {
            private(options.get_filename())?;
        }
        let pool = SqlitePoolOptions::new().max_connections(if memory { 1 } else { 8 });
        let pool = if memory { pool.idle_timeout(None).max_lifetime(None) } else { pool };
        Ok(Self::Lite(pool.connect_with(options).await.with_context(|| format!("cannot open {url}"))?))
    }

    async fn open_postgres(url: &str) -> Result<Self> {
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            bail!("'{url}' is not a store address: write sqlite:///path/to/file.db or postgres://user:password@host/database");
        }
        let host = url.split('@').next_back().unwrap_or_default();
        if host.split('/').next().unwrap_or_default().contains(',') || url.contains("target_session_attrs") {
            // sqlx would take 'a,b' as one host name and ignore target_session_attrs: refuse instead of half-working.
            bail!(
                "the PostgreSQL address names several hosts, which is not supported: put a proxy or virtual address in front and name that"
            );
        }
        let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(10));
        // The address holds a password: never part of a message.
        Ok(Self::Pg(pool.connect(url).await.context("cannot connect to PostgreSQL")?))
    }

    /// No other node works on it.
    pub fn is_own(&self) -> bool {
        matches!(self, Self::Lite(_))
    }

    /// Answers when the store does.
    ///
    /// # Errors
    /// The database's own.
    pub async fn ping(&self) -> StoreResult<()> {
        on!(self, p => { sqlx::query("SELECT 1").execute(p).await?; });
        Ok(())
    }
}

impl Db {
    /// Can it write? `ping` reads, and a full disk lets everybody read. One page and a sync; changes nothing that
    /// anybody reads. PostgreSQL says by itself when its disk is full, and its disk is not ours to watch.
    ///
    /// # Errors
    /// The database's own.
    pub async fn try_write(&self) -> StoreResult<()> {
        match self {
            Self::Lite(p) => sqlx::query("PRAGMA user_version = 0").execute(p).await.map(drop),
            Self::Pg(_) => self.ping().await,
        }
    }
}

/// Hashes of passwords and sealed credentials are in it: for the node's user alone. What SQLite puts beside the file gets
/// the file's mode.
fn private(file: &Path) -> Result<()> {
    if !file.exists() {
        // A missing folder is SQLite's to report.
        let _ = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    }
    for end in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{end}", file.display()));
        let mode = fs::metadata(&path).map_or(0, |m| m.permissions().mode() & 0o777);
        if mode & 0o077 != 0 {
            let closed = fs::set_permissions(&path, fs::Permissions::from_mode(0o600));
            closed.with_context(|| format!("{0} can be read by others (mode {mode:o}): run  chmod 600 {0}", path.display()))?;
        }
    }
    Ok(())
}

/// A JSON column. Text that does not fit its type is a fault of the store, not of the user.
pub(crate) fn json<T: serde::de::DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|e| sqlx::Error::Encode(Box::new(e)))
}
