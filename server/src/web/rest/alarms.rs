//! Alarms.

use crate::{
    services::{alarms, caller::Caller},
    state::Node,
    web::{AppState, Json},
};
use axum::extract::State;
use model::{Page, alarm::Alarm};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What lasts now, worst and newest first.
#[utoipa::path(get, path = "/alarms", tag = "alarms", responses((status = 200, body = Page<Alarm>)))]
async fn list(State(node): State<Node>, _: Caller) -> Json<Page<Alarm>> {
    Json(alarms::list(&node))
}
