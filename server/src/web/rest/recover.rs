//! Recover elsewhere.

use crate::{
    error::Result,
    services::{caller::Caller, recover},
    state::Node,
    web::{AppState, Json, Path},
};
use axum::{extract::State, http::StatusCode};
use model::{
    recovery::{RecoverRequest, Recovery},
    run::Run,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(look, start))
}

/// What recovering a failed machine elsewhere would be: from which point, where, and what has to be typed. Changes nothing.
#[utoipa::path(get, path = "/machines/{id}/recover", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = Recovery)))]
async fn look(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Recovery>> {
    recover::look(&node, &id).await.map(Json)
}

/// Recover a failed machine at the cloud that keeps its recovery points.
#[utoipa::path(post, path = "/machines/{id}/recover", tag = "runs", params(("id" = String, Path)), request_body = RecoverRequest, responses((status = 201, body = Run)))]
async fn start(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<RecoverRequest>,
) -> Result<(StatusCode, Json<Run>)> {
    Ok((StatusCode::CREATED, Json(recover::start(&node, &caller, &id, &request).await?)))
}
