//! Machines.

use crate::{
    error::{Error, Result},
    services::{
        caller::Caller,
        machines::{
            self,
            listing::{From, Request},
        },
    },
    state::Node,
    web::{AppState, Json, Limits, Path, Query},
};
use axum::{extract::State, http::StatusCode};
use model::{
    Page,
    access::AuditEvent,
    machine::{Confirmed, Machine, MachineRow, PowerRequest},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(power))
        .routes(routes!(remove_copy))
        .routes(routes!(activity))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// `site:berlin state:running tag:prod cpu>=4 mem>8G name:web*`; words narrow, `OR`, `-`, quotes and parentheses work.
    q: Option<String>,
    /// `name` (when left out), `site`, `cloud`, `state`, `vcpus`, `memory`, `disk` or `observed`; `-` in front for the other way round.
    sort: Option<String>,
    /// Rows of a page, 1 to 500; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// So many rows in, instead of a cursor.
    offset: Option<u32>,
}

/// Machines of all clouds. `total` is how many the search matches; a `q` that is not understood says where.
#[utoipa::path(get, path = "/machines", tag = "machines", params(Search), responses((status = 200, body = Page<MachineRow>)))]
async fn list(State(node): State<Node>, _: Caller, Query(q): Query<Search>) -> Result<Json<Page<MachineRow>>> {
    let from = match (q.cursor.clone(), q.offset) {
        (Some(_), Some(_)) => return Err(Error::invalid("offset", "Give a cursor or an offset, not both.")),
        (Some(cursor), None) => From::After(cursor),
        (None, offset) => From::Offset(offset.unwrap_or(0) as usize),
    };
    let limit = Limits { limit: q.limit, cursor: None }.limit()? as usize;
    let request = Request { q: q.q.unwrap_or_default(), sort: q.sort.unwrap_or_default(), limit, from };
    machines::list(&node, &request).map(Json)
}

/// One machine with disks, networks, copies, the cloud's own fields, and what can be done with it now.
#[utoipa::path(get, path = "/machines/{id}", tag = "machines", params(("id" = String, Path)), responses((status = 200, body = Machine)))]
async fn get(State(node): State<Node>, caller: Caller, Path(id): Path<String>) -> Result<Json<Machine>> {
    machines::get(&node, &caller, &id).await.map(Json)
}

/// Start, stop, power off or reset. Answers when the cloud shows it; a graceful stop answers when the guest was asked.
#[utoipa::path(post, path = "/machines/{id}/power", tag = "machines", params(("id" = String, Path)), request_body = PowerRequest, responses((status = 200, body = Machine)))]
async fn power(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<PowerRequest>,
) -> Result<Json<Machine>> {
    machines::power(&node, &caller, &id, request.action).await.map(Json)
}

/// Remove a superseded copy with its disks, now. Never one that runs. The name must be typed.
#[utoipa::path(post, path = "/machines/{id}/remove-copy", tag = "machines", params(("id" = String, Path)), request_body = Confirmed, responses((status = 204)))]
async fn remove_copy(State(node): State<Node>, caller: Caller, Path(id): Path<String>, Json(body): Json<Confirmed>) -> Result<StatusCode> {
    machines::remove_copy(&node, &caller, &id, &body.confirm).await.map(|()| StatusCode::NO_CONTENT)
}

/// What was done to it, newest first.
#[utoipa::path(get, path = "/machines/{id}/activity", tag = "machines", params(("id" = String, Path), Limits), responses((status = 200, body = Page<AuditEvent>)))]
async fn activity(State(node): State<Node>, _: Caller, Path(id): Path<String>, Query(q): Query<Limits>) -> Result<Json<Page<AuditEvent>>> {
    machines::activity(&node, &id, q.cursor.as_deref(), q.limit()?).await.map(Json)
}
