//! Recover elsewhere: a machine that failed comes up from its newest recovery point at another cloud.

use crate::{Id, Problem, placement::Place, protection::RecoveryPoint};
use serde::{Deserialize, Serialize};

/// `GET /machines/{id}/recover`: what it would be, before it is started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Recovery {
    pub machine_id: Id,
    pub machine: String,
    pub cloud: String,
    pub site: String,
    /// What is wrong with it.
    pub failed: String,
    /// Its cloud answers: it is stopped there first, and what it wrote last can be copied if its disks can be read.
    pub source_answers: bool,
    pub point: RecoveryPoint,
    /// Every other cloud, the one that it can be recovered at first.
    pub rows: Vec<Place>,
    pub best: Option<String>,
    pub problems: Vec<Problem>,
    /// Must be typed exactly: the machine's name.
    pub confirm: String,
    /// When it cannot be proved that it is off: this must be typed as well.
    pub statement: Option<String>,
}

/// Body of `POST /machines/{id}/recover`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecoverRequest {
    pub confirm: String,
    #[serde(default)]
    pub statement: Option<String>,
    /// Left out: the cloud that keeps its recovery points.
    #[serde(default)]
    pub target_cloud_id: Option<Id>,
    /// Exactly this recovery point. Left out: what it wrote last is copied first where its cloud answers, else the newest.
    #[serde(default)]
    pub point_id: Option<Id>,
}
