//! Where can it run.

use crate::{
    error::Result,
    services::{caller::Caller, placement},
    state::Node,
    web::{AppState, Json, Path},
};
use axum::extract::State;
use model::placement::{GroupPlacement, Placement};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(machine)).routes(routes!(group))
}

/// Where a machine can run: every other cloud, asked now, the best first. Changes nothing.
#[utoipa::path(get, path = "/machines/{id}/placement", tag = "machines", params(("id" = String, Path)), responses((status = 200, body = Placement)))]
async fn machine(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Placement>> {
    placement::of_machine(&node, &id).await.map(Json)
}

/// Where the machines of a group can run together: every cloud, asked now, the best first. Changes nothing.
#[utoipa::path(get, path = "/groups/{id}/placement", tag = "groups", params(("id" = String, Path)), responses((status = 200, body = GroupPlacement)))]
async fn group(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<GroupPlacement>> {
    placement::of_group(&node, &id).await.map(Json)
}
