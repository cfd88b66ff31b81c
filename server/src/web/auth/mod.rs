//! Who asks: found once for each request, checked, and handed on as [`Identity`] and [`Caller`].

pub mod address;
pub mod cookie;
pub mod gate;

use crate::{
    error::{Code, Error, Result},
    services::{
        caller::Caller,
        sessions::{self, Identity},
    },
    web::AppState,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

pub use address::CallerAddress;

/// Who the headers say it is. `None`: nobody, or a session that is over.
///
/// # Errors
/// `Unauthenticated` for a token that is not (or no longer) right: a program must not go on as nobody.
pub async fn recognise(state: &AppState, headers: &HeaderMap, address: Option<String>) -> Result<Option<Identity>> {
    if let Some(secret) = bearer(headers) {
        let known = sessions::by_token(&state.node, secret, address).await?;
        let wrong =
            || Error::new(Code::Unauthenticated, "This API token is unknown, expired or revoked. Ask an administrator for a new one.");
        return known.ok_or_else(wrong).map(Some);
    }
    match cookie::read(headers, cookie::SESSION) {
        Some(value) => sessions::by_cookie(&state.node, value, address).await,
        None => Ok(None),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

fn identity(parts: &Parts) -> Result<&Identity> {
    let message = "Sign in first: with a session cookie (POST /api/v1/session) or the header Authorization: Bearer <API token>.";
    parts.extensions.get().ok_or_else(|| Error::new(Code::Unauthenticated, message))
}

impl<S: Send + Sync> FromRequestParts<S> for Identity {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        identity(parts).cloned()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        identity(parts).map(|i| i.caller.clone())
    }
}
