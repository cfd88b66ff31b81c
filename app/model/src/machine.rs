//! Machines in normalised form; the cloud's own fields are kept beside in `native`.

use crate::{Id, Millis, cloud::CloudStatus};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PowerState {
    Running,
    Paused,
    Suspended,
    ShuttingDown,
    Stopped,
    Crashed,
    Unknown,
}

impl PowerState {
    pub const ALL: [Self; 7] =
        [Self::Running, Self::Paused, Self::Suspended, Self::ShuttingDown, Self::Stopped, Self::Crashed, Self::Unknown];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Suspended => "suspended",
            Self::ShuttingDown => "shutting_down",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
            Self::Unknown => "unknown",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == s)
    }
    /// May it be writing to its disks or answering on its addresses? Only `Stopped` and `Crashed` are surely no.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Stopped | Self::Crashed | Self::Unknown)
    }
    pub fn is_off(self) -> bool {
        matches!(self, Self::Stopped | Self::Crashed)
    }
}

/// What one copy of a machine is to the others of the same lineage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CopyRole {
    /// The copy that should run.
    Active,
    /// Being built by a run; must not be started by hand.
    Incoming,
    /// Replaced by the active copy: must stay stopped.
    Superseded,
}

impl CopyRole {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Incoming => "incoming",
            Self::Superseded => "superseded",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        [Self::Active, Self::Incoming, Self::Superseded].into_iter().find(|r| r.as_str() == s)
    }
}

/// Why a machine counts as failed: what ends it by itself, or takes it out of reach. `None`: it has not.
pub fn failed(state: PowerState, cloud_status: CloudStatus, cloud: &str) -> Option<String> {
    match (cloud_status, state) {
        (CloudStatus::Unreachable, _) => Some(format!("{cloud} does not answer.")),
        (CloudStatus::Ok | CloudStatus::Stale, PowerState::Crashed) => Some("It has crashed.".into()),
        (CloudStatus::Ok | CloudStatus::Stale, PowerState::Paused) => {
            Some(format!("It is paused at {cloud}: if nobody meant that, its disks could not be written."))
        }
        _ => None,
    }
}

/// One row of the Machines page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineRow {
    pub id: Id,
    pub name: String,
    pub site: String,
    pub cloud_id: Id,
    pub cloud: String,
    /// How the cloud answers now: when it does not, `state` is the last known one.
    pub cloud_status: CloudStatus,
    pub simulated: bool,
    pub state: PowerState,
    pub vcpus: u32,
    pub memory_mib: u64,
    pub disk_bytes: u64,
    pub addresses: Vec<String>,
    pub tags: Vec<String>,
    pub role: Option<CopyRole>,
    /// More than one copy of this machine was observed running.
    pub split_brain: bool,
    pub protection: Option<RowProtection>,
    /// The run that works on it now.
    pub run_id: Option<Id>,
    pub observed_at: Millis,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RowProtection {
    pub group_id: Id,
    pub group: String,
    pub state: crate::protection::ReplicationState,
    pub rpo_seconds: u32,
    pub newest_point_at: Option<Millis>,
}

/// `GET /machines/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Machine {
    #[serde(flatten)]
    pub row: MachineRow,
    /// The cloud's own identifier.
    pub native_id: String,
    pub title: Option<String>,
    pub firmware: Firmware,
    pub arch: Option<String>,
    pub guest_os: Option<String>,
    /// Starts with its host. `None` where the cloud has no such notion.
    pub autostart: Option<bool>,
    pub disks: Vec<Disk>,
    pub nics: Vec<Nic>,
    /// Seen gone from its cloud at this time; kept for the record.
    pub gone_at: Option<Millis>,
    pub lineage: Option<Id>,
    /// The other copies of this machine, wherever they are.
    pub copies: Vec<Copy>,
    pub locked: Option<String>,
    pub native: serde_json::Value,
    /// What can be done with it now; an action that cannot carries the reason.
    pub actions: Vec<Action>,
}

/// Something that can be done, or why it cannot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Action {
    /// `start`, `stop`, `power_off`, `reset`, `move`, `recover`, `protect`, `unprotect`.
    pub name: String,
    pub refused: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Copy {
    pub machine_id: Id,
    pub site: String,
    pub cloud: String,
    pub role: CopyRole,
    pub state: PowerState,
    pub since: Millis,
    /// The run that gave it this role.
    pub run_id: Option<Id>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    #[default]
    Bios,
    Uefi,
    /// The hypervisor loads a kernel from its own file system.
    DirectKernel,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disk {
    /// Stable within the machine: `vda`, `scsi0:0`.
    pub key: String,
    /// `virtio`, `scsi`, `sata`, `ide`, `nvme` …
    pub bus: String,
    pub size_bytes: u64,
    /// Really occupied at the cloud, where known.
    pub allocated_bytes: Option<u64>,
    pub format: Option<String>,
    pub source: Option<String>,
    pub pool: Option<String>,
    /// `disk`, `cdrom`, `floppy`, `lun`.
    pub device: String,
    pub read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Nic {
    pub mac: String,
    pub model: Option<String>,
    pub network: Option<String>,
    pub addresses: Vec<String>,
    /// Where the addresses come from: `agent`, `lease`, `arp`, `configured`.
    pub address_source: Option<String>,
}

/// Body of `POST /machines/{id}/power`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum PowerAction {
    Start,
    /// Graceful.
    Stop,
    /// Hard.
    PowerOff,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PowerRequest {
    pub action: PowerAction,
}

/// Body of `POST /machines/{id}/remove-copy`: the machine's name, typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Confirmed {
    pub confirm: String,
}
