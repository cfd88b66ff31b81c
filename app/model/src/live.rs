//! The change feed: one SSE stream per tab.

use crate::Id;
use serde::{Deserialize, Serialize};

/// `seq` is also the SSE event id. After a gap the server sends [`Topic::Reset`]: read everything again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LiveEvent {
    pub seq: u64,
    pub topic: Topic,
    /// Of the object that changed.
    pub id: Id,
    /// The object as it is now, where it is small: `MachineRow`, `Cloud`, `Member`, `Run`, `Step` (id = run id), `RunEvent`, `Alarm`.
    /// `null` with the object gone.
    pub data: serde_json::Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// The stream begins; `data` is `{"epoch": "<node start>"}`.
    Hello,
    Reset,
    Machine,
    /// Many machines at once: read the list again. `id` is the cloud.
    Machines,
    Cloud,
    Group,
    Member,
    Plan,
    Run,
    Step,
    RunEvent,
    Alarm,
    Audit,
}
