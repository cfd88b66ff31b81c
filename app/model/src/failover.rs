//! Where the groups of a site come up when it is failed over.

use crate::{Id, Millis};
use serde::{Deserialize, Serialize};

/// A protection group of a failover, and the clouds that keep recovery points of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupTargets {
    pub group_id: Id,
    pub group: String,
    pub plan: String,
    pub machines: usize,
    /// What those that start take together, MiB.
    pub memory_mib: u64,
    /// The cloud that is chosen.
    pub cloud_id: Id,
    pub options: Vec<TargetOption>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TargetOption {
    pub cloud_id: Id,
    pub cloud: String,
    pub site: String,
    /// The group's main target.
    pub main: bool,
    /// The oldest of the machines' newest recovery points.
    pub point_at: Option<Millis>,
    /// Machines without any recovery point there.
    pub without: usize,
    /// As the cloud says now; `None`: it does not answer.
    pub memory_free_mib: Option<u64>,
}

/// Which of its targets a group comes up at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TargetChoice {
    pub group_id: Id,
    pub cloud_id: Id,
}
