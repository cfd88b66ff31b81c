//! What an answer of OpenStack means, by kind. Pure; the services say the same things in four different shapes.

use crate::clouds::error::{Error, Kind};
use serde_json::Value;
use std::time::Duration;

/// When a service throttles and does not say for how long.
const PAUSE: Duration = Duration::from_secs(5);

/// `changes`: the call was to change something, so an answer that is none leaves open whether it did.
pub fn of_answer(what: &str, changes: bool, status: u16, retry_after: Option<&str>, body: &str) -> Error {
    let said = words(body).unwrap_or_else(|| format!("HTTP status {status}"));
    let message = format!("{what}: {said}");
    let quota = said.to_lowercase().contains("quota") || body.contains("OverQuota");
    let pause = || retry_after.and_then(|text| text.trim().parse().ok()).map_or(PAUSE, Duration::from_secs);
    let kind = match status {
        401 => Kind::Auth,
        403 | 409 | 413 if quota => Kind::Full,
        403 => Kind::Auth,
        404 | 410 => Kind::NotFound,
        409 | 412 => Kind::Conflict,
        413 if retry_after.is_none() => Kind::Full,
        413 | 429 => Kind::Throttled(pause()),
        503 if retry_after.is_some() => Kind::Throttled(pause()),
        503 => Kind::Transient,
        // A gateway, or a service that broke while it worked: it may have done it.
        500 | 502 | 504 if changes => Kind::Unknown,
        500 | 502 | 504 => Kind::Transient,
        _ => Kind::Permanent,
    };
    Error::new(kind, message)
}

/// Of what a service says about something that it could not make: room or quota are missing.
pub fn is_full(said: &str) -> bool {
    let said = said.to_lowercase();
    ["no valid host", "no valid backend", "no weighed backend", "quota", "not enough", "exceeded maximum number of retries"]
        .iter()
        .any(|words| said.contains(words))
}

/// The first text under `message`, `detail` or `faultstring`, wherever the service puts it; else the page without its tags.
fn words(body: &str) -> Option<String> {
    match serde_json::from_str::<Value>(body) {
        Ok(value) => find(&value, 0),
        Err(_) => {
            let mut inside = false;
            let text: String = body
                .chars()
                .filter(|c| {
                    let keep = !inside && *c != '<';
                    inside = (inside || *c == '<') && *c != '>';
                    keep
                })
                .collect();
            let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
            (!plain.is_empty()).then(|| plain.chars().take(300).collect())
        }
    }
}

fn find(value: &Value, depth: u32) -> Option<String> {
    if depth > 4 {
        return None;
    }
    match value {
        Value::Object(map) => ["message", "detail", "faultstring"]
            .iter()
            .find_map(|key| map.get(*key)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
            .or_else(|| map.values().find_map(|inner| find(inner, depth + 1))),
        Value::Array(all) => all.iter().find_map(|inner| find(inner, depth + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status, `Retry-After`, body, whether the call creates something; then the kind and a part of what is said.
    type Answer = (u16, Option<&'static str>, &'static str, bool, Kind, &'static str);

    /// Answers as the services give them (Zed), or as their code has them.
    const ANSWERS: &[Answer] = &[
        (
            401,
            None,
            r#"{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}"#,
            false,
            Kind::Auth,
            "requires authentication",
        ),
        (
            403,
            None,
            r#"{"forbidden":{"code":403,"message":"Policy doesn't allow os_compute_api:os-hypervisors:list to be performed."}}"#,
            false,
            Kind::Auth,
            "Policy",
        ),
        (
            403,
            None,
            r#"{"forbidden":{"code":403,"message":"Quota exceeded for cores: Requested 4, but already used 18 of 20 cores"}}"#,
            true,
            Kind::Full,
            "of 20 cores",
        ),
        (
            409,
            None,
            r#"{"NeutronError":{"type":"OverQuota","message":"Quota exceeded for resources: ['port'].","detail":""}}"#,
            true,
            Kind::Full,
            "['port']",
        ),
        (
            409,
            None,
            r#"{"NeutronError":{"type":"IpAddressAlreadyAllocated","message":"IP address 10.0.0.5 already allocated in subnet x","detail":""}}"#,
            true,
            Kind::Conflict,
            "already allocated",
        ),
        (
            404,
            None,
            r#"{"itemNotFound":{"code":404,"message":"Instance x could not be found."}}"#,
            false,
            Kind::NotFound,
            "could not be found",
        ),
        (
            404,
            None,
            "<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1>No image found with ID x</body></html>",
            false,
            Kind::NotFound,
            "No image found with ID x",
        ),
        (
            409,
            None,
            r#"{"conflictingRequest":{"code":409,"message":"Cannot 'start' instance x while it is in task_state powering-off"}}"#,
            true,
            Kind::Conflict,
            "powering-off",
        ),
        (
            413,
            Some("7"),
            r#"{"overLimit":{"code":413,"message":"This request was rate-limited.","retryAfter":"7"}}"#,
            true,
            Kind::Throttled(Duration::from_secs(7)),
            "rate-limited",
        ),
        (429, None, "Too Many Requests", false, Kind::Throttled(PAUSE), "Too Many"),
        (413, None, "Denying attempt to upload image because it exceeds the quota", true, Kind::Full, "exceeds"),
        (503, None, "", true, Kind::Transient, "503"),
        (503, Some("2"), "", true, Kind::Throttled(Duration::from_secs(2)), "503"),
        (500, None, r#"{"computeFault":{"code":500,"message":"Unexpected API Error."}}"#, true, Kind::Unknown, "Unexpected"),
        (504, None, "<html><body><h1>504 Gateway Time-out</h1></body></html>", true, Kind::Unknown, "504 Gateway"),
        (504, None, "", false, Kind::Transient, "504"),
        (400, None, r#"{"badRequest":{"code":400,"message":"Invalid imageRef provided."}}"#, true, Kind::Permanent, "Invalid imageRef"),
    ];

    #[test]
    fn answers_are_told_apart() {
        for (status, retry, body, changes, kind, text) in ANSWERS {
            let error = of_answer("nova", *changes, *status, *retry, body);
            assert_eq!(error.kind, *kind, "{status} {body}");
            assert!(error.message.starts_with("nova: ") && error.message.contains(text), "{}", error.message);
        }
    }
}
