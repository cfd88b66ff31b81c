//! The built files under `/pkg/`: compressed once by the build, kept by browsers for ever when the name holds a hash.

use super::AppState;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use tower_http::services::ServeDir;

pub fn router(state: &AppState) -> Router<AppState> {
    let folder = state.web.assets.clone();
    Router::new().nest_service("/pkg", ServeDir::new(folder).precompressed_br()).layer(middleware::from_fn(caching))
}

async fn caching(request: Request, next: Next) -> Response {
    let keep = is_hashed(request.uri().path());
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == axum::http::StatusCode::NOT_MODIFIED;
    let value = if keep && found { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}

/// `app.0123456789abcdef.js`: one part between dots is a hash in hex.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split('.').any(|part| part.len() >= 16 && part.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        assert!(is_hashed("/pkg/app.0123456789abcdef.js") && is_hashed("/pkg/app_bg.0123456789abcdef.wasm"));
        assert!(!is_hashed("/pkg/app.js") && !is_hashed("/pkg/0123456789abcdef/reload.txt"));
    }
}
