//! Runs.

use crate::{
    error::{Error, Result},
    services::{
        caller::Caller,
        runs::{self, Lines},
    },
    state::Node,
    web::{AppState, Json, Limits, Path, Query},
};
use axum::extract::State;
use model::{
    Page,
    run::{Run, RunCommand, RunDetail, RunEvent},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get)).routes(routes!(events)).routes(routes!(command))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// `active` or `over`; both when left out.
    state: Option<String>,
}

impl Which {
    fn active(&self) -> Result<Option<bool>> {
        match self.state.as_deref() {
            None => Ok(None),
            Some("active") => Ok(Some(true)),
            Some("over") => Ok(Some(false)),
            Some(other) => Err(Error::invalid("state", format!("'{other}' is not a state of this list. Take active or over."))),
        }
    }
}

/// Runs, newest first.
#[utoipa::path(get, path = "/runs", tag = "runs", params(Which, Limits), responses((status = 200, body = Page<Run>)))]
async fn list(State(node): State<Node>, _: Caller, Query(which): Query<Which>, Query(q): Query<Limits>) -> Result<Json<Page<Run>>> {
    runs::list(&node, which.active()?, q.limit()?, q.cursor.as_deref()).await.map(Json)
}

/// A run with its steps, the newest lines of its log, and what can be commanded now.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path)), responses((status = 200, body = RunDetail)))]
async fn get(State(node): State<Node>, _: Caller, Path(id): Path<String>) -> Result<Json<RunDetail>> {
    runs::get(&node, &id).await.map(Json)
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// Lines after the one with this `seq`, from the first one when both are left out.
    after: Option<i64>,
    /// The last lines before the one with this `seq`.
    before: Option<i64>,
    /// Lines of a page, 1 to 500; 100 when left out.
    limit: Option<u32>,
}

/// Lines of a run's log, oldest first. `next` is the `after` (or `before`) of the following page.
#[utoipa::path(get, path = "/runs/{id}/events", tag = "runs", params(("id" = String, Path), Part), responses((status = 200, body = Page<RunEvent>)))]
async fn events(State(node): State<Node>, _: Caller, Path(id): Path<String>, Query(q): Query<Part>) -> Result<Json<Page<RunEvent>>> {
    let lines = match (q.after, q.before) {
        (Some(_), Some(_)) => return Err(Error::invalid("before", "Give after or before, not both.")),
        (_, Some(seq)) => Lines::Before(seq),
        (after, None) => Lines::After(after.unwrap_or(0)),
    };
    let limit = Limits { limit: q.limit, cursor: None }.limit()?;
    runs::events(&node, &id, lines, limit).await.map(Json)
}

/// Pause, resume or cancel a run; retry or skip a step; answer a prompt.
#[utoipa::path(post, path = "/runs/{id}/commands", tag = "runs", params(("id" = String, Path)), request_body = RunCommand, responses((status = 200, body = RunDetail)))]
async fn command(
    State(node): State<Node>,
    caller: Caller,
    Path(id): Path<String>,
    Json(wanted): Json<RunCommand>,
) -> Result<Json<RunDetail>> {
    runs::command(&node, &caller, &id, &wanted).await.map(Json)
}
