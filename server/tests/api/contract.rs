//! What holds for every address of the API, whatever its noun.

use crate::support::{Api, Who};
use serde_json::{Value, json};
use server::web::router::openapi;

pub fn operations() -> Vec<(String, String)> {
    let document = serde_json::to_value(openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let of = |(path, item): (String, Value)| item.as_object().unwrap().keys().map(|m| (m.to_uppercase(), path.clone())).collect::<Vec<_>>();
    paths.into_iter().flat_map(of).collect()
}

fn filled(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "none" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_document_is_served_and_every_reference_in_it_leads_somewhere() {
    let api = Api::new().await;
    let document = api.send("GET", "/api/openapi.json", &Who::nobody(), None).await.expect(200).json();
    assert_eq!(document["openapi"].as_str().unwrap().split('.').next(), Some("3"));
    let mut references = vec![];
    collect(&document, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    let silent =
        |(method, path): &(String, String)| document["paths"][path][method.to_lowercase()]["summary"].as_str().is_none_or(|s| s.len() < 5);
    let silent: Vec<_> = operations().into_iter().filter(silent).collect();
    assert!(silent.is_empty(), "addresses that do not say what they do: {silent:?}");
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, v)| match (key.as_str(), v.as_str()) {
            ("$ref", Some(text)) => found.push(text.to_owned()),
            _ => collect(v, found),
        }),
        Value::Array(list) => list.iter().for_each(|v| collect(v, found)),
        _ => {}
    }
}

#[tokio::test]
async fn nothing_opens_without_a_sign_in() {
    let api = Api::new().await;
    let all = operations();
    assert!(all.len() > 10);
    for (method, path) in all.iter().filter(|(m, p)| (m.as_str(), p.as_str()) != ("POST", "/api/v1/session")) {
        let body = (method != "GET").then(|| "{}".to_owned());
        let answer = api.send(method, &filled(path), &Who::nobody(), body).await;
        // A body that is not even read right is refused first; it is never done.
        assert!([400, 401].contains(&answer.status.as_u16()), "{method} {path}: {} {}", answer.status, answer.text);
        assert!(answer.status == 401 || answer.json()["code"] == "invalid");
    }
}

#[test]
fn every_operation_describes_its_errors_and_its_headers() {
    let document = serde_json::to_value(openapi()).unwrap();
    for (method, path) in operations() {
        let operation = &document["paths"][&path][method.to_lowercase()];
        let error = &operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(error, "#/components/schemas/ApiError", "{method} {path}");
        let none = vec![];
        let parameters = operation["parameters"].as_array().unwrap_or(&none);
        let named = |name: &str| parameters.iter().find(|p| p["name"] == name && p["in"] == "header");
        assert_eq!(named("X-CSRF-Token").is_some(), method != "GET", "{method} {path}");
        let kept = method == "POST" && !["/api/v1/session", "/api/v1/me/password"].contains(&path.as_str());
        assert_eq!(named("Idempotency-Key").is_some(), kept, "{method} {path}");
        let starts = ["/moves", "/failover", "/recover", "/power", "/commands"].iter().any(|end| path.ends_with(end)) && method == "POST";
        assert_eq!(named("Idempotency-Key").is_some_and(|p| p["required"] == true), starts, "{method} {path}");
        assert_eq!(named("Last-Event-ID").is_some(), path == "/api/v1/events", "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_same_way() {
    let api = Api::new().await;
    let missing = api.get("/nothing", &api.admin()).await.expect(404).json();
    assert_eq!(missing["code"], "not_found");
    let method = api.send("PATCH", "/api/v1/users", &api.admin(), None).await.expect(405);
    assert_eq!(method.json()["code"], "method_not_allowed");
    let mut allowed: Vec<&str> = method.header("allow").split(',').map(str::trim).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    api.post("/users", &api.admin(), json!([])).await.expect(400);
}
