//! Cookies: never readable by a script, never sent from another site, only over TLS where there is TLS.

use axum::http::{HeaderMap, HeaderValue, header};

pub const SESSION: &str = "crossfade_session";
pub const WALLBOARD: &str = "crossfade_wallboard";

pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    all.flat_map(|v| v.split(';')).filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
}

/// `value` is base64url: nothing in it needs an escape.
pub fn set(name: &str, value: &str, path: &str, max_age_seconds: i64, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={max_age_seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).ok()
}

pub fn clear(name: &str, path: &str, secure: bool) -> Option<HeaderValue> {
    set(name, "", path, 0, secure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; crossfade_session=xyz"));
        assert_eq!(read(&headers, SESSION), Some("xyz"));
        assert_eq!(read(&headers, "session"), None);
    }
}
