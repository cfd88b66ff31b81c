//! Clouds.

use crate::{
    error::Result,
    services::{caller::Caller, clouds},
    state::Node,
    web::{AppState, Json, Limits, MaybeJson, NoBody, Path, Query},
};
use axum::{extract::State, http::StatusCode};
use model::{
    Page,
    cloud::{Cloud, NewCloud, ProbeReport, Requests, Resources},
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(probe_new))
        .routes(routes!(get, change, remove))
        .routes(routes!(resources))
        .routes(routes!(requests))
        .routes(routes!(probe))
        .routes(routes!(refresh))
}

/// All clouds, by site and name; in pages when a `limit` is given.
#[utoipa::path(get, path = "/clouds", tag = "clouds", params(Limits), responses((status = 200, body = Page<Cloud>)))]
async fn list(State(node): State<Node>, _: Caller, Query(q): Query<Limits>) -> Result<Json<Page<Cloud>>> {
    let limit = q.limit.map(|_| q.limit()).transpose()?;
    clouds::list(&node, q.cursor.as_deref(), limit).map(Json)
}

/// Add a cloud. It is probed first; what cannot be used is not added.
#[utoipa::path(post, path = "/clouds", tag = "clouds", request_body = NewCloud, responses((status = 201, body = Cloud)))]
async fn add(State(node): State<Node>, caller: Caller, Json(new): Json<NewCloud>) -> Result<(StatusCode, Json<Cloud>)> {
    Ok((StatusCode::CREATED, Json(clouds::add(&node, &caller, new).await?)))
}

/// Try settings without saving them.
#[utoipa::path(post, path = "/clouds/probe", tag = "clouds", request_body = NewCloud, responses((status = 200, body = ProbeReport)))]
async fn probe_new(State(node): State<Node>, caller: Caller, Json(new): Json<NewCloud>) -> Result<Json<ProbeReport>> {
    clouds::probe_new(&node, &caller, new).await.map(Json)
}

/// One cloud, as it was last seen.
#[utoipa::path(get, path = "/clouds/{id}", tag = "clouds", params(("id" = String, Path)), responses((status = 200, body = Cloud)))]
async fn get(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Cloud>> {
    clouds::get(&node, &id).map(Json)
}

/// Change a cloud. Secret fields that are left out keep their value; an empty one is taken away.
#[utoipa::path(put, path = "/clouds/{id}", tag = "clouds", params(("id" = String, Path)), request_body = NewCloud, responses((status = 200, body = Cloud)))]
async fn change(State(node): State<Node>, caller: Caller, Path(id): Path<String>, Json(new): Json<NewCloud>) -> Result<Json<Cloud>> {
    clouds::update(&node, &caller, &id, new).await.map(Json)
}

/// Remove a cloud from the console. The cloud and its machines are not touched.
#[utoipa::path(delete, path = "/clouds/{id}", tag = "clouds", params(("id" = String, Path)), responses((status = 204)))]
async fn remove(State(node): State<Node>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    clouds::remove(&node, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hosts, networks, storage and host bus adapters, asked for now.
#[utoipa::path(get, path = "/clouds/{id}/resources", tag = "clouds", params(("id" = String, Path)), responses((status = 200, body = Resources)))]
async fn resources(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Resources>> {
    clouds::resources(&node, &id).await.map(Json)
}

/// How often this node asked the cloud's API: since it opened the cloud, and in the last hour. For clouds that bill or
/// throttle requests; of others there are none.
#[utoipa::path(get, path = "/clouds/{id}/requests", tag = "clouds", params(("id" = String, Path)), responses((status = 200, body = Requests)))]
async fn requests(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<Requests>> {
    clouds::requests(&node, &id).map(Json)
}

/// Try a saved cloud now: as it is stored, or with the settings of the body, which are not saved; secret fields that
/// the body leaves out are the stored ones.
#[utoipa::path(post, path = "/clouds/{id}/probe", tag = "clouds", params(("id" = String, Path)), request_body = Option<NewCloud>, responses((status = 200, body = ProbeReport)))]
async fn probe(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    MaybeJson(new): MaybeJson<NewCloud>,
) -> Result<Json<ProbeReport>> {
    match new {
        None => clouds::probe(&node, &caller, &id).await.map(Json),
        Some(new) => clouds::probe_change(&node, &caller, &id, new).await.map(Json),
    }
}

/// Look at everything again now. The answer is the cloud as it is known; what is found comes by the live stream.
#[utoipa::path(post, path = "/clouds/{id}/refresh", tag = "clouds", params(("id" = String, Path)), responses((status = 202, body = Cloud)))]
async fn refresh(State(node): State<Node>, caller: Caller, Path(id): Path<String>, _: NoBody) -> Result<(StatusCode, Json<Cloud>)> {
    Ok((StatusCode::ACCEPTED, Json(clouds::refresh(&node, &caller, &id)?)))
}
