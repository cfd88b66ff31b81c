//! The one typed client of the REST API, for the server's first rendering and for the browser alike.
//!
//! The screens are a client of the public API and of nothing else: whatever they can do, a script can do.
//! On the server the call goes through the node's own router in process ([`ServerApi`], provided as context
//! for each request and already carrying who asks); in the browser it is a `fetch` with the session cookie.

#[cfg(feature = "ssr")]
use leptos::prelude::use_context;
use model::error::ApiError;
use serde::{Serialize, de::DeserializeOwned};

pub type Result<T> = std::result::Result<T, ApiError>;

/// `GET /api/v1{path}`.
pub async fn get<T: DeserializeOwned>(path: &str) -> Result<T> {
    send("GET", path, None, None).await
}

/// `POST /api/v1{path}` with a fresh idempotency key.
pub async fn post<B: Serialize, T: DeserializeOwned>(path: &str, body: &B) -> Result<T> {
    send("POST", path, Some(encode(body)?), None).await
}

pub async fn put<B: Serialize, T: DeserializeOwned>(path: &str, body: &B) -> Result<T> {
    send("PUT", path, Some(encode(body)?), None).await
}

/// A change of what was read as `version`: refused when somebody else has changed it since.
pub async fn put_version<B: Serialize, T: DeserializeOwned>(path: &str, version: i64, body: &B) -> Result<T> {
    send("PUT", path, Some(encode(body)?), Some(version)).await
}

pub async fn delete<T: DeserializeOwned>(path: &str) -> Result<T> {
    send("DELETE", path, None, None).await
}

fn encode<B: Serialize>(body: &B) -> Result<String> {
    serde_json::to_string(body).map_err(|e| failed(format!("The request could not be written: {e}")))
}

async fn send<T: DeserializeOwned>(method: &'static str, path: &str, body: Option<String>, version: Option<i64>) -> Result<T> {
    let (status, text) = transport(method, format!("/api/v1{path}"), body, version).await?;
    if (200..300).contains(&status) {
        let text = if text.is_empty() { "null" } else { &text };
        serde_json::from_str(text).map_err(|e| failed(format!("The answer could not be read: {e}")))
    } else {
        Err(serde_json::from_str(&text).unwrap_or_else(|_| failed(format!("The node answered {status}."))))
    }
}

pub fn failed(message: String) -> ApiError {
    ApiError { code: "unavailable".into(), message, ..ApiError::default() }
}

/// How the server answers its own pages; see the module's text.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct ServerApi(pub std::sync::Arc<dyn Fn(Call) -> futures::future::BoxFuture<'static, Answer> + Send + Sync>);

/// `path` is absolute, with query.
#[cfg(feature = "ssr")]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

#[cfg(feature = "ssr")]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

#[cfg(feature = "ssr")]
async fn transport(method: &'static str, path: String, body: Option<String>, _: Option<i64>) -> Result<(u16, String)> {
    let Some(ServerApi(call)) = use_context::<ServerApi>() else {
        return Err(failed("No API in this context.".into()));
    };
    let answer = call(Call { method, path, body }).await;
    Ok((answer.status, answer.body))
}

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
async fn transport(method: &'static str, path: String, body: Option<String>, version: Option<i64>) -> Result<(u16, String)> {
    // JS values are not Send, resources ask for Send: in the browser there is one thread.
    leptos::__reexports::send_wrapper::SendWrapper::new(fetch::send(method, path, body, version)).await
}

#[cfg(not(any(feature = "ssr", feature = "hydrate")))]
async fn transport(_: &'static str, _: String, _: Option<String>, _: Option<i64>) -> Result<(u16, String)> {
    Err(failed("Built without a transport.".into()))
}

#[cfg(all(feature = "hydrate", not(feature = "ssr")))]
mod fetch {
    use super::{Result, failed};
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    pub async fn send(method: &'static str, path: String, body: Option<String>, version: Option<i64>) -> Result<(u16, String)> {
        try_send(method, &path, body, version).await.map_err(|_| failed("The node does not answer. What is shown may be old.".into()))
    }

    async fn try_send(method: &str, path: &str, body: Option<String>, version: Option<i64>) -> std::result::Result<(u16, String), JsValue> {
        let init = web_sys::RequestInit::new();
        init.set_method(method);
        let headers = web_sys::Headers::new()?;
        headers.set("accept", "application/json")?;
        if method != "GET" {
            headers.set("x-csrf-token", &crate::state::csrf())?;
            headers.set("idempotency-key", &crate::state::fresh_key())?;
        }
        if let Some(version) = version {
            headers.set("if-match", &format!("\"{version}\""))?;
        }
        if let Some(body) = body {
            headers.set("content-type", "application/json")?;
            init.set_body(&JsValue::from_str(&body));
        }
        init.set_headers(&headers);
        let window = web_sys::window().ok_or(JsValue::NULL)?;
        let response: web_sys::Response = JsFuture::from(window.fetch_with_str_and_init(path, &init)).await?.dyn_into()?;
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        // A wrong password is an answer for the form; everywhere else it means that the session is over.
        if response.status() == 401 && !path.ends_with("/session") {
            crate::state::to_sign_in();
        }
        Ok((response.status(), text))
    }
}
