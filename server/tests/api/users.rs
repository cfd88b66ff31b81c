use crate::support::{Api, PASSWORD, Who};
use serde_json::json;

#[tokio::test]
async fn only_an_administrator_manages_users() {
    let api = Api::new().await;
    for role in ["viewer", "operator"] {
        let who = api.role(role).await;
        api.get("/users", &who).await.expect(403);
        let refused = api.post("/users", &who, json!({ "name": "x", "role": "viewer" })).await.expect(403);
        assert!(refused.json()["message"].as_str().unwrap().contains("administrator"));
    }
}

#[tokio::test]
async fn wrong_input_names_the_field() {
    let api = Api::new().await;
    let admin = api.admin();
    api.post("/users", &admin, json!({ "name": "Ann B", "role": "viewer" })).await.expect_field(400, "name");
    api.post("/users", &admin, json!({ "name": "ann", "role": "viewer", "password": "short" })).await.expect_field(400, "password");
    api.post("/users", &admin, json!({ "name": 5, "role": "viewer" })).await.expect_field(400, "name");
    api.post("/users", &admin, json!({ "name": "ann", "role": "king" })).await.expect_field(400, "role");
    api.post("/users", &admin, json!({ "name": "ann", "role": "viewer" })).await.expect(201);
    api.post("/users", &admin, json!({ "name": "ann", "role": "viewer" })).await.expect_field(409, "name");
    api.send("POST", "/api/v1/users", &admin, Some("{".into())).await.expect(400);
    api.send("POST", "/api/v1/users", &admin, Some(format!("{{\"name\":\"{}\"}}", "x".repeat(2 << 20)))).await.expect(400);
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    let api = Api::new().await;
    let ann = api.person("ann", "operator").await;
    let id = api.get("/users", &api.admin()).await.json()["items"][1]["id"].as_str().unwrap().to_owned();
    api.put(&format!("/users/{id}"), &api.admin(), json!({ "disabled": true })).await.expect(200);
    api.get("/me", &ann).await.expect(401);
    api.sign_in("ann", PASSWORD).await.expect(401);
    api.put(&format!("/users/{id}"), &api.admin(), json!({ "disabled": false })).await.expect(200);
    api.sign_in("ann", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn a_new_role_counts_from_the_next_request() {
    let api = Api::new().await;
    let ann = api.person("ann", "administrator").await;
    api.get("/users", &ann).await.expect(200);
    let id = api.get("/users", &api.admin()).await.json()["items"][1]["id"].as_str().unwrap().to_owned();
    api.put(&format!("/users/{id}"), &api.admin(), json!({ "role": "viewer" })).await.expect(200);
    api.get("/users", &ann).await.expect(403);
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let api = Api::new().await;
    let id = api.get("/users", &api.admin()).await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    api.put(&format!("/users/{id}"), &api.admin(), json!({ "role": "viewer" })).await.expect(409);
    api.put(&format!("/users/{id}"), &api.admin(), json!({ "disabled": true })).await.expect(409);
    api.post("/users", &api.admin(), json!({ "name": "second", "role": "administrator" })).await.expect(201);
    api.put(&format!("/users/{id}"), &api.admin(), json!({ "disabled": true })).await.expect(200);
}

#[tokio::test]
async fn a_reset_makes_a_one_time_password_and_signs_out() {
    let api = Api::new().await;
    let ann = api.person("ann", "viewer").await;
    let id = api.get("/users", &api.admin()).await.json()["items"][1]["id"].as_str().unwrap().to_owned();
    let made = api.post(&format!("/users/{id}/password"), &api.admin(), json!({})).await.expect(200).json();
    api.get("/me", &ann).await.expect(401);
    let answer = api.sign_in("ann", made["one_time_password"].as_str().unwrap()).await.expect(200);
    assert_eq!(answer.json()["must_change_password"], true);
    api.post("/users/none/password", &api.admin(), json!({})).await.expect(404);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap() {
    let api = Api::new().await;
    for i in 0..5 {
        api.post("/users", &api.admin(), json!({ "name": format!("u{i}"), "role": "viewer" })).await.expect(201);
    }
    let (mut names, mut path) = (vec![], "/users?limit=2".to_owned());
    loop {
        let page = api.get(&path, &api.admin()).await.expect(200).json();
        names.extend(page["items"].as_array().unwrap().iter().map(|u| u["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/users?limit=2&cursor={next}");
    }
    assert_eq!(names, ["admin", "u0", "u1", "u2", "u3", "u4"]);
    api.get("/users?limit=0", &api.admin()).await.expect_field(400, "limit");
    api.get("/users?limit=many", &api.admin()).await.expect_field(400, "limit");
}

#[tokio::test]
async fn no_answer_and_no_audit_event_holds_a_secret() {
    let api = Api::new().await;
    let made = api.post("/users", &api.admin(), json!({ "name": "ann", "role": "viewer", "password": PASSWORD })).await.expect(201);
    assert!(!made.text.contains(PASSWORD) && !made.text.contains("argon2"));
    let all = format!("{}{}", api.get("/users", &api.admin()).await.text, api.get("/audit", &Who::token(&api.admin)).await.text);
    assert!(!all.contains(PASSWORD) && !all.contains("argon2") && !all.contains(&api.admin));
}
