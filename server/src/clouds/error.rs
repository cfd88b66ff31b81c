//! What can go wrong at a cloud, by kind: the engine branches on nothing else.

use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Wrong or expired credentials, or a right is missing.
    Auth,
    /// The server is not who it was: certificate, fingerprint.
    Identity,
    NotFound,
    Conflict,
    Unsupported,
    Throttled(Duration),
    /// No space or quota left at the cloud.
    Full,
    /// Connection lost, timed out, busy: the same call may succeed later.
    Transient,
    Permanent,
    /// Submitted, no answer: it may have happened. Look up by token before doing it again.
    Unknown,
}

/// `message` is for people: the cloud's own words, and what to do where that is known.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: Kind,
    pub message: String,
    /// Of an [`Kind::Identity`]: SHA-256 (hex) of the certificate that was shown instead of the accepted one.
    pub seen: Option<String>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), seen: None }
    }
    /// The server shows another certificate than the one that was accepted.
    pub fn other_certificate(message: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { seen: Some(seen.into()), ..Self::new(Kind::Identity, message) }
    }
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(Kind::Transient, message)
    }
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(Kind::Permanent, message)
    }
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, message)
    }
    /// A facet that this cloud lacks.
    pub fn lacks(what: &str) -> Self {
        Self::new(Kind::Unsupported, format!("This cloud cannot {what}."))
    }
    /// Worth another try without anybody doing something.
    pub fn may_heal(&self) -> bool {
        matches!(self.kind, Kind::Transient | Kind::Throttled(_) | Kind::Unknown | Kind::Full)
    }
}
