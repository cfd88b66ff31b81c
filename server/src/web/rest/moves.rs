//! Move to cloud.

use crate::{
    error::Result,
    services::{caller::Caller, moves},
    state::Node,
    web::{AppState, Json},
};
use axum::{extract::State, http::StatusCode};
use model::run::{MovePreflight, MoveRequest, Run};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(preflight)).routes(routes!(start))
}

/// Everything that would be in the way of a move, each with what to do. Changes nothing.
#[utoipa::path(post, path = "/moves/preflight", tag = "runs", request_body = MoveRequest, responses((status = 200, body = MovePreflight)))]
async fn preflight(State(node): State<Node>, caller: Caller, Json(request): Json<MoveRequest>) -> Result<Json<MovePreflight>> {
    moves::preflight(&node, &caller, &request).await.map(Json)
}

/// Move a machine to another cloud.
#[utoipa::path(post, path = "/moves", tag = "runs", request_body = MoveRequest, responses((status = 201, body = Run)))]
async fn start(State(node): State<Node>, caller: Caller, Json(request): Json<MoveRequest>) -> Result<(StatusCode, Json<Run>)> {
    Ok((StatusCode::CREATED, Json(moves::start(&node, &caller, &request).await?)))
}
