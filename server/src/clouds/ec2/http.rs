//! The SDKs' HTTP client: the one that the other drivers use, with its pinned certificate and authorities, instead of their own,
//! which would bring a second TLS library.

use super::operation;
use crate::clouds::{
    error::Result,
    http::{Meter, tls},
};
use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use reqwest::Client;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    seen: Arc<Mutex<Seen>>,
    pub meter: Arc<Meter>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Of the certificate of the last answer, SHA-256 in hex.
    fingerprint: Option<String>,
    at: Option<Instant>,
}

impl Http {
    pub fn new(ca: Option<&str>, fingerprint: Option<&str>) -> Result<Self> {
        Ok(Self { client: tls::client(ca, fingerprint)?, seen: Arc::default(), meter: Arc::default() })
    }

    pub fn fingerprint(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).fingerprint.clone()
    }

    /// How long ago something came back.
    pub fn last_sign(&self) -> Option<Duration> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).at.map(|at| at.elapsed())
    }

    async fn send(self, request: HttpRequest) -> std::result::Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (parts, body) = request.into_parts();
        let body = body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
        operation::count(&self.meter, &parts, &body);
        let call = self.client.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
        let answer = call.send().await.map_err(broken)?;
        self.note(&answer);
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(broken)?;
        let mut out = ::http::Response::new(SdkBody::from(body));
        (*out.status_mut(), *out.headers_mut()) = (status, headers);
        HttpResponse::try_from(out).map_err(|error| ConnectorError::other(error.into(), None))
    }

    fn note(&self, answer: &reqwest::Response) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.at = Some(Instant::now());
        if let Some(fingerprint) = tls::fingerprint(answer) {
            seen.fingerprint = Some(fingerprint);
        }
    }
}

fn broken(error: reqwest::Error) -> ConnectorError {
    let (connecting, late) = (error.is_connect(), error.is_timeout());
    let out = if late { ConnectorError::timeout(error.into()) } else { ConnectorError::io(error.into()) };
    if connecting { out.never_connected() } else { out }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
