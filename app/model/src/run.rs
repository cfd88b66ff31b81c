//! Runs: one execution of a plan or of a move, as durable rows.

use crate::{Id, Mapping, Millis, Problem, Transfer, plan::HealthCheck};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Planned move of one machine.
    Move,
    /// Unplanned: the source may be lost.
    Failover,
}

impl RunKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Failover => "failover",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        [Self::Move, Self::Failover].into_iter().find(|k| k.as_str() == s)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Written down, not yet taken by a node.
    Queued,
    Running,
    /// Waits for a person: a prompt, or a failed step that only a person can decide.
    Waiting,
    Paused,
    Cancelling,
    Succeeded,
    SucceededWithErrors,
    Failed,
    Cancelled,
}

impl RunState {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::Paused,
        Self::Cancelling,
        Self::Succeeded,
        Self::SucceededWithErrors,
        Self::Failed,
        Self::Cancelled,
    ];
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Cancelling => "cancelling",
            Self::Succeeded => "succeeded",
            Self::SucceededWithErrors => "succeeded_with_errors",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == s)
    }
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::SucceededWithErrors | Self::Failed | Self::Cancelled)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Run {
    pub id: Id,
    pub kind: RunKind,
    pub title: String,
    /// The site (failover) or the machine (move).
    pub subject: String,
    pub state: RunState,
    pub created_by: String,
    pub created_at: Millis,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    /// Which node drives it.
    pub owner: Option<String>,
    pub epoch: i64,
    pub steps_total: u32,
    pub steps_done: u32,
    /// Why it waits, failed or ended with errors.
    pub message: Option<String>,
    pub outcome: Option<Outcome>,
}

/// What was observed, not what was promised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Outcome {
    /// Recovery time: from the start of the run to the last machine's first good health answer, ms.
    pub rta_ms: Option<u64>,
    /// Worst data loss over the machines: from its recovery point to the last moment the source was seen alive, ms.
    pub rpa_ms: Option<u64>,
    /// Planned moves: how long the machine did not answer, ms.
    pub downtime_ms: Option<u64>,
    pub bytes: Option<u64>,
    pub machines: Vec<MachineOutcome>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineOutcome {
    pub name: String,
    pub recovered: bool,
    /// From the start of the run to its first good health answer, ms.
    pub rta_ms: Option<u64>,
    pub rpa_ms: Option<u64>,
    pub point_taken_at: Option<Millis>,
    pub message: Option<String>,
}

/// `GET /runs/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunDetail {
    #[serde(flatten)]
    pub run: Run,
    pub steps: Vec<Step>,
    /// The newest lines of its log, oldest first.
    pub events: Vec<RunEvent>,
    /// How many lines came before them: see `GET /runs/{id}/events`.
    #[serde(default)]
    pub earlier_events: u64,
    /// What can be commanded now; a command that cannot carries the reason.
    pub actions: Vec<crate::machine::Action>,
    /// What could not be proved before the start, and the typed statement that stood in for it.
    pub statement: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Pending,
    Running,
    /// A prompt that nobody has answered yet.
    Waiting,
    Succeeded,
    Failed,
    Skipped,
    Cancelled,
}

impl StepState {
    pub const ALL: [Self; 7] = [Self::Pending, Self::Running, Self::Waiting, Self::Succeeded, Self::Failed, Self::Skipped, Self::Cancelled];
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == s)
    }
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped | Self::Cancelled)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Step {
    /// Unique in the run and stable over retries: `db1.create`.
    pub key: String,
    /// The built-in: `stop_source`, `create`, `start`, `health`, `steer`, `prompt`, `script` …
    pub kind: String,
    pub title: String,
    /// The machine it is about.
    pub machine: Option<String>,
    /// Priority group 1..=5; 0 before all, 6 after all.
    pub priority: u8,
    pub state: StepState,
    pub attempt: u32,
    pub started_at: Option<Millis>,
    pub finished_at: Option<Millis>,
    /// What was observed, or what went wrong and what to do.
    pub message: Option<String>,
    pub transfer: Option<Transfer>,
    /// Must have succeeded before.
    pub needs: Vec<String>,
    /// Must be over before, whichever way.
    pub after: Vec<String>,
    /// From here on the target takes over: cancelling is no longer possible.
    pub cutover: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunEvent {
    pub seq: i64,
    pub run_id: Id,
    pub step: Option<String>,
    pub at: Millis,
    pub severity: crate::Severity,
    pub text: String,
}

/// Body of `POST /runs/{id}/commands`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "command")]
pub enum RunCommand {
    Pause,
    Resume,
    Cancel,
    RetryStep { step: String },
    SkipStep { step: String, reason: String },
    Answer { step: String, proceed: bool, comment: String },
}

/// Body of `POST /moves` and `POST /moves/preflight`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoveRequest {
    pub machine_id: Id,
    pub target_cloud_id: Id,
    #[serde(default)]
    pub mode: MoveMode,
    #[serde(default)]
    pub networks: Vec<Mapping>,
    #[serde(default)]
    pub storage: Vec<Mapping>,
    #[serde(default)]
    pub health: HealthCheck,
    /// Graceful shutdown for so long, then hard.
    #[serde(default = "a_minute")]
    pub stop_timeout_seconds: u32,
    /// Service addresses (IPv4) that move with it.
    #[serde(default)]
    pub service_addresses: Vec<String>,
    /// The source is kept, stopped and locked, for so long.
    #[serde(default = "a_day")]
    pub keep_source_hours: u32,
    /// An older recovery point at the target instead of the last changes: what was written after it is given up.
    #[serde(default)]
    pub point_id: Option<Id>,
    /// Whether virt-v2v puts the drivers of the target into its disks on the way.
    #[serde(default)]
    pub conversion: Convert,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Convert {
    /// Where its virtual hardware becomes QEMU's and virt-v2v is installed.
    #[default]
    Auto,
    Never,
    /// Or the move does not begin.
    Always,
}

fn a_minute() -> u32 {
    60
}
fn a_day() -> u32 {
    24
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum MoveMode {
    /// Warm where the source can, else cold.
    #[default]
    Auto,
    /// Copy while it runs, stop briefly.
    Warm,
    /// Stop, copy, start.
    Cold,
    /// Running, with memory; both ends must be able to.
    Live,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MovePreflight {
    pub machine: String,
    pub target: String,
    /// What `Auto` comes to.
    pub mode: MoveMode,
    /// Bytes to send, about.
    pub bytes: u64,
    /// The drivers of the target are put in on the way; the problems say about how long that takes.
    #[serde(default)]
    pub convert: bool,
    pub problems: Vec<Problem>,
    /// The mappings that would be used.
    pub networks: Vec<Mapping>,
    pub storage: Vec<Mapping>,
    pub service_addresses: Vec<String>,
}

/// `GET /sites/{site}/failover`: what one press would do, before it is pressed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlastRadius {
    pub site: String,
    /// Does any cloud of the site still answer?
    pub site_answers: bool,
    pub machines: Vec<BlastMachine>,
    /// Machines at the site that no plan covers: they will be lost.
    pub unprotected: Vec<String>,
    pub addresses: Vec<String>,
    pub problems: Vec<Problem>,
    /// Must be typed exactly: the site's name.
    pub confirm: String,
    /// When the stop of the source cannot be proved: this must be typed as well.
    pub statement: Option<String>,
    /// Forecast of the recovery time, ms, from earlier runs or from the plan's size.
    pub forecast_rto_ms: Option<u64>,
    /// Where each group would come up, and where it could.
    #[serde(default)]
    pub targets: Vec<crate::failover::GroupTargets>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlastMachine {
    pub member_id: Id,
    pub name: String,
    pub plan: String,
    pub priority: u8,
    pub state: crate::machine::PowerState,
    /// `false`: it was off when it was last seen, so it is made there and left off.
    pub starts: bool,
    pub newest_point_at: Option<Millis>,
    pub rpo_seconds: u32,
    pub target_cloud: String,
    pub addresses: Vec<String>,
}

/// Body of `POST /sites/{site}/failover`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailoverRequest {
    pub confirm: String,
    #[serde(default)]
    pub statement: Option<String>,
    /// Only these plans; empty = every plan whose protected site it is.
    #[serde(default)]
    pub plan_ids: Vec<Id>,
    /// Machines that come up from an older recovery point; all others from the newest.
    #[serde(default)]
    pub points: Vec<PointChoice>,
    /// Groups that are to come up at another of their targets than the main one.
    #[serde(default)]
    pub targets: Vec<crate::failover::TargetChoice>,
    /// Fill the targets one after the other: a group that finds no room at its main one goes to the next.
    #[serde(default)]
    pub spread: bool,
}

/// An older recovery point: after an attack the newest may hold the damage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PointChoice {
    pub member_id: Id,
    pub point_id: Id,
}
