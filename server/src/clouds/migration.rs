//! A facet of the contract: clouds that hand running machines to each other.

use super::error::Result;
use async_trait::async_trait;
use model::{Mapping, Problem};
use tokio::sync::mpsc;

/// A running machine that is to go to another cloud.
#[derive(Clone, Debug)]
pub struct MigrateRequest {
    /// Names what it makes at the target.
    pub token: String,
    pub lineage: String,
    pub native_id: String,
    /// The target's [`LiveMigration::endpoint`].
    pub endpoint: serde_json::Value,
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
}

/// Moving a running machine with its memory and disks, between clouds of one kind. It keeps its native id.
#[async_trait]
pub trait LiveMigration: Send + Sync {
    /// Where a peer must be pointed to in order to send a machine here. Opaque to the engine.
    async fn endpoint(&self) -> Result<serde_json::Value>;
    /// Dry run at the source: what would be in the way of sending it. Touches nothing.
    async fn check(&self, request: &MigrateRequest) -> Result<Vec<Problem>>;
    /// Returns when the machine runs at the target; the definition here stays, stopped. One that an earlier attempt
    /// began, and that goes on without its node, is waited for. `progress` gets (done, total) bytes.
    /// Dropping the future asks the migration to end; [`Self::cancel`] tells when it has.
    async fn migrate(&self, request: &MigrateRequest, progress: mpsc::Sender<(u64, u64)>) -> Result<()>;
    /// Ends a migration from here and returns when it has ended: the machine runs here alone, unless it had arrived.
    /// None under way is fine.
    async fn cancel(&self, native_id: &str) -> Result<()>;
    /// At the target: removes the files of a migration that did not arrive. What a machine uses stays.
    async fn forget(&self, token: &str, lineage: &str) -> Result<()>;
}
