//! What a link to this node begins with: what the administrator said, else the address that the browser has reached it by.

use super::{AppState, CallerAddress};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use std::convert::Infallible;

/// Without a slash at the end.
pub struct OwnUrl(pub String);

impl FromRequestParts<AppState> for OwnUrl {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let web = &state.web;
        if web.public_url_said {
            return Ok(Self(web.public_url.clone()));
        }
        let secure = CallerAddress::of(web, &parts.headers, &parts.extensions).secure;
        let named = parts.headers.get(header::HOST).and_then(|v| v.to_str().ok());
        let host = parts.uri.authority().map(|a| a.as_str()).or(named);
        Ok(Self(host.and_then(|host| address(secure, host)).unwrap_or_else(|| web.public_url.clone())))
    }
}

/// Only a host with a port, and nothing that a link would be read differently by.
fn address(secure: bool, host: &str) -> Option<String> {
    let scheme = if secure { "https" } else { "http" };
    let url = url::Url::parse(&format!("{scheme}://{host}/")).ok()?;
    let plain =
        url.username().is_empty() && url.password().is_none() && url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let same = plain && url.host_str().is_some_and(|h| host.to_ascii_lowercase().starts_with(h));
    same.then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_port_become_an_address() {
        assert_eq!(address(true, "console.example:8443").as_deref(), Some("https://console.example:8443"));
        assert_eq!(address(false, "[2001:db8::1]:8080").as_deref(), Some("http://[2001:db8::1]:8080"));
        for strange in ["", "user@evil.example", "evil.example/x", "evil.example?x", "evil.example#", "a b", "a\\b", "console.example:x"] {
            assert_eq!(address(false, strange), None, "{strange}");
        }
    }
}
