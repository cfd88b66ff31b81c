use crate::support::Api;
use serde_json::json;

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_works_once() {
    let api = Api::new().await;
    let who = api.admin().with("idempotency-key", "k1");
    let new = json!({ "name": "ann", "role": "viewer" });
    let first = api.post("/users", &who, new.clone()).await.expect(201);
    let second = api.post("/users", &who, new.clone()).await.expect(201);
    assert_eq!((&first.text, second.header("idempotency-replayed")), (&second.text, "true"));
    assert_eq!(api.get("/users", &api.admin()).await.json()["items"].as_array().unwrap().len(), 2);
    // Another request, or another actor, is another matter.
    api.post("/users", &who, json!({ "name": "bob", "role": "viewer" })).await.expect(409);
    api.post("/tokens", &who, json!({ "name": "t", "purpose": "api" })).await.expect(409);
    let other = api.role("administrator").await.with("idempotency-key", "k1");
    api.post("/users", &other, json!({ "name": "bob", "role": "viewer" })).await.expect(201);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let api = Api::new().await;
    let who = api.admin().with("idempotency-key", "k2");
    api.post("/users", &who, json!({ "name": "A B", "role": "viewer" })).await.expect(400);
    api.post("/users", &who, json!({ "name": "ann", "role": "viewer" })).await.expect(201);
    let long = api.admin().with("idempotency-key", &"x".repeat(200));
    api.post("/users", &long, json!({ "name": "cid", "role": "viewer" })).await.expect_field(400, "Idempotency-Key");
}

#[tokio::test]
async fn the_store_keeps_no_secret_of_an_answer() {
    let api = Api::new().await;
    let who = api.admin().with("idempotency-key", "k3");
    let made = api.post("/tokens", &who, json!({ "name": "t", "purpose": "api" })).await.expect(201).json();
    let sql = "SELECT answer FROM idempotency WHERE key = 'k3'";
    let kept: String = match &api.node.db {
        server::store::Db::Lite(p) => sqlx::query_scalar(sql).fetch_one(p).await.unwrap(),
        server::store::Db::Pg(p) => sqlx::query_scalar(sql).fetch_one(p).await.unwrap(),
    };
    assert!(!kept.contains(made["secret"].as_str().unwrap()));
    assert_eq!(api.post("/tokens", &who, json!({ "name": "t", "purpose": "api" })).await.json()["secret"], made["secret"]);
}

#[tokio::test]
async fn two_at_once_work_once() {
    let api = Api::new().await;
    let who = api.admin().with("idempotency-key", "k4");
    let new = json!({ "name": "ann", "role": "viewer" });
    let (a, b) = tokio::join!(api.post("/users", &who, new.clone()), api.post("/users", &who, new));
    let codes = [a.status.as_u16(), b.status.as_u16()];
    assert!(codes.contains(&201) && codes.iter().all(|c| [201, 409].contains(c)), "{codes:?}");
    assert_eq!(api.get("/users", &api.admin()).await.json()["items"].as_array().unwrap().len(), 2);
}
