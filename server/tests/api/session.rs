use crate::support::{Api, PASSWORD, Who};
use serde_json::json;

#[tokio::test]
async fn the_first_sign_in_must_replace_the_one_time_password() {
    let api = Api::new().await;
    let first = api.initial_password();
    let answer = api.sign_in("admin", &first).await.expect(200);
    assert_eq!(answer.json()["must_change_password"], true);
    let who = Who::session(&answer.cookie(), answer.json()["csrf"].as_str().unwrap());
    api.get("/users", &who).await.expect(403);
    api.get("/me", &who).await.expect(200);
    api.post("/me/password", &who, json!({ "old": first, "new": "short" })).await.expect_field(400, "new");
    api.post("/me/password", &who, json!({ "old": "wrong", "new": PASSWORD })).await.expect_field(400, "old");
    let me = api.post("/me/password", &who, json!({ "old": first, "new": PASSWORD })).await.expect(200);
    assert_eq!(me.json()["must_change_password"], false);
    api.get("/users", &who).await.expect(200);
    assert!(!api.dir.path().join("data/initial-password").exists());
    api.sign_in("admin", &first).await.expect(401);
    api.sign_in("admin", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_and_its_secret_is_nowhere() {
    let api = Api::new().await;
    let answer = api.sign_in("admin", &api.initial_password()).await.expect(200);
    let cookie = answer.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains("Secure"), "{cookie}");
    let secret = answer.cookie().split_once('=').unwrap().1.to_owned();
    let rows = session_ids(&api).await;
    assert!(rows.len() == 1 && rows[0] != secret && rows[0].len() == 64);
}

async fn session_ids(api: &Api) -> Vec<String> {
    let sql = "SELECT id FROM sessions";
    match &api.node.db {
        server::store::Db::Lite(p) => sqlx::query_scalar(sql).fetch_all(p).await.unwrap(),
        server::store::Db::Pg(p) => sqlx::query_scalar(sql).fetch_all(p).await.unwrap(),
    }
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure() {
    let settings = server::config::Settings { public_url: Some("https://console.example".into()), ..Default::default() };
    let api = Api::with(settings).await;
    let answer = api.sign_in("admin", &api.initial_password()).await.expect(200);
    assert!(answer.header("set-cookie").contains("; Secure"));
    assert!(answer.header("strict-transport-security").starts_with("max-age"));
}

#[tokio::test]
async fn a_change_needs_the_csrf_token_and_no_foreign_page_can_make_one() {
    let api = Api::new().await;
    let who = api.person("ann", "administrator").await;
    let new = json!({ "name": "bob", "role": "viewer" });
    let cookie = Who::cookie(&who.0[0].1);
    api.post("/users", &cookie, new.clone()).await.expect(403);
    api.post("/users", &cookie.clone().with("x-csrf-token", "guessed"), new.clone()).await.expect(403);
    api.post("/users", &who.clone().with("sec-fetch-site", "cross-site"), new.clone()).await.expect(403);
    let sign_in = json!({ "name": "ann", "password": PASSWORD });
    api.post("/session", &Who::nobody().with("sec-fetch-site", "cross-site"), sign_in).await.expect(403);
    api.post("/users", &who.with("sec-fetch-site", "same-origin"), new).await.expect(201);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let api = Api::new().await;
    let who = api.person("ann", "viewer").await;
    let answer = api.delete("/session", &who).await.expect(204);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    api.get("/me", &who).await.expect(401);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let api = Api::new().await;
    let here = api.person("ann", "viewer").await;
    let answer = api.sign_in("ann", PASSWORD).await.expect(200);
    let there = Who::cookie(&answer.cookie());
    api.get("/me", &there).await.expect(200);
    api.post("/me/password", &here, json!({ "old": PASSWORD, "new": "a heron reads maps" })).await.expect(200);
    api.get("/me", &there).await.expect(401);
    api.get("/me", &here).await.expect(200);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_for_how_long() {
    let api = Api::new().await;
    for _ in 0..8 {
        api.sign_in("admin", "wrong").await.expect(401);
    }
    let answer = api.sign_in("admin", &api.initial_password()).await.expect(429);
    let wait = answer.json()["retry_after"].as_u64().unwrap();
    assert!((1..=300).contains(&wait) && answer.header("retry-after") == wait.to_string());
    // The same words for a wrong password and for a name that does not exist.
    let (known, unknown) = (api.sign_in("ann", "wrong").await.json(), api.sign_in("nobody", "wrong").await.json());
    assert_eq!(known["message"], unknown["message"]);
}

#[tokio::test]
async fn many_at_once_get_no_more_tries_than_one_after_the_other() {
    let api = Api::new().await;
    let all = (0..40).map(|_| api.sign_in("admin", "wrong"));
    let codes: Vec<u16> = futures::future::join_all(all).await.iter().map(|a| a.status.as_u16()).collect();
    assert_eq!(codes.iter().filter(|c| **c == 401).count(), 8, "{codes:?}");
    assert!(codes.iter().all(|c| [401, 429].contains(c)));
    let audit = api.get("/audit?subject=admin", &api.admin()).await.json();
    let waits = |e: &&serde_json::Value| e["action"] == "sign_in" && e["detail"].as_str().unwrap().starts_with("Too many");
    assert_eq!(audit["items"].as_array().unwrap().iter().filter(waits).count(), 1, "once in a window");
}

#[tokio::test]
async fn nobody_can_lock_the_administrator_out() {
    let proxy = server::config::Settings { trusted_proxy: vec!["127.0.0.1".parse().unwrap()], ..Default::default() };
    let api = Api::with(proxy).await;
    let body = |password: &str| json!({ "name": "admin", "password": password });
    let from = |address: &str| Who::nobody().with("x-forwarded-for", address);
    for _ in 0..8 {
        api.post("/session", &from("203.0.113.9"), body("wrong")).await.expect(401);
    }
    api.post("/session", &from("203.0.113.9"), body(&api.initial_password())).await.expect(429);
    api.post("/session", &from("198.51.100.7"), body(&api.initial_password())).await.expect(200);
}

#[tokio::test]
async fn behind_a_proxy_its_own_word_counts_and_not_what_a_stranger_wrote_before() {
    let proxy =
        server::config::Settings { trusted_proxy: vec!["127.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()], ..Default::default() };
    let api = Api::with(proxy).await;
    let lines =
        [vec!["198.51.100.1", "203.0.113.5"], vec!["198.51.100.1, 203.0.113.5"], vec!["198.51.100.1", "203.0.113.5:4711, 10.0.0.2"]];
    for lines in lines {
        let who = lines.iter().fold(Who::nobody(), |who, line| who.with("x-forwarded-for", line));
        api.post("/session", &who, json!({ "name": "eve", "password": "wrong" })).await.expect(401);
        let audit = api.get("/audit?subject=eve&limit=1", &api.admin()).await.json();
        assert_eq!(audit["items"][0]["address"], "203.0.113.5", "{lines:?}");
    }
}
