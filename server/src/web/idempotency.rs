//! `Idempotency-Key`: the same request sent twice does its work once and gets the same answer.
//!
//! A key belongs to who sent it. Only successes are kept: what was refused has changed nothing and may be tried again.
//! Answers may hold a one-time secret, so they lie sealed in the store.

use super::router::LARGEST_BODY;
use crate::{
    error::{Code, Error, Result},
    services::sessions::Identity,
    state::{Node, now},
    store::idempotency::{self, StoredAnswer},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};

const LARGEST_ANSWER: usize = 4 << 20;
/// Passwords are in there, and doing it twice is no harm.
const NOT_KEPT: [&str; 2] = ["/api/v1/session", "/api/v1/me/password"];

struct Claim {
    key: String,
    actor: String,
    path: String,
    body_hash: String,
}

pub async fn layer(State(node): State<Node>, request: Request, next: Next) -> Result<Response> {
    let Some((key, actor)) = key_of(&request)? else { return Ok(next.run(request).await) };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.map_err(|_| too_large())?;
    let body_hash = node.secrets.fingerprint(&body)?;
    let claim = Claim { key, actor, path: parts.uri.path().to_owned(), body_hash };
    if !idempotency::claim(&node.db, &claim.key, &claim.actor, &claim.path, &claim.body_hash, now()).await? {
        let earlier = idempotency::get(&node.db, &claim.key, &claim.actor).await?;
        return replay(&node, &claim, earlier);
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    keep(&node, &claim, response).await
}

pub fn too_large() -> Error {
    Error::new(Code::Invalid, format!("The body is larger than {} KiB.", LARGEST_BODY / 1024))
}

fn key_of(request: &Request) -> Result<Option<(String, String)>> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let Some(identity) = request.extensions().get::<Identity>() else { return Ok(None) };
    if request.method() != Method::POST || NOT_KEPT.contains(&request.uri().path()) {
        return Ok(None);
    }
    match value.to_str() {
        Ok(key) if (1..=128).contains(&key.len()) => Ok(Some((key.to_owned(), identity.caller.name.clone()))),
        _ => Err(Error::invalid("Idempotency-Key", "An idempotency key has 1 to 128 plain characters, a UUID for example.")),
    }
}

fn replay(node: &Node, claim: &Claim, earlier: Option<StoredAnswer>) -> Result<Response> {
    let Some(earlier) = earlier else {
        return Err(Error::conflict("The first request with this idempotency key was just refused: send it again."));
    };
    if earlier.path != claim.path || earlier.body_hash != claim.body_hash {
        return Err(Error::conflict("This idempotency key was used for another request: take a new key for a new request."));
    }
    let (Some(status), Some(sealed)) = (earlier.status, earlier.answer) else {
        let message = "The first request with this idempotency key has not ended. Wait a moment; if the node was restarted in between, \
                       look whether it took effect before sending it with a new key.";
        return Err(Error { retry_after: Some(1), ..Error::conflict(message) });
    };
    let body = node.secrets.open(&BASE64_STANDARD.decode(sealed).map_err(Error::internal)?)?;
    let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok()).unwrap_or(StatusCode::OK);
    Ok((status, [(header::CONTENT_TYPE, "application/json"), ("idempotency-replayed".parse().map_err(Error::internal)?, "true")], body)
        .into_response())
}

async fn keep(node: &Node, claim: &Claim, response: Response) -> Result<Response> {
    if !response.status().is_success() {
        idempotency::release(&node.db, &claim.key, &claim.actor).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LARGEST_ANSWER).await.map_err(Error::internal)?;
    let sealed = BASE64_STANDARD.encode(node.secrets.seal(&body)?);
    idempotency::answer(&node.db, &claim.key, &claim.actor, i64::from(parts.status.as_u16()), &sealed).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}
