//! The words of Crossfade as plain data: what the server stores, the API carries and the screens show.
//! No behaviour beyond small pure helpers, no database and no browser: everybody may import this crate.
//!
//! Conventions: every identifier is an opaque string; every instant is [`Millis`] (Unix epoch, milliseconds, UTC);
//! sizes are bytes unless the name says otherwise; an enum is written in snake_case.

pub mod access;
pub mod alarm;
pub mod cloud;
pub mod error;
pub mod failover;
pub mod finding;
pub mod limits;
pub mod live;
pub mod machine;
pub mod overview;
pub mod placement;
pub mod plan;
pub mod prices;
pub mod protection;
pub mod recovery;
pub mod run;

/// An opaque identifier. Time-ordered (UUIDv7) where a row is created here, derived (UUIDv5) where it is observed.
pub type Id = String;

/// An instant: milliseconds since the Unix epoch, UTC.
pub type Millis = i64;

/// Two clocks that are kept by a time service differ by less than this, ms.
const SKEW: Millis = 2_000;

/// How long ago something was, ms. `None`: it lies in the future, so a clock was set and nobody can tell.
pub fn age(at: Millis, now: Millis) -> Option<Millis> {
    let age = now.saturating_sub(at);
    (age >= -SKEW).then_some(age.max(0))
}

/// One page of a list. `next` is the cursor for the following page (keyset, not an offset); absent on the last one.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Page<T> {
    pub items: Vec<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// How many rows the filter matches in all, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// One finding of a check that ran before anything was touched: what is wrong and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    pub severity: Severity,
    /// What it is about: the name of a machine, disk, network, field …
    pub subject: String,
    pub what: String,
    /// What to do, in the imperative.
    pub remedy: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Info,
    Warning,
    /// Stops the operation (in a check) or needs somebody now (in an alarm).
    Critical,
}

impl Problem {
    pub fn new(severity: Severity, subject: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity, subject: subject.into(), what: what.into(), remedy: remedy.into() }
    }
    pub fn blocks(&self) -> bool {
        self.severity == Severity::Critical
    }
}

/// Bytes on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Transfer {
    pub done: u64,
    pub total: u64,
    /// Bytes per second over the last few seconds; 0 when not known.
    pub rate: u64,
}

/// Source object to target object, by name: a network, a storage pool. Among networks also a rule for addresses:
/// `10.1.0.0/24 via 10.1.0.1` to `10.2.0.0/24 via 10.2.0.1 dns 10.2.0.53`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mapping {
    pub from: String,
    pub to: String,
}

impl Mapping {
    /// Is it meant as a rule for addresses? No network is called like an address.
    pub fn is_rule(&self) -> bool {
        let first = self.from.split_whitespace().next().unwrap_or_default();
        first.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok())
    }
}
