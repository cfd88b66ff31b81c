//! Everything at a glance.

use crate::{
    error::Result,
    services::{caller::Caller, overview},
    state::Node,
    web::{AppState, Json},
};
use axum::extract::State;
use model::overview::Overview;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// Sites, totals, alarms and runs, as they are now.
#[utoipa::path(get, path = "/overview", tag = "overview", responses((status = 200, body = Overview)))]
async fn get(State(node): State<Node>, _: Caller) -> Result<Json<Overview>> {
    overview::overview(&node).await.map(Json)
}
