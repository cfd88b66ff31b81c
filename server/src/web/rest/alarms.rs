//! Alarms.

use crate::{
    error::Result,
    services::{alarms, caller::Caller},
    state::Node,
    web::{AppState, Json, NoBody, Path},
};
use axum::extract::State;
use model::{Page, alarm::Alarm};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(acknowledge))
}

/// What lasts now, worst and newest first.
#[utoipa::path(get, path = "/alarms", tag = "alarms", responses((status = 200, body = Page<Alarm>)))]
async fn list(State(node): State<Node>, _: Caller) -> Json<Page<Alarm>> {
    Json(alarms::list(&node))
}

/// Say that the clock of the node is right, so that ages count again (`clock_unsettled`; no other alarm takes it).
#[utoipa::path(post, path = "/alarms/{id}/acknowledge", tag = "alarms", params(("id" = String, Path)),
    responses((status = 200, body = Page<Alarm>)))]
async fn acknowledge(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<Json<Page<Alarm>>> {
    alarms::acknowledge(&node, &caller, &id).await.map(Json)
}
