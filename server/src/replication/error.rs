//! What can stop a cycle.

use crate::clouds::error as cloud;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Cloud(#[from] cloud::Error),
    #[error("The store does not answer: {0}")]
    Store(#[from] sqlx::Error),
    /// Paused, held, or the node stops.
    #[error("The cycle was stopped.")]
    Cancelled,
    /// A run took the member over, or let it go, while the cycle was under way.
    #[error("Somebody else took the replication over.")]
    Lost,
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Worth another try without anybody doing something.
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Cloud(e) => e.may_heal(),
            Self::Store(_) | Self::Lost => true,
            Self::Cancelled | Self::NotFound(_) | Self::Conflict(_) => false,
        }
    }

    /// At least so long before the next try, when the cloud said so.
    pub fn wait(&self) -> Option<std::time::Duration> {
        match self {
            Self::Cloud(cloud::Error { kind: cloud::Kind::Throttled(wait), .. }) => Some(*wait),
            _ => None,
        }
    }
}

impl From<Error> for crate::error::Error {
    fn from(e: Error) -> Self {
        use crate::error::Code;
        match e {
            Error::Cloud(e) => e.into(),
            Error::Store(e) => e.into(),
            Error::NotFound(message) => Self::new(Code::NotFound, message),
            Error::Cancelled | Error::Lost | Error::Conflict(_) => Self::new(Code::Conflict, e.to_string()),
        }
    }
}
