//! One identifier for each request: in the answer's header, in an error's body, and in the log.

use crate::error::Error;
use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, Method, Response},
    middleware::Next,
    response::IntoResponse,
};
use futures::FutureExt;
use std::{any::Any, panic::AssertUnwindSafe, time::Instant};
use tracing::Instrument;

pub const HEADER: HeaderName = HeaderName::from_static("x-operation-id");

tokio::task_local!(static OPERATION: String);

/// Of the request that is being answered.
pub fn id() -> String {
    OPERATION.try_with(Clone::clone).unwrap_or_else(|_| new())
}

fn new() -> String {
    format!("{:012x}", rand::random::<u64>() >> 16)
}

/// Gives the request its identifier, catches a panic, counts and logs. The path in the log is the route's, so that no
/// secret that stands in a path (a wallboard's token) can get there.
pub async fn layer(request: Request, next: Next) -> axum::response::Response {
    let operation = new();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", operation, %method, route);
    let begun = Instant::now();
    let reads = matches!(method, Method::GET | Method::HEAD);
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = async { work.await.unwrap_or_else(|panic| panicked(&*panic)) };
    let answer = OPERATION.scope(operation.clone(), answer).instrument(span.clone());
    // A change that has begun must not be cut in the middle because the browser went away: it gets a task of its own.
    let mut response = if reads { answer.await } else { tokio::spawn(answer).await.unwrap_or_else(|e| panicked(&e.to_string())) };
    let (took, status) = (begun.elapsed(), response.status().as_u16());
    span.in_scope(|| tracing::debug!(status, ms = took.as_millis(), "answered"));
    metrics::histogram!("crossfade_http_seconds", "method" => method.to_string(), "route" => route, "status" => status.to_string())
        .record(took.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&operation) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn panicked(panic: &(dyn Any + Send)) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    Error::internal(format!("panic: {}", text.unwrap_or_default())).into_response()
}
