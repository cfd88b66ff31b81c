//! A state as a shape, a colour and a word: the colour is never the only signal.

use leptos::prelude::*;
use model::{
    Severity,
    cloud::CloudStatus,
    machine::{CopyRole, PowerState},
    overview::SiteStatus,
    placement::Verdict,
    protection::ReplicationState,
    run::{RunState, StepState},
};

/// Each has a shape of its own, see [`shape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    /// Something is under way.
    Busy,
    Warn,
    Bad,
    /// At rest, on purpose.
    Idle,
}

impl Tone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Busy => "busy",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Idle => "idle",
        }
    }
}

/// Disc, ring with a gap, triangle, square with a cross, hollow ring.
fn shape(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2z",
        Tone::Busy => "M8 1a7 7 0 0 1 7 7h-3a4 4 0 1 0-4 4v3A7 7 0 0 1 8 1z",
        Tone::Warn => "M8 1.5 15.5 14.5H.5z",
        Tone::Bad => "M2 2h12v12H2zM5.2 4 4 5.2 6.8 8 4 10.8 5.2 12 8 9.2l2.8 2.8 1.2-1.2L9.2 8 12 5.2 10.8 4 8 6.8z",
        Tone::Idle => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
    }
}

/// Words and shape in one line.
#[component]
pub fn Status(#[prop(into)] tone: Signal<Tone>, #[prop(into)] label: Signal<String>) -> impl IntoView {
    view! {
        <span class="status" data-tone=move || tone.get().as_str()>
            <svg class="status-shape" viewBox="0 0 16 16" aria-hidden="true">
                <path fill-rule="evenodd" d=move || shape(tone.get())></path>
            </svg>
            <span class="status-word">{label}</span>
        </span>
    }
}

/// A state as it is now: `{status::of(run.state)}`.
pub fn of(state: impl Shown) -> impl IntoView {
    view! { <Status tone=state.tone() label=state.word()/> }
}

/// A state that changes: `<StatusOf<RunState> of=signal/>`.
#[component]
pub fn StatusOf<S: Shown + Copy + Send + Sync + 'static>(#[prop(into)] of: Signal<S>) -> impl IntoView {
    view! { <Status tone=Signal::derive(move || of.get().tone()) label=Signal::derive(move || of.get().word().to_owned())/> }
}

pub trait Shown {
    fn tone(&self) -> Tone;
    fn word(&self) -> &'static str;
}

impl Shown for PowerState {
    fn tone(&self) -> Tone {
        match self {
            Self::Running => Tone::Good,
            Self::ShuttingDown => Tone::Busy,
            Self::Paused | Self::Suspended | Self::Unknown => Tone::Warn,
            Self::Stopped => Tone::Idle,
            Self::Crashed => Tone::Bad,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Running => "Running",
            Self::Paused => "Paused",
            Self::Suspended => "Suspended",
            Self::ShuttingDown => "Shutting down",
            Self::Stopped => "Stopped",
            Self::Crashed => "Crashed",
            Self::Unknown => "Unknown",
        }
    }
}

impl Shown for CloudStatus {
    fn tone(&self) -> Tone {
        match self {
            Self::Connecting => Tone::Busy,
            Self::Ok => Tone::Good,
            Self::Stale => Tone::Warn,
            Self::Unreachable | Self::Refused => Tone::Bad,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Connecting => "Connecting",
            Self::Ok => "Answers",
            Self::Stale => "Stale",
            Self::Unreachable => "Does not answer",
            Self::Refused => "Refuses us",
        }
    }
}

impl Shown for Verdict {
    fn tone(&self) -> Tone {
        match self {
            Self::Can => Tone::Good,
            Self::CanWithWarnings => Tone::Warn,
            Self::Unknown => Tone::Idle,
            Self::Cannot => Tone::Bad,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Can => "Can run it",
            Self::CanWithWarnings => "Can, with warnings",
            Self::Unknown => "Not known now",
            Self::Cannot => "Cannot run it",
        }
    }
}

impl Shown for SiteStatus {
    fn tone(&self) -> Tone {
        match self {
            Self::Ok => Tone::Good,
            Self::Degraded => Tone::Warn,
            Self::Down => Tone::Bad,
            Self::Unknown => Tone::Idle,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Ok => "Up",
            Self::Degraded => "Degraded",
            Self::Down => "DOWN",
            Self::Unknown => "Not seen yet",
        }
    }
}

impl Shown for ReplicationState {
    fn tone(&self) -> Tone {
        match self {
            Self::Replicating => Tone::Good,
            Self::Waiting | Self::InitialSync | Self::Resync => Tone::Busy,
            Self::Paused => Tone::Warn,
            Self::Failing => Tone::Bad,
            Self::Recovered => Tone::Idle,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::InitialSync => "Initial sync",
            Self::Replicating => "Replicating",
            Self::Resync => "Resync",
            Self::Paused => "Paused",
            Self::Failing => "Failing",
            Self::Recovered => "Recovered",
        }
    }
}

impl Shown for RunState {
    fn tone(&self) -> Tone {
        match self {
            Self::Queued | Self::Running | Self::Cancelling => Tone::Busy,
            Self::Waiting | Self::Paused | Self::SucceededWithErrors => Tone::Warn,
            Self::Succeeded => Tone::Good,
            Self::Failed => Tone::Bad,
            Self::Cancelled => Tone::Idle,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Running => "Running",
            Self::Waiting => "Waits for you",
            Self::Paused => "Paused",
            Self::Cancelling => "Cancelling",
            Self::Succeeded => "Succeeded",
            Self::SucceededWithErrors => "Succeeded with errors",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl Shown for StepState {
    fn tone(&self) -> Tone {
        match self {
            Self::Pending | Self::Cancelled | Self::Skipped => Tone::Idle,
            Self::Running => Tone::Busy,
            Self::Waiting => Tone::Warn,
            Self::Succeeded => Tone::Good,
            Self::Failed => Tone::Bad,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Waiting => "Waits for you",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl Shown for Severity {
    fn tone(&self) -> Tone {
        match self {
            Self::Info => Tone::Idle,
            Self::Warning => Tone::Warn,
            Self::Critical => Tone::Bad,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Info => "Note",
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }
}

impl Shown for CopyRole {
    fn tone(&self) -> Tone {
        match self {
            Self::Active => Tone::Good,
            Self::Incoming => Tone::Busy,
            Self::Superseded => Tone::Idle,
        }
    }
    fn word(&self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Incoming => "Incoming",
            Self::Superseded => "Superseded",
        }
    }
}
