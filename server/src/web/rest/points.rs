//! Recovery points.

use crate::{
    error::Result,
    services::{caller::Caller, groups},
    state::Node,
    web::{AppState, Json, Limits, Path, Query},
};
use axum::extract::State;
use model::{Page, protection::RecoveryPoint};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_member)).routes(routes!(of_machine))
}

/// Usable recovery points of a member, newest first.
#[utoipa::path(get, path = "/members/{id}/points", tag = "points", params(("id" = String, Path), Limits), responses((status = 200, body = Page<RecoveryPoint>)))]
async fn of_member(
    State(node): State<Node>,
    _: Caller,
    Path(id): Path<String>,
    Query(q): Query<Limits>,
) -> Result<Json<Page<RecoveryPoint>>> {
    groups::points_of_member(&node, &id, q.cursor.as_deref(), q.limit()?).await.map(Json)
}

/// Usable recovery points of a machine over all its copies, newest first.
#[utoipa::path(get, path = "/machines/{id}/points", tag = "points", params(("id" = String, Path), Limits), responses((status = 200, body = Page<RecoveryPoint>)))]
async fn of_machine(
    State(node): State<Node>,
    _: Caller,
    Path(id): Path<String>,
    Query(q): Query<Limits>,
) -> Result<Json<Page<RecoveryPoint>>> {
    groups::points_of_machine(&node, &id, q.cursor.as_deref(), q.limit()?).await.map(Json)
}
