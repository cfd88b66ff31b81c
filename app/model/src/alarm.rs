//! Conditions that somebody should know of, as long as they last.

use crate::{Id, Millis, Severity};
use serde::{Deserialize, Serialize};

/// The clock of the node jumped, and nobody took it back or said that it is right: the one alarm that is acknowledged.
pub const CLOCK_UNSETTLED: &str = "clock_unsettled";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alarm {
    /// Derived from kind and subject: the same condition keeps its identifier.
    pub id: Id,
    /// `split_brain`, `site_down`, `cloud_unreachable`, `cloud_refused`, `rpo_breach`, `replication_failing`,
    /// `superseded_running`, `autostart_on_copy`, `own_network`, `clock_jump`, `clock_unsettled`, `store_full`, `disk_low`.
    pub kind: String,
    pub severity: Severity,
    pub subject: String,
    pub site: Option<String>,
    pub message: String,
    pub since: Millis,
    /// Where on the console it is dealt with.
    pub link: Option<String>,
}
