//! Price lists of clouds.

use crate::{
    error::Result,
    services::{caller::Caller, prices},
    state::Node,
    web::{AppState, Json, Path},
};
use axum::{extract::State, http::StatusCode};
use model::prices::{CloudPrices, PriceList};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put, remove))
}

/// What a cloud costs, as somebody entered it, and a seed to begin with where its kind has public prices.
#[utoipa::path(get, path = "/clouds/{id}/prices", tag = "clouds", params(("id" = String, Path)), responses((status = 200, body = CloudPrices)))]
async fn get(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<CloudPrices>> {
    prices::get(&node, &id).await.map(Json)
}

/// Enter what a cloud costs, in place of what was there. Prices are decimals: "12.50", "0.0225".
#[utoipa::path(put, path = "/clouds/{id}/prices", tag = "clouds", params(("id" = String, Path)), request_body = PriceList, responses((status = 200, body = CloudPrices)))]
async fn put(State(node): State<Node>, caller: Caller, Path(id): Path<String>, Json(list): Json<PriceList>) -> Result<Json<CloudPrices>> {
    prices::put(&node, &caller, &id, list).await.map(Json)
}

/// Take the price list of a cloud away: it is not priced then.
#[utoipa::path(delete, path = "/clouds/{id}/prices", tag = "clouds", params(("id" = String, Path)), responses((status = 204)))]
async fn remove(State(node): State<Node>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    prices::remove(&node, &caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}
