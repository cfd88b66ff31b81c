//! Recover elsewhere.

use crate::{
    error::Result,
    services::{caller::Caller, recover},
    state::Node,
    web::{AppState, Json, Path, Query},
};
use axum::{extract::State, http::StatusCode};
use model::{
    recovery::{RecoverRequest, Recovery},
    run::Run,
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(look, start))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct At {
    /// The cloud to recover it at, of those that keep recovery points of it; left out: the one with the newest.
    target_cloud_id: Option<String>,
}

/// What recovering a failed machine elsewhere would be: from which point, where, and what has to be typed. Changes nothing.
#[utoipa::path(get, path = "/machines/{id}/recover", tag = "runs", params(("id" = String, Path), At), responses((status = 200, body = Recovery)))]
async fn look(State(node): State<Node>, _: Caller, Path(id): Path<String>, Query(at): Query<At>) -> Result<Json<Recovery>> {
    recover::look(&node, &id, at.target_cloud_id.as_deref()).await.map(Json)
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
