//! Recovery plans.

use crate::{
    error::Result,
    services::{caller::Caller, plans},
    state::Node,
    web::{AppState, Json, Limits, NoBody, Path, Query, Version},
};
use axum::{extract::State, http::StatusCode};
use model::{
    Page,
    plan::{Plan, PlanSpec},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, delete)).routes(routes!(check))
}

/// All plans, by name.
#[utoipa::path(get, path = "/plans", tag = "plans", params(Limits), responses((status = 200, body = Page<Plan>)))]
async fn list(State(node): State<Node>, _: Caller, Query(q): Query<Limits>) -> Result<Json<Page<Plan>>> {
    plans::list(&node, q.limit()?, q.cursor.as_deref()).await.map(Json)
}

/// Make a plan.
#[utoipa::path(post, path = "/plans", tag = "plans", request_body = PlanSpec, responses((status = 201, body = Plan)))]
async fn create(State(node): State<Node>, caller: Caller, Json(spec): Json<PlanSpec>) -> Result<(StatusCode, Json<Plan>)> {
    Ok((StatusCode::CREATED, Json(plans::create(&node, &caller, spec).await?)))
}

/// One plan.
#[utoipa::path(get, path = "/plans/{id}", tag = "plans", params(("id" = String, Path)), responses((status = 200, body = Plan)))]
async fn get(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Plan>> {
    plans::get(&node, &id).await.map(Json)
}

/// Change a plan. Runs under way keep what they were started with. With `If-Match`: only if nobody changed it since.
#[utoipa::path(put, path = "/plans/{id}", tag = "plans", params(("id" = String, Path)), request_body = PlanSpec, responses((status = 200, body = Plan)))]
async fn update(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    Version(seen): Version,
    Json(spec): Json<PlanSpec>,
) -> Result<Json<Plan>> {
    plans::update(&node, &caller, &id, spec, seen).await.map(Json)
}

/// Delete a plan. Its groups and their recovery points stay.
#[utoipa::path(delete, path = "/plans/{id}", tag = "plans", params(("id" = String, Path)), responses((status = 204)))]
async fn delete(State(node): State<Node>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    plans::delete(&node, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Readiness check: would it work now? Changes nothing in the world.
#[utoipa::path(post, path = "/plans/{id}/check", tag = "plans", params(("id" = String, Path)), responses((status = 200, body = Plan)))]
async fn check(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<Json<Plan>> {
    plans::check(&node, &caller, &id).await.map(Json)
}
