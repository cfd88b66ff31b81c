//! The kinds of cloud that can be added.

use crate::{
    services::{caller::Caller, clouds},
    web::{AppState, Json},
};
use model::cloud::DriverInfo;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Each kind, with the fields that a form must ask for.
#[utoipa::path(get, path = "/drivers", tag = "clouds", responses((status = 200, body = Vec<DriverInfo>)))]
async fn list(_: Caller) -> Json<Vec<DriverInfo>> {
    Json(clouds::drivers())
}
