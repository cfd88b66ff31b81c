//! The REST API from outside: one token, JSON in and out, and failures in words.

use super::Remote;
use anyhow::Context;
use model::{Page, error::ApiError};
use reqwest::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, process::ExitCode, time::Duration};

pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
}

#[derive(Debug)]
pub enum Failure {
    /// The node's own answer.
    Refused(StatusCode, Box<ApiError>),
    /// It does not answer at all.
    Silent(String),
    /// What was typed.
    Input(String),
    Other(anyhow::Error),
}

pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub fn input(message: impl Into<String>) -> Self {
        Self::Input(message.into())
    }
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Other(anyhow::anyhow!(message.into()))
    }
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Refused(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => 3,
            Self::Refused(StatusCode::BAD_REQUEST, _) | Self::Input(_) => 2,
            Self::Silent(_) => 4,
            Self::Refused(..) | Self::Other(_) => 1,
        })
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(_, error) => {
                write!(f, "{}", error.message)?;
                for field in error.fields.iter().filter(|field| !error.message.contains(&field.message)) {
                    write!(f, "\n  {}: {}", field.field, field.message)?;
                }
                if error.code == "internal" { write!(f, "\n  operation {}", error.operation_id) } else { Ok(()) }
            }
            Self::Silent(message) | Self::Input(message) => write!(f, "{message}"),
            Self::Other(error) => write!(f, "{error:#}"),
        }
    }
}

impl Client {
    pub fn new(remote: &Remote) -> Result<Self> {
        let mut http = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(180));
        // The node is a host of one's own: a proxy for the web does not reach it.
        http = http.no_proxy();
        if let Some(path) = &remote.ca {
            let pem = std::fs::read(path).with_context(|| format!("the certificate authority {} cannot be read", path.display()))?;
            let ca = reqwest::Certificate::from_pem(&pem).with_context(|| format!("{} is not a PEM certificate", path.display()))?;
            http = http.tls_certs_only([ca]);
        }
        let token = match (&remote.token, &remote.token_file) {
            (Some(token), _) => Some(token.trim().to_owned()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).with_context(|| format!("the token file {} cannot be read", path.display()))?;
                Some(text.trim().to_owned())
            }
            (None, None) => None,
        };
        Ok(Self { http: http.build().map_err(anyhow::Error::from)?, base: remote.url.trim_end_matches('/').to_owned(), token })
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send(Method::GET, path, None, None).await
    }
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send(Method::POST, path, Some(encode(body)?), None).await
    }
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send(Method::PUT, path, Some(encode(body)?), None).await
    }
    /// Refused when it is no longer the version that the change was made from.
    pub async fn put_seen<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize, version: i64) -> Result<T> {
        self.send(Method::PUT, path, Some(encode(body)?), Some(version)).await
    }
    pub async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.send(Method::DELETE, path, None, None).await
    }

    /// All pages of a list. `path` may have a query already.
    pub async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let (mut items, mut cursor) = (vec![], None::<String>);
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let from = cursor.map(|c| format!("&cursor={}", escape(&c))).unwrap_or_default();
            let page: Page<T> = self.get(&format!("{path}{sign}limit=500{from}")).await?;
            items.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }

    async fn send<T: DeserializeOwned>(&self, method: Method, path: &str, body: Option<String>, seen: Option<i64>) -> Result<T> {
        let mut request = self.http.request(method.clone(), format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if method == Method::POST {
            request = request.header("idempotency-key", uuid::Uuid::new_v4().to_string());
        }
        if let Some(version) = seen {
            request = request.header("if-match", format!("\"{version}\""));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await.map_err(|e| self.silent(&e))?;
        let status = response.status();
        let text = response.text().await.map_err(|e| self.silent(&e))?;
        if status.is_success() {
            let text = if text.is_empty() { "null" } else { &text };
            return serde_json::from_str(text).map_err(|e| Failure::failed(format!("The node's answer to {path} could not be read: {e}")));
        }
        let error = serde_json::from_str(&text)
            .unwrap_or_else(|_| ApiError { message: format!("The node answered {status}."), ..ApiError::default() });
        Err(Failure::Refused(status, Box::new(self.hint(status, error))))
    }

    fn hint(&self, status: StatusCode, mut error: ApiError) -> ApiError {
        if status == StatusCode::UNAUTHORIZED && self.token.is_none() {
            error.message = "The node wants an API token: set CROSSFADE_TOKEN_FILE or --token-file (Settings → Tokens makes one).".into();
        }
        error
    }

    fn silent(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Failure::Silent(format!("No answer from {}: {cause}. Is the node running? Another address: --url or CROSSFADE_URL.", self.base))
    }
}

fn encode(body: &impl Serialize) -> Result<String> {
    serde_json::to_string(body).map_err(|e| Failure::Other(e.into()))
}

/// For a part of a path or a query.
pub fn escape(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
