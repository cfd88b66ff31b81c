//! Signing in and out, and who one is.

use crate::{
    error::Result,
    services::{
        sessions::{self, Identity},
        users,
    },
    state::Node,
    web::{
        AppState, CallerAddress, Json,
        auth::{self, cookie},
    },
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};
use model::access::{ChangePassword, Me, SignIn};
use utoipa_axum::{router::OpenApiRouter, routes};

/// As long as a session can live at most.
const WEEK: i64 = 7 * 24 * 60 * 60;

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sign_in, sign_out)).routes(routes!(me)).routes(routes!(change_password))
}

/// Sign in; sets the session cookie.
#[utoipa::path(post, path = "/session", tag = "session", security(()), request_body = SignIn, responses((status = 200, body = Me)))]
async fn sign_in(
    State(state): State<AppState>,
    address: CallerAddress,
    headers: HeaderMap,
    Json(given): Json<SignIn>,
) -> Result<impl IntoResponse> {
    // The browser gets a new session: the one that it had must not live on unseen.
    if let Some(old) = cookie::read(&headers, cookie::SESSION)
        && let Some(identity) = sessions::by_cookie(&state.node, old, address.text()).await?
    {
        sessions::sign_out(&state.node, &identity).await?;
    }
    let (secret, identity) = sessions::sign_in(&state.node, &state.web.throttle, &given, address.text()).await?;
    let cookie = cookie::set(cookie::SESSION, &secret, "/", WEEK, address.secure);
    Ok((cookie.map(|c| AppendHeaders([(header::SET_COOKIE, c)])), Json(identity.me(&state.node))))
}

/// Sign out; the session ends at once.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204)))]
async fn sign_out(State(node): State<Node>, address: CallerAddress, identity: Identity) -> Result<impl IntoResponse> {
    sessions::sign_out(&node, &identity).await?;
    let cookie = cookie::clear(cookie::SESSION, "/", address.secure);
    Ok((cookie.map(|c| AppendHeaders([(header::SET_COOKIE, c)])), StatusCode::NO_CONTENT))
}

/// Who is signed in, with the CSRF token of the session.
#[utoipa::path(get, path = "/me", tag = "session", responses((status = 200, body = Me)))]
async fn me(State(node): State<Node>, identity: Identity) -> Json<Me> {
    Json(identity.me(&node))
}

/// Change one's own password; other sessions of the same user end.
#[utoipa::path(post, path = "/me/password", tag = "session", request_body = ChangePassword, responses((status = 200, body = Me)))]
async fn change_password(
    State(state): State<AppState>,
    address: CallerAddress,
    headers: HeaderMap,
    identity: Identity,
    Json(given): Json<ChangePassword>,
) -> Result<Json<Me>> {
    users::change_own_password(&state.node, &identity, given).await?;
    let now = auth::recognise(&state, &headers, address.text()).await?;
    Ok(Json(now.unwrap_or(identity).me(&state.node)))
}
