//! Bodies, queries and paths that answer a wrong input with the API's error, and the one way from an error to an answer.

use super::operation;
use crate::error::{Code, Error};
use axum::{
    extract::{
        FromRequest, FromRequestParts,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use model::error::ApiError;
use serde::Deserialize;

#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub struct Json<T>(pub T);

impl<T: serde::Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub struct Query<T>(pub T);

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub struct Path<T>(pub T);

/// `?limit=&cursor=` of every list.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Limits {
    /// Rows of a page, 1 to 500; 100 when left out.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl Limits {
    /// # Errors
    /// Outside 1 to 500.
    pub fn limit(&self) -> Result<u32, Error> {
        match self.limit.unwrap_or(100) {
            n @ 1..=500 => Ok(n),
            n => Err(Error::invalid("limit", format!("limit is {n}: it must be between 1 and 500."))),
        }
    }
}

impl From<JsonRejection> for Error {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::JsonDataError(e) => field_error(&e.body_text()),
            JsonRejection::JsonSyntaxError(e) => Self::new(Code::Invalid, format!("The body is not JSON: {}.", e.body_text())),
            JsonRejection::MissingJsonContentType(_) => {
                Self::new(Code::Invalid, "The body must be JSON: send the header Content-Type: application/json.")
            }
            JsonRejection::BytesRejection(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => super::idempotency::too_large(),
            other => Self::new(Code::Invalid, other.body_text()),
        }
    }
}

/// axum writes `Failed to deserialize the JSON body into the target type: policy.rpo: invalid type …`.
fn field_error(text: &str) -> Error {
    let what = text.rsplit_once("target type: ").map_or(text, |(_, what)| what);
    match what.split_once(": ") {
        Some((field, why)) if !field.contains(' ') => Error::invalid(field, format!("{field}: {why}.")),
        _ => Error::new(Code::Invalid, format!("The body is not what this request takes: {what}.")),
    }
}

impl From<QueryRejection> for Error {
    fn from(rejection: QueryRejection) -> Self {
        let text = rejection.body_text();
        let what = text.rsplit_once("query string: ").map_or(text.as_str(), |(_, what)| what);
        match what.split_once(": ") {
            Some((field, why)) if !field.contains(' ') => Self::invalid(field, format!("{field}: {why}.")),
            _ => Self::new(Code::Invalid, format!("The query is not what this request takes: {what}.")),
        }
    }
}

impl From<PathRejection> for Error {
    fn from(rejection: PathRejection) -> Self {
        Self::new(Code::Invalid, rejection.body_text())
    }
}

fn status(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::NotFound => (StatusCode::NOT_FOUND, "not_found"),
        Code::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Code::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
        Code::Conflict => (StatusCode::CONFLICT, "conflict"),
        Code::Full => (StatusCode::INSUFFICIENT_STORAGE, "disk_full"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        Code::Throttled => (StatusCode::TOO_MANY_REQUESTS, "throttled"),
        Code::Unsupported => (StatusCode::UNPROCESSABLE_ENTITY, "unsupported"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}

/// The body of an error, logged here and nowhere else.
pub fn api_error(error: Error) -> (StatusCode, ApiError) {
    let (status, code) = status(error.code);
    let operation_id = operation::id();
    let cause = error.cause.as_deref().unwrap_or("");
    if status.is_server_error() {
        tracing::error!(operation = operation_id, code, message = error.message, cause, "request failed");
    } else {
        tracing::debug!(operation = operation_id, code, message = error.message, "request refused");
    }
    let body = ApiError { code: code.into(), message: error.message, operation_id, fields: error.fields, retry_after: error.retry_after };
    (status, body)
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, body) = api_error(self);
        let retry = body.retry_after.map(HeaderValue::from);
        let mut response = (status, axum::Json(body)).into_response();
        if let Some(seconds) = retry {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}
