//! Protection groups.

use crate::{
    error::Result,
    services::{caller::Caller, groups},
    state::Node,
    web::{AppState, Json, Limits, NoBody, Path, Query, Version},
};
use axum::{extract::State, http::StatusCode};
use model::{
    Id, Page,
    protection::{Group, NewGroup, NewTarget, Reprotection},
};
use serde::{Deserialize, Serialize};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(add_members))
        .routes(routes!(remove_member))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(reprotection, reprotect))
        .routes(routes!(add_target))
        .routes(routes!(update_target, remove_target))
}

#[derive(Deserialize, Serialize, utoipa::ToSchema)]
struct Machines {
    /// To protect, by id.
    machine_ids: Vec<Id>,
}

/// All groups with their members, by name.
#[utoipa::path(get, path = "/groups", tag = "groups", params(Limits), responses((status = 200, body = Page<Group>)))]
async fn list(State(node): State<Node>, _: Caller, Query(q): Query<Limits>) -> Result<Json<Page<Group>>> {
    groups::list(&node, q.cursor.as_deref(), q.limit()?).await.map(Json)
}

/// Make a group; replication of its machines begins at once.
#[utoipa::path(post, path = "/groups", tag = "groups", request_body = NewGroup, responses((status = 201, body = Group)))]
async fn create(State(node): State<Node>, caller: Caller, Json(new): Json<NewGroup>) -> Result<(StatusCode, Json<Group>)> {
    Ok((StatusCode::CREATED, Json(groups::create(&node, &caller, new).await?)))
}

/// One group with its members and how their replication stands.
#[utoipa::path(get, path = "/groups/{id}", tag = "groups", params(("id" = String, Path)), responses((status = 200, body = Group)))]
async fn get(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Group>> {
    groups::get(&node, &id).await.map(Json)
}

/// Change name, policy and mappings. Machines that it names are added; none is taken out by it. With `If-Match`: only
/// if nobody changed it since.
#[utoipa::path(put, path = "/groups/{id}", tag = "groups", params(("id" = String, Path)), request_body = NewGroup, responses((status = 200, body = Group)))]
async fn update(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    Version(seen): Version,
    Json(new): Json<NewGroup>,
) -> Result<Json<Group>> {
    groups::update(&node, &caller, &id, new, seen).await.map(Json)
}

/// End the protection of all its machines and remove it.
#[utoipa::path(delete, path = "/groups/{id}", tag = "groups", params(("id" = String, Path)), responses((status = 204)))]
async fn delete(State(node): State<Node>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    groups::delete(&node, &caller, &id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Protect more machines. Their autostart is taken away and read back.
#[utoipa::path(post, path = "/groups/{id}/members", tag = "groups", params(("id" = String, Path)), request_body = Machines, responses((status = 200, body = Group)))]
async fn add_members(State(node): State<Node>, caller: Caller, Path(id): Path<String>, Json(new): Json<Machines>) -> Result<Json<Group>> {
    groups::add(&node, &caller, &id, new.machine_ids).await.map(Json)
}

/// End the protection of one machine; its recovery points go.
#[utoipa::path(delete, path = "/groups/{id}/members/{member_id}", tag = "groups", params(("id" = String, Path), ("member_id" = String, Path)), responses((status = 200, body = Group)))]
async fn remove_member(State(node): State<Node>, caller: Caller, Path((id, member)): Path<(String, String)>) -> Result<Json<Group>> {
    groups::remove(&node, &caller, &id, &member).await.map(Json)
}

/// Stop the cycles of all its members; the lag grows.
#[utoipa::path(post, path = "/groups/{id}/pause", tag = "groups", params(("id" = String, Path)), responses((status = 200, body = Group)))]
async fn pause(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<Json<Group>> {
    groups::set_paused(&node, &caller, &id, true).await.map(Json)
}

/// Begin the cycles again.
#[utoipa::path(post, path = "/groups/{id}/resume", tag = "groups", params(("id" = String, Path)), responses((status = 200, body = Group)))]
async fn resume(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<Json<Group>> {
    groups::set_paused(&node, &caller, &id, false).await.map(Json)
}

/// What it would take to protect its machines, recovered at the other site, in the other direction. Changes nothing.
#[utoipa::path(get, path = "/groups/{id}/reprotect", tag = "groups", params(("id" = String, Path)), responses((status = 200, body = Reprotection)))]
async fn reprotection(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Reprotection>> {
    groups::reprotection(&node, &id).await.map(Json)
}

/// Protect its machines in the other direction: the way back. Everything is sent once.
#[utoipa::path(post, path = "/groups/{id}/reprotect", tag = "groups", params(("id" = String, Path)), responses((status = 200, body = Group)))]
async fn reprotect(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<Json<Group>> {
    groups::reprotect(&node, &caller, &id).await.map(Json)
}

/// Replicate its machines to one more cloud, with an objective and a retention of its own.
#[utoipa::path(post, path = "/groups/{id}/targets", tag = "groups", params(("id" = String, Path)), request_body = NewTarget, responses((status = 201, body = Group)))]
async fn add_target(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<NewTarget>,
) -> Result<(StatusCode, Json<Group>)> {
    Ok((StatusCode::CREATED, Json(groups::add_target(&node, &caller, &id, new).await?)))
}

/// Change policy and mappings of a further target; its cloud stays.
#[utoipa::path(put, path = "/groups/{id}/targets/{target_id}", tag = "groups", params(("id" = String, Path), ("target_id" = String, Path)), request_body = NewTarget, responses((status = 200, body = Group)))]
async fn update_target(
    State(node): State<Node>,
    caller: Caller,
    Path((id, target)): Path<(String, String)>,
    Json(new): Json<NewTarget>,
) -> Result<Json<Group>> {
    groups::update_target(&node, &caller, &id, &target, new).await.map(Json)
}

/// Replicate its machines there no more; the recovery points there go.
#[utoipa::path(delete, path = "/groups/{id}/targets/{target_id}", tag = "groups", params(("id" = String, Path), ("target_id" = String, Path)), responses((status = 200, body = Group)))]
async fn remove_target(State(node): State<Node>, caller: Caller, Path((id, target)): Path<(String, String)>) -> Result<Json<Group>> {
    groups::remove_target(&node, &caller, &id, &target).await.map(Json)
}
