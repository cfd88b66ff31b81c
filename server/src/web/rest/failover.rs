//! Fail over site.

use crate::{
    error::{Error, Result},
    services::{caller::Caller, failover},
    state::Node,
    web::{AppState, Json, Path, Query},
};
use axum::{extract::State, http::StatusCode};
use model::{
    failover::TargetChoice,
    run::{BlastRadius, FailoverRequest, Run},
};
use serde::Deserialize;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(blast_radius, start))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Targets {
    /// `group:cloud,…`: groups that are to come up at another of their targets than the main one.
    targets: Option<String>,
    /// Fill the targets one after the other.
    #[serde(default)]
    spread: bool,
}

impl Targets {
    fn choices(&self) -> Result<Vec<TargetChoice>> {
        let all = self.targets.iter().flat_map(|t| t.split(',')).filter(|one| !one.is_empty());
        all.map(|one| {
            let (group, cloud) = one.split_once(':').ok_or_else(|| {
                Error::invalid("targets", format!("'{one}' is no choice: write the ids of a group and of a cloud as group:cloud."))
            })?;
            Ok(TargetChoice { group_id: group.into(), cloud_id: cloud.into() })
        })
        .collect()
    }
}

/// What one press would do. Changes nothing.
#[utoipa::path(get, path = "/sites/{site}/failover", tag = "runs", params(("site" = String, Path), Targets), responses((status = 200, body = BlastRadius)))]
async fn blast_radius(
    State(node): State<Node>,
    _: Caller,
    Path(site): Path<String>,
    Query(q): Query<Targets>,
) -> Result<Json<BlastRadius>> {
    failover::blast_radius(&node, &site, &q.choices()?, q.spread).await.map(Json)
}

/// Fail the site over: bring its protected machines up at their recovery site.
#[utoipa::path(post, path = "/sites/{site}/failover", tag = "runs", params(("site" = String, Path)), request_body = FailoverRequest, responses((status = 201, body = Run)))]
async fn start(
    State(node): State<Node>,
    caller: Caller,
    Path(site): Path<String>,
    Json(request): Json<FailoverRequest>,
) -> Result<(StatusCode, Json<Run>)> {
    Ok((StatusCode::CREATED, Json(failover::start(&node, &caller, &site, &request).await?)))
}
