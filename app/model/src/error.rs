//! The one body of every error that the API answers.

use serde::{Deserialize, Serialize};

/// `code` is stable and for programs; `message` is for people and says what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiError {
    /// `not_found`, `invalid`, `method_not_allowed`, `unauthenticated`, `forbidden`, `conflict`, `unavailable`, `throttled`, `unsupported`, `internal`.
    pub code: String,
    pub message: String,
    /// Also in the node's log: what an administrator quotes when asking for help.
    pub operation_id: String,
    /// Which input was wrong, where it was one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
    /// Seconds after which a try makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
    /// Where in the text, in characters from 0: `(from, to)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(u32, u32)>,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.message)
    }
}

impl std::error::Error for ApiError {}
