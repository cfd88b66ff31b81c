//! One cloud's HTTP: signs in, signs in again when a token is over, asks, and tells errors apart.

use super::{
    auth::{self, Service, Session},
    fault,
    fields::Config,
};
use crate::clouds::{
    error::{Error, Kind, Result},
    http::{self, Meter, tls},
};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Nova's dialect: the reason of a lock (2.73), flavours inside servers (2.47), tags (2.26, 2.52), an answer to
/// createImage (2.45). Train has it.
pub const COMPUTE: &str = "compute 2.79";
/// Another image for a server that boots from a volume (2.93): Zed has it.
pub const COMPUTE_ZED: &str = "compute 2.93";
/// Cinder's, for images that nobody else sees (3.1). Train has it.
const VOLUME: &str = "volume 3.59";

const DIALECT: &str = "openstack-api-version";

pub struct Link {
    pub config: Config,
    http: Client,
    pub meter: Meter,
    session: tokio::sync::Mutex<Option<(Arc<Session>, Instant)>>,
    fingerprint: Mutex<Option<String>>,
}

impl Link {
    /// # Errors
    /// A field that cannot be right.
    pub fn new(config: Config) -> Result<Self> {
        let http = tls::client(config.ca.as_deref(), config.fingerprint.as_deref())?;
        Ok(Self { config, http, meter: Meter::default(), session: tokio::sync::Mutex::default(), fingerprint: Mutex::default() })
    }

    /// The certificate that Keystone showed last.
    pub fn fingerprint(&self) -> Option<String> {
        self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the cloud has such a service.
    ///
    /// # Errors
    /// Keystone's.
    pub async fn has(&self, service: Service) -> Result<bool> {
        Ok(self.session().await?.has(service))
    }

    pub async fn forget(&self) {
        *self.session.lock().await = None;
    }

    /// Signs in, unless that is done and holds for a while.
    ///
    /// # Errors
    /// Keystone's.
    pub async fn session(&self) -> Result<Arc<Session>> {
        let mut known = self.session.lock().await;
        if let Some((session, renew_at)) = &*known
            && Instant::now() < *renew_at
        {
            return Ok(session.clone());
        }
        let session = Arc::new(self.sign_in().await?);
        *known = Some((session.clone(), Instant::now() + good_for(&session)));
        Ok(session)
    }

    async fn sign_in(&self) -> Result<Session> {
        let what = "Signing in";
        let request = self.http.post(format!("{}/auth/tokens", self.config.auth_url)).json(&auth::request(&self.config.login));
        self.meter.count("identity", "POST");
        // A token more does no harm: not a change.
        let answer = request.send().await.map_err(|error| of_reqwest(what, false, &error))?;
        *self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner) = tls::fingerprint(&answer);
        let token = answer.headers().get("x-subject-token").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = good(what, false, answer).await?.text().await.map_err(|error| of_reqwest(what, false, &error))?;
        let token = token
            .ok_or_else(|| Error::permanent(format!("{}: this is no Keystone of version 3: it gave no token.", self.config.auth_url)))?;
        auth::session(&self.config, token, &body)
    }

    /// Asks, and reads the answer as JSON.
    ///
    /// # Errors
    /// By kind.
    pub async fn get<T: DeserializeOwned>(&self, service: Service, path: &str) -> Result<T> {
        let answer = self.send(Method::GET, service, path, |request| request).await?;
        read(path, answer).await
    }

    /// `None` where it does not exist.
    ///
    /// # Errors
    /// By kind.
    pub async fn find<T: DeserializeOwned>(&self, service: Service, path: &str) -> Result<Option<T>> {
        match self.get(service, path).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// # Errors
    /// By kind; `Unknown` when it was sent and not answered.
    pub async fn post(&self, service: Service, path: &str, body: &Value) -> Result<Value> {
        self.change(Method::POST, service, path, |request| request.json(body)).await
    }

    /// # Errors
    /// By kind; `Unknown` when it was sent and not answered.
    pub async fn put(&self, service: Service, path: &str, body: &Value) -> Result<Value> {
        self.change(Method::PUT, service, path, |request| request.json(body)).await
    }

    /// In a dialect of Nova that younger clouds have.
    ///
    /// # Errors
    /// By kind; one that is too old answers `Permanent`.
    pub async fn post_zed(&self, path: &str, body: &Value) -> Result<Value> {
        let with = |request: RequestBuilder| request.header(DIALECT, COMPUTE_ZED).json(body);
        self.change(Method::POST, Service::Compute, path, with).await
    }

    async fn change(&self, method: Method, service: Service, path: &str, with: impl Fn(RequestBuilder) -> RequestBuilder) -> Result<Value> {
        let answer = self.send(method, service, path, with).await?;
        let text = answer.text().await.map_err(|error| of_reqwest(path, true, &error))?;
        if text.is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text).map_err(|error| unreadable(path, &error)) }
    }

    /// Gone already is fine.
    ///
    /// # Errors
    /// By kind.
    pub async fn delete(&self, service: Service, path: &str) -> Result<()> {
        match self.send(Method::DELETE, service, path, |request| request).await {
            Err(error) if error.kind != Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// JSON patch, as Glance takes it.
    ///
    /// # Errors
    /// By kind.
    pub async fn patch(&self, service: Service, path: &str, body: &Value) -> Result<()> {
        let kind = "application/openstack-images-v2.1-json-patch";
        self.send(Method::PATCH, service, path, |request| request.header(header::CONTENT_TYPE, kind).body(body.to_string())).await.map(drop)
    }

    /// Sends a file of `length` bytes; a stream that ends earlier or with an error is not a whole one to the other side.
    ///
    /// # Errors
    /// By kind.
    pub async fn upload(&self, service: Service, path: &str, length: u64, body: Body) -> Result<()> {
        // The body can be sent once only, so the token must be good before.
        let session = self.session().await?;
        let url = format!("{}{path}", session.endpoint(service)?);
        let request = self.http.put(url).header("X-Auth-Token", &session.token).header(header::CONTENT_TYPE, "application/octet-stream");
        self.meter.count(service.label(), "PUT");
        let answer = request.header(header::CONTENT_LENGTH, length).body(body).send().await;
        good(path, true, answer.map_err(|error| of_reqwest(path, true, &error))?).await.map(drop)
    }

    /// `length` bytes of a file from `offset` on.
    ///
    /// # Errors
    /// By kind; `Unsupported` where the service can only give the whole.
    pub async fn range(&self, service: Service, path: &str, offset: u64, length: u64) -> Result<bytes::Bytes> {
        let range = format!("bytes={offset}-{}", offset + length - 1);
        let answer = self.send(Method::GET, service, path, |request| request.header(header::RANGE, &range)).await?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            return Err(Error::new(Kind::Unsupported, "The image store of this cloud cannot give parts of an image (ranges)."));
        }
        answer.bytes().await.map_err(|error| of_reqwest(path, false, &error))
    }

    /// With a token that was good a moment ago and is refused now it signs in once more: tokens can be revoked.
    async fn send(
        &self,
        method: Method,
        service: Service,
        path: &str,
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Response> {
        let changes = method != Method::GET;
        for again in [true, false] {
            let session = self.session().await?;
            let url = format!("{}{path}", session.endpoint(service)?);
            let request = with(self.http.request(method.clone(), url).header("X-Auth-Token", &session.token));
            let mut request = request.build().map_err(|error| of_reqwest(path, false, &error))?;
            let dialect = match service {
                Service::Compute => Some(COMPUTE),
                Service::Volume => Some(VOLUME),
                Service::Image | Service::Network => None,
            };
            if let Some(dialect) = dialect.filter(|_| !request.headers().contains_key(DIALECT)) {
                request.headers_mut().insert(DIALECT, header::HeaderValue::from_static(dialect));
            }
            self.meter.count(service.label(), method.as_str());
            let answer = self.http.execute(request).await.map_err(|error| of_reqwest(path, changes, &error))?;
            if answer.status() == StatusCode::UNAUTHORIZED && again {
                self.forget().await;
                continue;
            }
            return good(path, changes, answer).await;
        }
        Err(Error::new(Kind::Auth, "The token was refused twice."))
    }
}

/// A token is renewed while it still holds for a quarter of its life, at most five minutes. By our own monotonic clock,
/// from the life that the cloud states: the two clocks need not agree.
fn good_for(session: &Session) -> Duration {
    let life = Duration::from_millis(u64::try_from(session.expires_at - session.issued_at).unwrap_or_default());
    life.saturating_sub((life / 4).min(Duration::from_secs(300)))
}

async fn good(what: &str, changes: bool, answer: Response) -> Result<Response> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let retry = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = answer.text().await.unwrap_or_default();
    Err(fault::of_answer(&label(what), changes, status.as_u16(), retry.as_deref(), &body))
}

async fn read<T: DeserializeOwned>(what: &str, answer: Response) -> Result<T> {
    let body = answer.bytes().await.map_err(|error| of_reqwest(what, false, &error))?;
    serde_json::from_slice(&body).map_err(|error| unreadable(what, &error))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Error {
    Error::permanent(format!("{}: the answer cannot be read: {error}", label(what)))
}

/// People read it: no query, no ids at the end of a sentence's subject.
fn label(path: &str) -> String {
    path.split('?').next().unwrap_or_default().trim_start_matches('/').to_owned()
}

fn of_reqwest(what: &str, changes: bool, error: &reqwest::Error) -> Error {
    http::unanswered(&label(what), changes, error)
}
