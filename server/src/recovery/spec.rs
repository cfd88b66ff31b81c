//! What a run is about, frozen when it starts: later changes of groups and plans do not touch it.

use super::schedule::OnError;
use model::{Id, Mapping, Millis, plan::HealthCheck};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunSpec {
    pub subjects: Vec<Subject>,
    /// Failover: the site that is given up.
    #[serde(default)]
    pub site: Option<String>,
    #[serde(default)]
    pub plan_ids: Vec<Id>,
    /// Groups whose sites swap when all their members have been recovered.
    #[serde(default)]
    pub group_ids: Vec<Id>,
}

impl RunSpec {
    pub fn subject(&self, label: &str) -> Option<&Subject> {
        self.subjects.iter().find(|s| s.label == label)
    }
}

/// One machine of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The machine's name, made unique in the run: the first part of its steps' keys.
    pub label: String,
    pub name: String,
    /// Known from the start for a protected machine; a move of an unprotected one gets it in its first step.
    pub member_id: Option<Id>,
    pub lineage: Option<Id>,
    pub machine_id: Id,
    pub source: Place,
    pub target: Place,
    #[serde(default)]
    pub networks: Vec<Mapping>,
    #[serde(default)]
    pub storage: Vec<Mapping>,
    pub was_running: bool,
    /// The recovery point that somebody chose; the newest where nobody did.
    #[serde(default)]
    pub point_id: Option<Id>,
    /// The last moment at which its cloud was seen to answer before the run.
    pub seen_at: Option<Millis>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub cloud_id: Id,
    /// The cloud's name.
    pub cloud: String,
    pub site: String,
    /// Empty where the machine is yet to be made.
    #[serde(default)]
    pub native_id: String,
}

/// What a step does. Written with the step; its `kind` is the name of the file in `steps/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Action {
    HoldReplication,
    /// `older_ok`: when it fails, somebody may decide to go on from the older recovery point.
    Sync {
        phase: Phase,
        #[serde(default)]
        older_ok: bool,
    },
    Ready,
    SetAside,
    StopSource {
        grace_seconds: u32,
        unproved_ok: bool,
    },
    Convert {
        timeout_seconds: u32,
    },
    Create,
    CatchUp,
    Migrate,
    Promote,
    Start,
    Health {
        check: HealthCheck,
        timeout_seconds: u32,
    },
    Compare,
    Steer {
        address: String,
        mechanism: String,
        probe: HealthCheck,
        #[serde(default)]
        network: Option<String>,
    },
    PutBack {
        grace_seconds: u32,
    },
    LockSource,
    CleanupSource {
        keep_hours: u32,
    },
    Delay {
        seconds: u32,
    },
    Prompt {
        question: String,
    },
    Script {
        program: String,
        args: Vec<String>,
        timeout_seconds: u32,
    },
    Finish,
    UndoTarget,
    UndoConvert,
    UndoSource {
        grace_seconds: u32,
    },
    UndoMigrate,
    UndoReplication,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Initial,
    /// Again and again, until what is left is small.
    Delta,
    /// The machine is off: after this the target has everything.
    Final,
}

impl Action {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HoldReplication => "hold_replication",
            Self::Sync { .. } => "sync",
            Self::Ready => "ready",
            Self::SetAside => "set_aside",
            Self::CatchUp => "catch_up",
            Self::PutBack { .. } => "put_back",
            Self::StopSource { .. } => "stop_source",
            Self::Convert { .. } => "convert",
            Self::Create => "create",
            Self::Migrate => "migrate",
            Self::Promote => "promote",
            Self::Start => "start",
            Self::Health { .. } => "health",
            Self::Compare => "compare",
            Self::Steer { .. } => "steer",
            Self::LockSource => "lock_source",
            Self::CleanupSource { .. } => "cleanup_source",
            Self::Delay { .. } => "delay",
            Self::Prompt { .. } => "prompt",
            Self::Script { .. } => "script",
            Self::Finish => "finish",
            Self::UndoTarget => "undo_target",
            Self::UndoConvert => "undo_convert",
            Self::UndoSource { .. } => "undo_source",
            Self::UndoMigrate => "undo_migrate",
            Self::UndoReplication => "undo_replication",
        }
    }

    /// May a person decide that the run goes on without it? Not where what follows would be wrong or unsafe.
    pub fn may_be_skipped(&self) -> bool {
        match self {
            Self::Sync { phase, older_ok } => *phase == Phase::Delta || *older_ok,
            Self::Convert { .. } | Self::CatchUp | Self::PutBack { .. } => true,
            Self::Health { .. } | Self::Compare | Self::Steer { .. } | Self::LockSource | Self::CleanupSource { .. } => true,
            Self::Delay { .. } | Self::Prompt { .. } | Self::Script { .. } => true,
            Self::UndoTarget | Self::UndoConvert | Self::UndoSource { .. } | Self::UndoReplication => true,
            _ => false,
        }
    }

    /// From here on the target takes over. A live migration is not: until it has arrived the source runs on.
    pub fn is_cutover(&self) -> bool {
        matches!(self, Self::Promote)
    }
}

/// A step before it is written down.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub key: String,
    pub title: String,
    pub machine: Option<String>,
    pub priority: u8,
    pub action: Action,
    pub on_error: OnError,
    pub needs: Vec<String>,
    pub after: Vec<String>,
}

/// What steps observe and hand on: to later attempts (as a handle), to later steps and to the outcome (as a result).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Id>,
    /// The source was asked to go down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_off_at: Option<Millis>,
    /// The source was seen off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off_at: Option<Millis>,
    /// `false`: its cloud did not answer, a typed statement stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proved: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The recovery point that a conversion makes, chosen before it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub converted: Option<Id>,
    /// At the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub native_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_at: Option<Millis>,
    /// Cancelled too late: it runs at this cloud now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived: Option<String>,
    /// First good answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub well_at: Option<Millis>,
    /// The source, which this run had stopped, was started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_back_at: Option<Millis>,
    /// It ended well, and yet somebody must look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

macro_rules! merge {
    ($into:expr, $from:expr, $($field:ident),*) => { $( if $from.$field.is_some() { $into.$field = $from.$field.clone(); } )* };
}

impl Facts {
    /// Takes over what `other` knows; bytes are added up by the caller where that is meant.
    pub fn merge(&mut self, other: &Self) {
        merge!(
            self,
            other,
            member_id,
            lineage,
            asked_off_at,
            off_at,
            proved,
            point_id,
            taken_at,
            bytes,
            converted,
            native_id,
            machine_id,
            began_at,
            running_at,
            arrived,
            well_at,
            put_back_at,
            warning
        );
    }
}
