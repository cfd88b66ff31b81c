//! Everything at a glance: the Overview page and the wallboard.

use crate::{Id, Millis, alarm::Alarm, cloud::CloudStatus, run::Run};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overview {
    /// The node's clock when this was read.
    pub at: Millis,
    pub sites: Vec<SiteView>,
    pub totals: Totals,
    /// Worst first.
    pub alarms: Vec<Alarm>,
    /// Under way, and those that ended in the last hour.
    pub runs: Vec<Run>,
    pub simulated: bool,
    /// All clouds failed at once: the console suspects its own network.
    pub own_network_suspect: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SiteView {
    pub name: String,
    pub status: SiteStatus,
    pub since: Millis,
    pub clouds: Vec<SiteCloud>,
    pub totals: Totals,
    /// Oldest look among its clouds.
    pub observed_at: Option<Millis>,
    /// Plans that protect it: what Fail over site would run.
    pub plans: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SiteStatus {
    Ok,
    /// Some of its clouds do not answer, or what is shown is old.
    Degraded,
    /// None of its clouds answers.
    Down,
    /// Not seen yet.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SiteCloud {
    pub id: Id,
    pub name: String,
    pub kind: String,
    pub status: CloudStatus,
    pub observed_at: Option<Millis>,
    pub simulated: bool,
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Totals {
    pub machines: u32,
    pub running: u32,
    /// Ran when last seen, in a cloud that does not answer now: neither up nor down.
    #[serde(default)]
    pub unseen: u32,
    /// Not running, and not meant to be: superseded copies.
    pub superseded: u32,
    /// Under protection and active here.
    pub protected: u32,
    pub in_breach: u32,
    /// Oldest newest-recovery-point among the protected, ms; the lag against the tightest objective.
    pub worst_lag_ms: Option<i64>,
    /// Objective of that worst one, seconds.
    pub worst_rpo_seconds: Option<u32>,
    pub vcpus: u32,
    pub memory_mib: u64,
}
