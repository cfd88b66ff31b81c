//! Clouds: one managed control plane each, placed at a site.

use crate::{Id, Millis, Problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cloud {
    pub id: Id,
    pub name: String,
    /// The driver: `libvirt`, `simulator` …
    pub kind: String,
    pub site: String,
    /// Not a real cloud: every screen that shows it must say so.
    pub simulated: bool,
    pub status: CloudStatus,
    pub status_since: Millis,
    /// The cloud's own words when it is not well.
    pub message: Option<String>,
    /// When the last complete look succeeded.
    pub observed_at: Option<Millis>,
    /// When the next try comes, while it does not answer.
    pub retry_at: Option<Millis>,
    pub version: Option<String>,
    /// SHA-256 of the pinned server certificate, hex.
    pub fingerprint: Option<String>,
    pub capabilities: Vec<Capability>,
    pub capacity: Option<Capacity>,
    pub machines: u32,
    pub running: u32,
    /// The settings that are not secret, as entered.
    pub fields: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CloudStatus {
    /// Never seen yet.
    Connecting,
    Ok,
    /// Missed a look: what is shown is old, and says how old.
    Stale,
    /// Does not answer.
    Unreachable,
    /// Answers, but refuses: wrong credentials, certificate changed, unsupported version.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Changes arrive as events; no polling needed between full looks.
    Events,
    Power,
    /// Create from a recovery point, delete.
    Create,
    /// Consistent points of running machines, changed blocks.
    DiskSource,
    /// Recovery points can be kept here.
    DiskSink,
    LiveMigration,
    /// A stopped machine can be locked against start.
    StartLock,
    /// Addresses that the cloud points at machines: floating or elastic ones.
    FloatingAddress,
    FibreChannel,
    Console,
    GuestAgent,
}

/// Totals over the hosts of one cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Capacity {
    pub cpus: u32,
    pub memory_mib: u64,
    /// Free memory as the cloud reports it.
    pub memory_free_mib: u64,
    pub storage_bytes: u64,
    pub storage_free_bytes: u64,
}

/// What a driver asks for, so that a form can be drawn from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DriverInfo {
    pub kind: String,
    pub title: String,
    pub about: String,
    pub simulated: bool,
    pub fields: Vec<FieldSpec>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldSpec {
    pub name: String,
    pub label: String,
    pub help: String,
    pub input: FieldInput,
    pub required: bool,
    #[serde(default)]
    pub default: Option<String>,
    #[serde(default)]
    pub example: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum FieldInput {
    Text,
    /// Several lines: a certificate.
    LongText,
    /// Kept encrypted, never sent back.
    Secret,
    /// Several lines that are secret: a private key.
    LongSecret,
    Number,
    Switch,
    Choice {
        options: Vec<String>,
    },
}

impl FieldInput {
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::Secret | Self::LongSecret)
    }
}

/// Body of `POST /clouds`, `PUT /clouds/{id}` and of the probes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewCloud {
    pub name: String,
    pub kind: String,
    pub site: String,
    /// By [`FieldSpec::name`].
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// The fingerprint that the administrator saw and accepted; pinned. Left out of a change: the one that is pinned stays.
    #[serde(default)]
    pub fingerprint: Option<String>,
}

/// What a probe found; nothing was saved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProbeReport {
    /// Connected and usable.
    pub ok: bool,
    /// As whom we are connected.
    pub identity: Option<String>,
    pub host: Option<String>,
    /// What the control plane is known by, whatever address it was reached at.
    #[serde(default)]
    pub host_id: Option<String>,
    pub version: Option<String>,
    /// Of the certificate that the server shows; also when that is why it was refused.
    pub fingerprint: Option<String>,
    pub capabilities: Vec<Capability>,
    pub machines: Option<u32>,
    pub problems: Vec<Problem>,
}

/// `GET /clouds/{id}/resources`: what machines can be put on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Resources {
    pub observed_at: Millis,
    pub hosts: Vec<Host>,
    pub networks: Vec<Network>,
    pub pools: Vec<Pool>,
    pub hbas: Vec<Hba>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Host {
    pub name: String,
    pub cpus: u32,
    pub cpu_model: String,
    pub memory_mib: u64,
    pub memory_free_mib: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Network {
    pub name: String,
    pub active: bool,
    /// `bridge`, `nat`, `routed`, `isolated`, `vlan` …
    pub kind: String,
    pub bridge: Option<String>,
    pub cidr: Option<String>,
    pub vlan: Option<u16>,
}

/// A place for disks: storage pool, datastore, volume type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pool {
    pub name: String,
    pub active: bool,
    pub kind: String,
    pub path: Option<String>,
    pub total_bytes: u64,
    pub free_bytes: u64,
}

/// A Fibre Channel host bus adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hba {
    pub name: String,
    pub wwnn: String,
    pub wwpn: String,
    pub fabric_wwn: Option<String>,
    /// Creates virtual ports (NPIV).
    pub vports: bool,
}

/// How often a node asked a cloud's API, each request counted as it is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Requests {
    /// When this node opened the cloud: the totals begin there.
    pub since: Millis,
    pub total: u64,
    /// In the last 60 minutes.
    pub last_hour: u64,
    /// By service and kind.
    pub counts: Vec<RequestCount>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RequestCount {
    /// The part of the cloud that was asked: `compute`, `image` …
    pub service: String,
    /// The method of HTTP, or the operation where all have the same.
    pub kind: String,
    pub total: u64,
    pub last_hour: u64,
}
