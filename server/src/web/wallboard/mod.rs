//! The screen across the room: opened once by a link, read-only, and never showing old figures as new.
//!
//! The link's secret becomes a cookie at once, so that it stays out of the address bar, the history and the logs.
//! Everything is HTML from here; the script only puts the next board in place of the last one.

mod stream;
mod view;

use super::{
    AppState, CallerAddress,
    auth::{self, cookie},
};
use crate::{
    error::{Error, Result},
    services::{overview, sessions},
    state::Node,
};
use askama::Template;
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{AppendHeaders, Html, IntoResponse, Redirect, Response},
    routing::get,
};
use view::Board;

/// Browsers keep no cookie longer.
const LIFE: i64 = 400 * 24 * 60 * 60;
const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

pub fn router() -> Router<AppState> {
    Router::new()
        .route("/wallboard", get(board))
        .route("/wallboard/events", get(stream::events))
        .route("/wallboard/board.css", get(|| async { file("text/css", include_str!("../../../templates/wallboard/board.css")) }))
        .route("/wallboard/board.js", get(|| async { file("text/javascript", include_str!("../../../templates/wallboard/board.js")) }))
        .route("/wallboard/{token}", get(open))
        .layer(middleware::from_fn(guard))
}

#[derive(Template)]
#[template(path = "wallboard/page.html")]
struct Page {
    board: Board,
}

#[derive(Template)]
#[template(path = "wallboard/closed.html")]
struct Closed {
    reason: &'static str,
}

async fn open(State(node): State<Node>, address: CallerAddress, Path(token): Path<String>) -> Result<Response> {
    if !sessions::opens_wallboard(&node, &token).await? {
        return closed("This link is unknown, expired or revoked.");
    }
    Ok((AppendHeaders([(header::SET_COOKIE, remember(&token, address)?)]), Redirect::to("/wallboard")).into_response())
}

async fn board(State(state): State<AppState>, address: CallerAddress, headers: HeaderMap) -> Result<Response> {
    match entry(&state, &headers).await? {
        None => closed(
            "No link was opened on this screen, or the one that was is expired or revoked. Who signs in must replace a one-time password first.",
        ),
        Some(entry) => {
            let page = Page { board: render(&state.node).await? }.render().map_err(Error::internal)?;
            // Seen again: the cookie lives on.
            let cookie = if let Entry::Link(token) = &entry { Some(remember(token, address)?) } else { None };
            Ok((cookie.map(|c| AppendHeaders([(header::SET_COOKIE, c)])), Html(page)).into_response())
        }
    }
}

/// What somebody came in by; asked again for each board that is sent.
enum Entry {
    Link(String),
    /// Somebody who is signed in may look as well.
    Person(sessions::Identity),
}

async fn entry(state: &AppState, headers: &HeaderMap) -> Result<Option<Entry>> {
    if let Some(token) = cookie::read(headers, cookie::WALLBOARD)
        && sessions::opens_wallboard(&state.node, token).await?
    {
        return Ok(Some(Entry::Link(token.to_owned())));
    }
    // Before the one-time password is replaced nothing opens but what replaces it.
    let person = auth::recognise(state, headers, None).await?.filter(|identity| !identity.must_change_password());
    Ok(person.map(Entry::Person))
}

impl Entry {
    async fn still_holds(&self, node: &Node) -> Result<bool> {
        match self {
            Self::Link(token) => sessions::opens_wallboard(node, token).await,
            Self::Person(identity) => sessions::still_holds(node, identity).await,
        }
    }
}

async fn render(node: &Node) -> Result<Board> {
    Ok(Board::of(&overview::overview(node).await?))
}

fn closed(reason: &'static str) -> Result<Response> {
    let page = Closed { reason }.render().map_err(Error::internal)?;
    Ok((StatusCode::UNAUTHORIZED, Html(page)).into_response())
}

/// Lax: the link may be clicked in a chat; it only ever looks.
fn remember(token: &str, address: CallerAddress) -> Result<HeaderValue> {
    let secure = if address.secure { "; Secure" } else { "" };
    let text = format!("{}={token}; Path=/wallboard; Max-Age={LIFE}; HttpOnly; SameSite=Lax{secure}", cookie::WALLBOARD);
    HeaderValue::from_str(&text).map_err(Error::internal)
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
