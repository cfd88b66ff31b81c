//! Tokens for programs and wallboards.

use crate::{
    error::Result,
    services::{caller::Caller, tokens},
    state::Node,
    web::{AppState, Json, Limits, OwnUrl, Path, Query},
};
use axum::{extract::State, http::StatusCode};
use model::{
    Page,
    access::{CreatedToken, NewToken, Token},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(revoke))
}

/// All tokens, newest first; without their secrets.
#[utoipa::path(get, path = "/tokens", tag = "tokens", params(Limits), responses((status = 200, body = Page<Token>)))]
async fn list(State(node): State<Node>, caller: Caller, Query(q): Query<Limits>) -> Result<Json<Page<Token>>> {
    tokens::list(&node, &caller, q.cursor.as_deref(), q.limit()?).await.map(Json)
}

/// Make a token. Its secret is shown this once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewToken, responses((status = 201, body = CreatedToken)))]
async fn create(
    State(state): State<AppState>,
    caller: Caller,
    OwnUrl(url): OwnUrl,
    Json(new): Json<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>)> {
    Ok((StatusCode::CREATED, Json(tokens::create(&state.node, &caller, &url, new).await?)))
}

/// Revoke: it opens nothing any more.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path)), responses((status = 200, body = Token)))]
async fn revoke(State(node): State<Node>, caller: Caller, Path(id): Path<String>) -> Result<Json<Token>> {
    tokens::revoke(&node, &caller, &id).await.map(Json)
}
