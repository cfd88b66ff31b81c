//! Where a request comes from, also through a proxy that is trusted, and whether its browser speaks TLS.

use crate::web::{AppState, Web};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, request::Parts},
};
use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

/// Address of the browser or program that asks; `None` inside the node itself.
#[derive(Clone, Copy, Debug)]
pub struct CallerAddress {
    pub ip: Option<IpAddr>,
    /// The browser's connection is encrypted.
    pub secure: bool,
    /// Came straight to us, through no proxy.
    pub direct: bool,
}

impl CallerAddress {
    pub fn of(web: &Web, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|c| c.0.ip().to_canonical());
        let trusted = peer.is_some_and(|ip| web.trusted_proxies.contains(&ip));
        let secure_outside = web.tls || web.public_url.starts_with("https://");
        if !trusted {
            return Self { ip: peer, secure: secure_outside, direct: !headers.contains_key("x-forwarded-for") };
        }
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        // The last one is what our own proxy saw; the ones before were said by strangers.
        let seen = header("x-forwarded-for").and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        Self { ip: seen.or(peer), secure: secure_outside || header("x-forwarded-proto") == Some("https"), direct: false }
    }

    pub fn text(self) -> Option<String> {
        self.ip.map(|ip| ip.to_string())
    }
}

impl FromRequestParts<AppState> for CallerAddress {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(&state.web, &parts.headers, &parts.extensions))
    }
}
