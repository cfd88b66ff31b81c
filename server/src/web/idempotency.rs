//! `Idempotency-Key`: the same request sent twice does its work once and gets the same answer.
//!
//! A key belongs to who sent it, and what starts something does not go without one. Kept are successes, and failures
//! after which nobody knows what happened (it had begun to act): those must not be tried again by a repeated request.
//! What was refused has changed nothing, and its key is free. A key whose request never ended (the node was killed in
//! it) says so for an hour. Answers may hold a one-time secret, so they lie sealed in the store.

use super::{AppState, document::STARTS, router::LARGEST_BODY};
use crate::{
    error::{Code, Error, Result},
    services::{acting, sessions::Identity},
    state::{Node, now},
    store::idempotency::{self, StoredAnswer},
};
use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};

const LARGEST_ANSWER: usize = 4 << 20;
/// Passwords are in there, and doing it twice is no harm.
pub const NOT_KEPT: [&str; 2] = ["/api/v1/session", "/api/v1/me/password"];

struct Claim {
    key: String,
    actor: String,
    path: String,
    body_hash: String,
}

/// No request takes longer: a cloud gets 90 s for a change.
const LONGEST_REQUEST: i64 = 5 * 60 * 1000;

pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Result<Response> {
    let node = &state.node;
    let Some((key, actor)) = key_of(&request)? else { return Ok(next.run(request).await) };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.map_err(|_| too_large())?;
    let body_hash = node.secrets.fingerprint(&body)?;
    let claim = Claim { key, actor, path: parts.uri.path().to_owned(), body_hash };
    if !idempotency::claim(&node.db, &claim.key, &claim.actor, &claim.path, &claim.body_hash, now()).await? {
        let earlier = idempotency::get(&node.db, &claim.key, &claim.actor).await?;
        return replay(&state, &claim, earlier);
    }
    let (response, acted) = acting::watch(next.run(Request::from_parts(parts, Body::from(body)))).await;
    keep(node, &claim, response, acted).await
}

pub fn too_large() -> Error {
    Error::new(Code::Invalid, format!("The body is larger than {} KiB.", LARGEST_BODY / 1024))
}

fn key_of(request: &Request) -> Result<Option<(String, String)>> {
    let Some(identity) = request.extensions().get::<Identity>() else { return Ok(None) };
    if request.method() != Method::POST || NOT_KEPT.contains(&request.uri().path()) {
        return Ok(None);
    }
    let Some(value) = request.headers().get("idempotency-key") else {
        let starts = request.extensions().get::<MatchedPath>().is_some_and(|p| STARTS.contains(&p.as_str()));
        return if starts { Err(missing()) } else { Ok(None) };
    };
    match value.to_str() {
        Ok(key) if (1..=128).contains(&key.len()) => Ok(Some((key.to_owned(), identity.caller.name.clone()))),
        _ => Err(Error::invalid("Idempotency-Key", "An idempotency key has 1 to 128 plain characters, a UUID for example.")),
    }
}

fn missing() -> Error {
    let message = "This starts something, so that it must not happen twice by mistake: send the header Idempotency-Key with a value of \
                   your own, a UUID for example, new for each new request. Sent again with the same value and body, the work is done \
                   once and the answer is the same.";
    Error::invalid("Idempotency-Key", message)
}

/// The node that took it is no more: with SQLite there is only this one, with PostgreSQL only time tells.
fn interrupted(state: &AppState, taken_at: i64) -> bool {
    now() - taken_at > LONGEST_REQUEST || state.node.db.is_own() && taken_at < state.web.started_at
}

fn replay(state: &AppState, claim: &Claim, earlier: Option<StoredAnswer>) -> Result<Response> {
    let Some(earlier) = earlier else {
        return Err(Error::conflict("The first request with this idempotency key was just refused: send it again."));
    };
    if earlier.path != claim.path || earlier.body_hash != claim.body_hash {
        return Err(Error::conflict("This idempotency key was used for another request: take a new key for a new request."));
    }
    let (Some(status), Some(sealed)) = (earlier.status, earlier.answer) else {
        if interrupted(state, earlier.created_at) {
            return Err(Error::conflict(
                "The node was stopped in the middle of the first request with this idempotency key. Look under Runs and Activity whether \
                 it took effect; if it did not, send it with a new key.",
            ));
        }
        let message = "The first request with this idempotency key has not ended. Wait a moment and send the same again.";
        return Err(Error { retry_after: Some(1), ..Error::conflict(message) });
    };
    let body = state.node.secrets.open(&BASE64_STANDARD.decode(sealed).map_err(Error::internal)?)?;
    let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
    Ok((status, [(header::CONTENT_TYPE, "application/json"), ("idempotency-replayed".parse().map_err(Error::internal)?, "true")], body)
        .into_response())
}

async fn keep(node: &Node, claim: &Claim, response: Response, acted: bool) -> Result<Response> {
    let unknown = acted && response.status().is_server_error();
    if !response.status().is_success() && !unknown {
        idempotency::release(&node.db, &claim.key, &claim.actor).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LARGEST_ANSWER).await.map_err(Error::internal)?;
    let sealed = BASE64_STANDARD.encode(node.secrets.seal(&body)?);
    if let Err(error) = idempotency::answer(&node.db, &claim.key, &claim.actor, i64::from(parts.status.as_u16()), &sealed).await {
        // It has happened: the answer is still the truth, and the key stays taken.
        tracing::error!(%error, path = claim.path, "an answer could not be kept for a repeated request");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}
