//! The table of contents: every address that the node answers at; those of the API are in [`document`].

use super::{AppState, assets, auth::gate, document, headers, health, idempotency, operation, parameters, wallboard};
use crate::error::{Code, Error};
use axum::{Router, extract::DefaultBodyLimit, http::Uri, middleware, response::IntoResponse, routing::get};
use tower_http::{CompressionLevel, compression::CompressionLayer};

/// A cloud's settings hold a few certificates; nothing else is large.
pub const LARGEST_BODY: usize = 1 << 20;

pub fn router(state: AppState) -> Router {
    let api = api(&state);
    #[cfg(feature = "ui")]
    let pages = super::pages::router(&state, api.clone());
    #[cfg(not(feature = "ui"))]
    let pages = Router::new();
    Router::new()
        .merge(health::router())
        .merge(assets::router(&state))
        .merge(wallboard::router())
        .merge(pages)
        .layer(middleware::from_fn(operation::layer))
        .with_state(state.clone())
        .merge(api)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::from_fn_with_state(state, headers::layer))
}

/// The API with everything in front of it; also called by the node's own pages, in process.
pub fn api(state: &AppState) -> Router {
    let (routes, document) = document::routes();
    let document = serde_json::to_string(&document).unwrap_or_default();
    let shown = move || async move { ([("content-type", "application/json")], document) };
    routes
        .route("/api/openapi.json", get(shown))
        .route("/api/{*rest}", axum::routing::any(nothing_here))
        .method_not_allowed_fallback(|| async {
            Error::new(Code::Method, "This address does not take this method; the header Allow names those that it takes.")
        })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(parameters::layer))
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::layer))
        .layer(middleware::from_fn_with_state(state.clone(), gate::layer))
        .layer(middleware::from_fn(operation::layer))
        .with_state(state.clone())
}

async fn nothing_here(uri: Uri) -> impl IntoResponse {
    Error::not_found(format!("address {} in this API; see /api/openapi.json", uri.path()))
}

/// The document as it would be served, for tests and tools.
pub fn openapi() -> utoipa::openapi::OpenApi {
    document::routes().1
}
