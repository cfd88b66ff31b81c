//! Fail over site.

use crate::{
    error::Result,
    services::{caller::Caller, failover},
    state::Node,
    web::{AppState, Json, Path},
};
use axum::{extract::State, http::StatusCode};
use model::run::{BlastRadius, FailoverRequest, Run};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(blast_radius, start))
}

/// What one press would do. Changes nothing.
#[utoipa::path(get, path = "/sites/{site}/failover", tag = "runs", params(("site" = String, Path)), responses((status = 200, body = BlastRadius)))]
async fn blast_radius(State(node): State<Node>, _: Caller, Path(site): Path<String>) -> Result<Json<BlastRadius>> {
    failover::blast_radius(&node, &site).await.map(Json)
}

/// Fail the site over: bring its protected machines up at their recovery site.
#[utoipa::path(post, path = "/sites/{site}/failover", tag = "runs", params(("site" = String, Path)), request_body = FailoverRequest, responses((status = 201, body = Run)))]
async fn start(
    State(node): State<Node>,
    caller: Caller,
    Path(site): Path<String>,
    Json(request): Json<FailoverRequest>,
) -> Result<(StatusCode, Json<Run>)> {
    Ok((StatusCode::CREATED, Json(failover::start(&node, &caller, &site, &request).await?)))
}
