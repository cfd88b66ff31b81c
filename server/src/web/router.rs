//! The table of contents: every address that the node answers at.

use super::{AppState, assets, auth::gate, headers, health, idempotency, operation, rest, sse, wallboard};
use crate::error::{Code, Error};
use axum::{Router, extract::DefaultBodyLimit, http::Uri, middleware, response::IntoResponse, routing::get};
use tower_http::{CompressionLevel, compression::CompressionLayer};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::router::OpenApiRouter;

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

/// One line for each noun.
fn nouns() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(rest::session::router())
        .merge(rest::users::router())
        .merge(rest::tokens::router())
        .merge(rest::audit::router())
        .merge(rest::alarms::router())
        .merge(rest::clouds::router())
        .merge(rest::drivers::router())
        .merge(rest::groups::router())
        .merge(rest::machines::router())
        .merge(rest::overview::router())
        .merge(rest::runs::router())
        .merge(rest::moves::router())
        .merge(rest::failover::router())
        .merge(rest::plans::router())
        .merge(rest::points::router())
        .merge(sse::router())
}

/// The API with everything in front of it; also called by the node's own pages, in process.
pub fn api(state: &AppState) -> Router {
    let (routes, document) = OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", nouns()).split_for_parts();
    let document = serde_json::to_string(&document).unwrap_or_default();
    let shown = move || async move { ([("content-type", "application/json")], document) };
    routes
        .route("/api/openapi.json", get(shown))
        .route("/api/{*rest}", axum::routing::any(nothing_here))
        .method_not_allowed_fallback(|| async { Error::new(Code::Invalid, "This address does not take this method.") })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
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
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", nouns()).into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Crossfade", description = "Every screen of Crossfade is a client of this API and of nothing else."),
    components(schemas(model::error::ApiError)),
    modifiers(&Security),
    security(("session" = []), ("token" = []))
)]
struct Document;

struct Security;

impl Modify for Security {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("crossfade_session")));
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", cookie);
        components.add_security_scheme("token", bearer);
    }
}
