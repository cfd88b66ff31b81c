//! Bodies, queries and paths that answer a wrong input with the API's error, and the one way from an error to an answer.

use super::operation;
use crate::error::{Code, Error};
use axum::{
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use model::error::ApiError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// A body of which every field was understood.
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + serde::Serialize> FromRequest<S> for Json<T> {
    type Rejection = Error;
    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let axum::Json(given) = axum::Json::<Value>::from_request(request, state).await?;
        read(&given).map(Self)
    }
}

fn read<T: DeserializeOwned + serde::Serialize>(given: &Value) -> Result<T, Error> {
    // From the text once more: only then an error names the field.
    let axum::Json(understood) = axum::Json::<T>::from_bytes(given.to_string().as_bytes())?;
    super::strict::all_understood(given, &understood)?;
    Ok(understood)
}

/// A body that may be left out: empty, `null` and `{}` are none.
pub struct MaybeJson<T>(pub Option<T>);

impl<S: Send + Sync, T: DeserializeOwned + serde::Serialize> FromRequest<S> for MaybeJson<T> {
    type Rejection = Error;
    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        let given = said(request, state).await?;
        given.map(|given| read(&given)).transpose().map(Self)
    }
}

/// For what takes no body.
pub struct NoBody;

impl<S: Send + Sync> FromRequest<S> for NoBody {
    type Rejection = Error;
    async fn from_request(request: Request, state: &S) -> Result<Self, Error> {
        match said(request, state).await? {
            None => Ok(Self),
            Some(Value::Object(given)) => {
                let field = given.keys().next().cloned().unwrap_or_default();
                Err(Error::invalid(&field, format!("{field}: there is no such field. This request takes no body.")))
            }
            Some(_) => Err(Error::new(Code::Invalid, "This request takes no body.")),
        }
    }
}

async fn said<S: Send + Sync>(request: Request, state: &S) -> Result<Option<Value>, Error> {
    let bytes = axum::body::Bytes::from_request(request, state).await.map_err(JsonRejection::from)?;
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let axum::Json(given) = axum::Json::<Value>::from_bytes(&bytes)?;
    let none = given.is_null() || given.as_object().is_some_and(serde_json::Map::is_empty);
    Ok((!none).then_some(given))
}

/// `If-Match`: the version that somebody read before they changed it.
pub struct Version(pub Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for Version {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        let plain = text.trim_start_matches("W/").trim_matches('"');
        let wrong = || Error::invalid("If-Match", format!("If-Match is '{text}': send the number that `version` had when you read it."));
        if plain == "*" { Ok(Self(None)) } else { plain.parse().map(|v| Self(Some(v))).map_err(|_| wrong()) }
    }
}

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
        Code::Method => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
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
