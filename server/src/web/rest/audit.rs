//! The audit trail.

use crate::{
    error::Result,
    services::{audit, caller::Caller},
    state::Node,
    web::{AppState, Json, Limits, Query},
};
use axum::extract::State;
use model::{Page, access::AuditEvent};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only what was done to this: the name of a user, machine, cloud …, or the identifier of a machine, run or plan.
    subject: Option<String>,
    /// Only what this one did: a user's name, `token:<name>` or `node:<name>`.
    actor: Option<String>,
    /// Rows of a page, 1 to 500; 100 when left out.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Who did what, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(Filter), responses((status = 200, body = Page<AuditEvent>)))]
async fn list(State(node): State<Node>, _: Caller, Query(q): Query<Filter>) -> Result<Json<Page<AuditEvent>>> {
    let limits = Limits { limit: q.limit, cursor: q.cursor };
    let filter = audit::Filter { subject: q.subject.as_deref(), actor: q.actor.as_deref() };
    audit::list(&node, filter, limits.cursor.as_deref(), limits.limit()?).await.map(Json)
}
