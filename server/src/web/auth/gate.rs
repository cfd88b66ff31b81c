//! In front of the API: finds out who asks, and lets no change through that a foreign page could have made.

use super::{CallerAddress, recognise};
use crate::{
    error::{Code, Error, Result},
    services::sessions::{Identity, Proof},
    web::AppState,
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method},
    middleware::Next,
    response::Response,
};

/// What works before the one-time password is replaced.
const WITH_ONE_TIME_PASSWORD: [&str; 3] = ["/api/v1/me", "/api/v1/me/password", "/api/v1/session"];

pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Result<Response> {
    // The node's own pages come with an identity: no request from outside can carry an extension.
    if request.extensions().get::<Identity>().is_none() {
        let address = CallerAddress::of(&state.web, request.headers(), request.extensions());
        same_site(&request)?;
        if let Some(identity) = recognise(&state, request.headers(), address.text()).await? {
            check_csrf(&identity, &request)?;
            request.extensions_mut().insert(identity);
        }
    }
    if let Some(identity) = request.extensions().get::<Identity>() {
        check_password(identity, request.uri().path())?;
    }
    Ok(next.run(request).await)
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A browser says where a request begins. SameSite cookies and the token below hold without it; this also stops a
/// foreign page from signing somebody in.
fn same_site(request: &Request) -> Result<()> {
    let from = request.headers().get("sec-fetch-site").and_then(|v| v.to_str().ok()).unwrap_or("none");
    if changes(request.method()) && !matches!(from, "same-origin" | "none") {
        return Err(Error::new(Code::Forbidden, "This change comes from a page of another site and was not made."));
    }
    Ok(())
}

fn check_csrf(identity: &Identity, request: &Request) -> Result<()> {
    let Proof::Session { csrf, .. } = &identity.proof else { return Ok(()) };
    let signing_in = request.uri().path() == "/api/v1/session" && request.method() == Method::POST;
    if !changes(request.method()) || signing_in || token_of(request.headers()).is_some_and(|t| same(t, csrf)) {
        return Ok(());
    }
    Err(Error::new(
        Code::Forbidden,
        "The header X-CSRF-Token is missing or not the one of this session (GET /api/v1/me has it). Reload the page.",
    ))
}

fn token_of(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-csrf-token")?.to_str().ok()
}

/// In a time that does not depend on where they differ.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}

fn check_password(identity: &Identity, path: &str) -> Result<()> {
    if identity.must_change_password() && !WITH_ONE_TIME_PASSWORD.contains(&path) {
        return Err(Error::new(Code::Forbidden, "Replace the one-time password first (POST /api/v1/me/password)."));
    }
    Ok(())
}
