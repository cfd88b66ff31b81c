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
        let seen = seen_by_proxies(web, headers);
        let secure = said(headers, "x-forwarded-proto").last() == Some("https");
        Self { ip: seen.or(peer), secure: secure_outside || secure, direct: false }
    }

    pub fn text(self) -> Option<String> {
        self.ip.map(|ip| ip.to_string())
    }
}

/// Each value of a header that proxies add to, over all its lines: a proxy may append to one or write a line of its own.
fn said<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> + use<'a> {
    headers.get_all(name).into_iter().filter_map(|v| v.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// The last one is what our own proxy saw, and what stands before it was said by strangers; where the last ones are
/// proxies of ours as well, the one before them counts.
fn seen_by_proxies(web: &Web, headers: &HeaderMap) -> Option<IpAddr> {
    let all: Vec<&str> = said(headers, "x-forwarded-for").collect();
    for text in all.into_iter().rev() {
        let ip = plain(text)?;
        if !web.trusted_proxies.contains(&ip) {
            return Some(ip);
        }
    }
    None
}

/// Some write the port, too.
fn plain(text: &str) -> Option<IpAddr> {
    let ip = text.trim_matches(['[', ']']).parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|a| a.ip()))?;
    Some(ip.to_canonical())
}

impl FromRequestParts<AppState> for CallerAddress {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        Ok(Self::of(&state.web, &parts.headers, &parts.extensions))
    }
}
