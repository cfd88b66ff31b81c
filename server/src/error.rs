//! The one error of services and web: a stable code for programs, a message for people that says what to do.

use crate::clouds::error as cloud;
use model::error::FieldError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    NotFound,
    Invalid,
    /// The address is there, and does not take this method.
    Method,
    Unauthenticated,
    Forbidden,
    Conflict,
    /// A cloud or the store does not answer now.
    Unavailable,
    /// The store has no room to write.
    Full,
    Throttled,
    Unsupported,
    Internal,
}

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub code: Code,
    pub message: String,
    pub fields: Vec<FieldError>,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// For the log only, never for the user.
    pub cause: Option<String>,
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), fields: vec![], retry_after: None, cause: None }
    }
    /// `There is no {what}.`
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("There is no {what}."))
    }
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Code::Unsupported, message)
    }
    /// One field is wrong: why, and what would be right.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let message = message.into();
        let fields = vec![FieldError { field: field.into(), message: message.clone(), span: None }];
        Self { fields, ..Self::new(Code::Invalid, message) }
    }
    /// Several at once: everything that is wrong, not only the first.
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let message = fields.iter().map(|f| f.message.clone()).collect::<Vec<_>>().join(" ");
        Self { fields, ..Self::new(Code::Invalid, message) }
    }
    /// A fault of ours: the user gets an operation id, the log gets the cause.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let message = "Something went wrong inside the node. Its log has the details under the operation id.";
        Self { cause: Some(cause.to_string()), ..Self::new(Code::Internal, message) }
    }
}

/// Has the store no room to write? SQLite: FULL (13); PostgreSQL: disk_full.
pub fn is_full(e: &sqlx::Error) -> bool {
    let code = e.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("13" | "53100"))
}

impl From<sqlx::Error> for Error {
    fn from(e: sqlx::Error) -> Self {
        match e {
            e if is_full(&e) => Self {
                cause: Some(e.to_string()),
                ..Self::new(
                    Code::Full,
                    "The store cannot write: its disk is full. Nothing was changed. Free space there (by default the node's data folder), \
                     then try again.",
                )
            },
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => Self {
                cause: Some(e.to_string()),
                ..Self::new(Code::Unavailable, "The store does not answer. Nothing was changed; try again.")
            },
            other => Self::internal(other),
        }
    }
}

impl From<anyhow::Error> for Error {
    fn from(e: anyhow::Error) -> Self {
        Self::internal(format!("{e:#}"))
    }
}

impl From<cloud::Error> for Error {
    fn from(e: cloud::Error) -> Self {
        let code = match e.kind {
            cloud::Kind::NotFound => Code::NotFound,
            cloud::Kind::Conflict => Code::Conflict,
            cloud::Kind::Unsupported => Code::Unsupported,
            cloud::Kind::Throttled(_) => Code::Throttled,
            _ => Code::Unavailable,
        };
        let retry_after = if let cloud::Kind::Throttled(wait) = e.kind { Some(wait.as_secs().max(1)) } else { None };
        Self { retry_after, ..Self::new(code, e.message) }
    }
}
