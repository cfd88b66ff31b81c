//! Protection groups, their policy, and the state of replication.

use crate::{Id, Mapping, Millis, Transfer};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Group {
    pub id: Id,
    pub name: String,
    /// Where its machines run now; swaps with `recovery_site` after a failover.
    pub protected_site: String,
    pub recovery_site: String,
    pub target_cloud_id: Id,
    pub target_cloud: String,
    pub policy: Policy,
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
    pub paused: bool,
    /// Counts up with each change: send it back as `If-Match` and nobody else's change gets lost.
    #[serde(default)]
    pub version: i64,
    pub members: Vec<Member>,
    /// Where its machines are replicated to besides.
    #[serde(default)]
    pub further: Vec<Target>,
    pub created_at: Millis,
}

/// A further target of a group, with its own objective and retention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Target {
    pub id: Id,
    pub site: String,
    pub cloud_id: Id,
    pub cloud: String,
    pub policy: Policy,
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
    /// The same machines as the group's: what lies at this target of each.
    pub members: Vec<Member>,
}

/// Body of `POST /groups/{id}/targets`; `PUT /groups/{id}/targets/{target_id}` takes the same, with the same cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewTarget {
    pub cloud_id: Id,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub networks: Vec<Mapping>,
    #[serde(default)]
    pub storage: Vec<Mapping>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Policy {
    /// Objective: the newest recovery point is never older than this.
    pub rpo_seconds: u32,
    /// Keep at most this many recovery points of a machine …
    pub keep_points: u32,
    /// … and none older than this, except the newest.
    pub keep_hours: u32,
    /// Bytes per second for all members together; none = no limit.
    #[serde(default)]
    pub bandwidth: Option<u64>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { rpo_seconds: 60, keep_points: 12, keep_hours: 24, bandwidth: None }
    }
}

/// One machine under protection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Member {
    pub id: Id,
    pub group_id: Id,
    /// The copy that runs now.
    pub machine_id: Id,
    pub name: String,
    /// All copies of one machine share it.
    pub lineage: Id,
    pub replication: Replication,
    /// Something that a person must look at although data flow: its autostart could not be taken away …
    #[serde(default)]
    pub warning: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReplicationState {
    /// No cycle has begun yet.
    Waiting,
    InitialSync,
    /// Between or within delta syncs: protected.
    Replicating,
    /// The changed-block record was lost; a full pass repairs it. The earlier recovery points stay usable.
    Resync,
    Paused,
    /// The last cycle failed; tried again with growing pauses.
    Failing,
    /// Recovered at the other site; nothing flows until it is reprotected.
    Recovered,
}

impl ReplicationState {
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::InitialSync, Self::Replicating, Self::Resync, Self::Paused, Self::Failing, Self::Recovered];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::InitialSync => "initial_sync",
            Self::Replicating => "replicating",
            Self::Resync => "resync",
            Self::Paused => "paused",
            Self::Failing => "failing",
            Self::Recovered => "recovered",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == s)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Replication {
    pub state: ReplicationState,
    /// Instant of the newest committed recovery point; the lag is now minus this.
    pub newest_point_at: Option<Millis>,
    pub points: u32,
    /// Recovery points beside those that the target does not show now: a pool that is away, or somebody removed them.
    #[serde(default)]
    pub missing: u32,
    /// The transfer under way.
    pub transfer: Option<Transfer>,
    /// How long the last whole cycle took, ms, and how many bytes it carried.
    pub last_cycle_ms: Option<u64>,
    pub last_cycle_bytes: Option<u64>,
    pub last_error: Option<String>,
    pub error_since: Option<Millis>,
    pub next_try_at: Option<Millis>,
}

impl Replication {
    /// Age of the newest recovery point, ms; `None` before the first, and when a clock was set back and nobody can tell.
    pub fn lag_ms(&self, now: Millis) -> Option<i64> {
        self.newest_point_at.and_then(|t| crate::age(t, now))
    }
    /// Above the objective, unknown, or no recovery point at all.
    pub fn in_breach(&self, policy: &Policy, now: Millis) -> bool {
        self.state != ReplicationState::Recovered && self.lag_ms(now).is_none_or(|l| l > i64::from(policy.rpo_seconds) * 1000)
    }
}

/// Usable disk images at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoveryPoint {
    pub id: Id,
    pub member_id: Id,
    pub cloud_id: Id,
    /// Counts from 1 for each member.
    pub seq: i64,
    /// The latest instant whose disks it is known to show: moves on as long as nothing was written after it.
    pub taken_at: Millis,
    /// When it was durable at the target.
    pub committed_at: Millis,
    /// Everything, not only changes.
    pub full: bool,
    pub bytes: u64,
    /// Locked by a run: retention leaves it alone.
    pub held: bool,
    /// Since when its cloud does not show it; usable again when it does.
    #[serde(default)]
    pub missing_since: Option<Millis>,
}

/// Body of `POST /groups`; `PUT /groups/{id}` takes the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewGroup {
    pub name: String,
    pub protected_site: String,
    pub recovery_site: String,
    pub target_cloud_id: Id,
    #[serde(default)]
    pub policy: Policy,
    #[serde(default)]
    pub networks: Vec<Mapping>,
    #[serde(default)]
    pub storage: Vec<Mapping>,
    /// Machines to protect, by id.
    #[serde(default)]
    pub machine_ids: Vec<Id>,
}

/// `GET /groups/{id}/reprotect`: what it would take to protect the machines of a group, which were recovered at its
/// other site, in the other direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reprotection {
    /// Where the machines run now.
    pub from: String,
    pub to: String,
    pub target_cloud: String,
    pub machines: Vec<ReprotectMachine>,
    /// About so many are sent at first.
    pub bytes: u64,
    /// In this direction: the group's own the other way round.
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
    pub problems: Vec<crate::Problem>,
    /// Why it cannot be done now.
    pub refused: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReprotectMachine {
    pub member_id: Id,
    pub name: String,
    pub bytes: u64,
}
