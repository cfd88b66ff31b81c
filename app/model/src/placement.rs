//! Where can it run: a machine or a group against every other cloud, and what it would take.

use crate::{Id, Millis, Problem, cloud::CloudStatus, prices::Money, run::MoveMode};
use serde::{Deserialize, Serialize};

/// The best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Can,
    /// Somebody should read what it says first.
    CanWithWarnings,
    /// It could not be found out now.
    Unknown,
    Cannot,
}

impl Verdict {
    pub fn is_possible(self) -> bool {
        matches!(self, Self::Can | Self::CanWithWarnings)
    }
    /// In a few words.
    pub fn short(self) -> &'static str {
        match self {
            Self::Can => "can run it",
            Self::CanWithWarnings => "can run it, with warnings",
            Self::Unknown => "not known now",
            Self::Cannot => "cannot run it",
        }
    }
}

/// `GET /machines/{id}/placement`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Placement {
    pub machine_id: Id,
    pub machine: String,
    /// Where it is now.
    pub cloud_id: Id,
    pub cloud: String,
    pub site: String,
    /// When all were asked.
    pub asked_at: Millis,
    /// What stands against a move of this machine, wherever it would go.
    pub problems: Vec<Problem>,
    /// What it costs where it is.
    pub month_here: Cost,
    /// Every other cloud, the best first.
    pub rows: Vec<Place>,
    /// Why the first one is the best; `None`: it can run at none of them.
    pub best: Option<String>,
}

/// One cloud, for one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Place {
    pub at: PlaceCloud,
    pub verdict: Verdict,
    /// What stands against it, and what to know, each with what to do.
    pub findings: Vec<Problem>,
    /// What becomes of its hardware there.
    pub conversion: Vec<Conversion>,
    /// How it can be moved there, as it is now.
    pub modes: Vec<MoveMode>,
    /// About so many are to be sent; `None`: not known.
    pub bytes: Option<u64>,
    /// Of the newest recovery point that lies there already.
    pub point_at: Option<Millis>,
    pub estimate: Estimate,
    pub cost: PlaceCost,
}

/// A cloud, and how old is what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlaceCloud {
    pub cloud_id: Id,
    pub cloud: String,
    pub site: String,
    pub kind: String,
    pub simulated: bool,
    pub status: CloudStatus,
    /// When the last complete look at it succeeded.
    pub observed_at: Option<Millis>,
    /// It answered what it was asked just now.
    pub answered: bool,
}

/// From what was seen on this very link; nothing is guessed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Estimate {
    /// To send what is to be sent.
    pub time_ms: Option<u64>,
    /// Without the machine, in the way that a move would take by itself.
    pub downtime_ms: Option<u64>,
    /// Bytes per second that were observed.
    pub rate: Option<u64>,
    /// What it is told from, or that nothing is known yet.
    pub about: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlaceCost {
    /// Of the machine, running there for a month.
    pub month: Cost,
    /// Of sending it: what leaves the cloud where it is now.
    pub moving: Cost,
}

/// An amount from a price list, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cost {
    pub money: Option<Money>,
    /// What it is made of, or why there is none.
    pub about: String,
}

/// One thing of its hardware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Conversion {
    /// `Disk bus`, `Network card`, `Firmware`, `Boot order`.
    pub what: String,
    pub from: String,
    /// `None`: not known before it is made there.
    pub to: Option<String>,
}

/// `GET /groups/{id}/placement`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupPlacement {
    pub group_id: Id,
    pub group: String,
    pub asked_at: Millis,
    pub machines: u32,
    /// What stands against a move of a member, wherever it would go.
    pub problems: Vec<Problem>,
    pub rows: Vec<GroupPlace>,
    pub best: Option<String>,
}

/// One cloud, for all machines of a group that are not there yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GroupPlace {
    pub at: PlaceCloud,
    /// The worst of its machines.
    pub verdict: Verdict,
    pub findings: Vec<Problem>,
    /// Those that cannot run there, by name.
    pub blocked: Vec<String>,
    /// How many of them are there already.
    pub here: u32,
    pub bytes: Option<u64>,
    /// One after the other.
    pub time_ms: Option<u64>,
    pub cost: PlaceCost,
}
