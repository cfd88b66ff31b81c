//! Users, roles, sessions, tokens and the audit trail.

use crate::{Id, Millis};
use serde::{Deserialize, Serialize};

/// What somebody may do; each includes the ones before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    /// Runs: power, move, failover, pause, answer.
    Operator,
    /// Clouds, groups, plans, users, tokens.
    Administrator,
}

impl Role {
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Administrator];
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Administrator => "administrator",
        }
    }
    pub fn parse(s: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == s)
    }
}

/// `GET /me`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Me {
    pub name: String,
    pub role: Role,
    /// The one-time password must be replaced first.
    pub must_change_password: bool,
    /// Send it back as `X-CSRF-Token` on every change made with a session cookie.
    pub csrf: String,
    /// At least one connected cloud is simulated.
    pub simulated: bool,
    pub node: String,
    pub version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignIn {
    pub name: String,
    pub password: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangePassword {
    pub old: String,
    pub new: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct User {
    pub id: Id,
    pub name: String,
    pub role: Role,
    pub disabled: bool,
    pub created_at: Millis,
    pub last_sign_in_at: Option<Millis>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewUser {
    pub name: String,
    pub role: Role,
    /// None: one is made and shown once.
    #[serde(default)]
    pub password: Option<String>,
}

/// Body of `PUT /users/{id}`: what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeUser {
    #[serde(default)]
    pub role: Option<Role>,
    #[serde(default)]
    pub disabled: Option<bool>,
}

/// Answer to `POST /users` and to a password reset: the one-time password is shown once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedUser {
    pub user: User,
    pub one_time_password: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Token {
    pub id: Id,
    pub name: String,
    pub purpose: TokenPurpose,
    pub role: Role,
    pub created_by: String,
    pub created_at: Millis,
    pub last_used_at: Option<Millis>,
    pub expires_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TokenPurpose {
    Api,
    /// Opens the wallboard, nothing else.
    Wallboard,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewToken {
    pub name: String,
    pub purpose: TokenPurpose,
    #[serde(default = "viewer")]
    pub role: Role,
    #[serde(default)]
    pub expires_in_days: Option<u32>,
}

fn viewer() -> Role {
    Role::Viewer
}

/// The secret is shown once; only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedToken {
    pub token: Token,
    pub secret: String,
    /// Wallboards: the link to open once on the screen, and the same as an SVG QR code.
    pub link: Option<String>,
    pub qr_svg: Option<String>,
    /// Why the link will not open elsewhere, if it will not.
    #[serde(default)]
    pub link_note: Option<String>,
}

/// One line of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEvent {
    pub seq: i64,
    pub at: Millis,
    /// User name, `token:<name>`, or `node:<name>`.
    pub actor: String,
    /// `cloud.add`, `run.start`, `sign_in` …
    pub action: String,
    /// What it was done to, as that was called then.
    pub subject: String,
    /// The identifier of that, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Id>,
    pub ok: bool,
    /// Never a secret.
    pub detail: String,
    pub address: Option<String>,
}
