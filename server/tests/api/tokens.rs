use crate::support::{Api, Who};
use serde_json::json;

#[tokio::test]
async fn a_token_opens_until_it_is_revoked() {
    let api = Api::new().await;
    let made = api.post("/tokens", &api.admin(), json!({ "name": "ci", "purpose": "api", "role": "operator" })).await.expect(201).json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("cfa_") && secret.len() == 47);
    let who = Who::token(secret);
    let me = api.get("/me", &who).await.expect(200).json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("token:ci"), Some("operator")));
    api.get("/tokens", &who).await.expect(403);
    let id = made["token"]["id"].as_str().unwrap();
    let list = api.get("/tokens", &api.admin()).await.expect(200);
    assert!(!list.text.contains(secret) && list.json()["items"][0]["last_used_at"].is_i64());
    api.delete(&format!("/tokens/{id}"), &api.admin()).await.expect(200);
    api.get("/me", &who).await.expect(401);
    api.delete("/tokens/none", &api.admin()).await.expect(404);
}

#[tokio::test]
async fn a_wallboard_token_opens_no_api_and_an_api_token_no_wallboard() {
    let api = Api::new().await;
    let made = api.post("/tokens", &api.admin(), json!({ "name": "wall", "purpose": "wallboard" })).await.expect(201).json();
    let secret = made["secret"].as_str().unwrap();
    assert!(made["link"].as_str().unwrap().ends_with(&format!("/wallboard/{secret}")));
    assert!(made["qr_svg"].as_str().unwrap().starts_with("<svg"));
    api.get("/me", &Who::token(secret)).await.expect(401);
    api.send("GET", &format!("/wallboard/{}", api.admin), &Who::nobody(), None).await.expect(401);
}

#[tokio::test]
async fn wrong_input_names_the_field() {
    let api = Api::new().await;
    let bad = json!({ "name": "wall", "purpose": "wallboard", "role": "administrator" });
    api.post("/tokens", &api.admin(), bad).await.expect_field(400, "role");
    api.post("/tokens", &api.admin(), json!({ "name": "", "purpose": "api" })).await.expect_field(400, "name");
    let zero = json!({ "name": "a", "purpose": "api", "expires_in_days": 0 });
    api.post("/tokens", &api.admin(), zero).await.expect_field(400, "expires_in_days");
}

#[tokio::test]
async fn a_wrong_token_is_never_taken_for_nobody() {
    let api = Api::new().await;
    let body = json!({ "name": "admin", "password": api.initial_password() });
    api.post("/session", &Who::token("cfa_wrong"), body).await.expect(401);
}

#[tokio::test]
async fn a_link_begins_with_the_address_that_the_browser_came_by() {
    let new = json!({ "name": "wall", "purpose": "wallboard" });
    let api = Api::new().await;
    let from = |host: &str| api.admin().with("host", host);
    let made = api.post("/tokens", &from("console.example:8443"), new.clone()).await.expect(201).json();
    assert!(made["link"].as_str().unwrap().starts_with("http://console.example:8443/wallboard/") && made["link_note"].is_null());
    let here = api.post("/tokens", &from("127.0.0.1:8080"), new.clone()).await.expect(201).json();
    assert!(here["link_note"].as_str().unwrap().contains("--public-url"), "{here}");
    let strange = api.post("/tokens", &from("evil.example/x?"), new.clone()).await.expect(201).json();
    assert!(strange["link"].as_str().unwrap().starts_with("http://127.0.0.1:8080/"));
    // What the administrator said counts, whatever the browser says.
    let said = server::config::Settings { public_url: Some("https://wall.example".into()), ..Default::default() };
    let api = Api::with(said).await;
    let made = api.post("/tokens", &api.admin().with("host", "other.example"), new).await.expect(201).json();
    assert!(made["link"].as_str().unwrap().starts_with("https://wall.example/wallboard/"));
}
