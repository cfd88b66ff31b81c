use crate::{
    clouds::{looking, simulated},
    support::{Api, Who},
};
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

#[tokio::test]
async fn what_starts_something_takes_a_key_from_programs_and_browsers_alike() {
    let api = Api::new().await;
    let person = api.person("ann", "operator").await;
    for path in ["/moves", "/sites/berlin/failover", "/machines/m/power", "/runs/r/commands"] {
        for who in [&api.admin(), &person] {
            let answer = api.send("POST", &format!("/api/v1{path}"), who, Some("{}".into())).await.expect_field(400, "Idempotency-Key");
            assert!(answer.json()["message"].as_str().unwrap().contains("new for each new request"), "{path}");
        }
        api.send("POST", &format!("/api/v1{path}"), &Who::nobody(), Some("{}".into())).await.expect(401);
    }
    // What changes nothing, or can be seen to be there twice, does without.
    api.send("POST", "/api/v1/users", &api.admin(), Some(json!({ "name": "bob", "role": "viewer" }).to_string())).await.expect(201);
}

#[tokio::test]
async fn an_act_whose_answer_got_lost_is_not_done_again() {
    use server::clouds::{
        error::Kind,
        simulator::{self, Fault},
    };
    let api = looking().await;
    let world = server::state::new_id();
    let fields = json!({ "machines": "3", "site": "berlin", "world": world });
    api.post("/clouds", &api.admin(), simulated("berlin-1", "berlin", fields)).await.expect(201);
    let machine = loop {
        let page = api.get("/machines?q=state:running", &api.admin()).await.expect(200).json();
        match page["items"][0]["id"].as_str() {
            Some(id) => break id.to_owned(),
            None => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    let (path, off) = (format!("/machines/{machine}/power"), json!({ "action": "power_off" }));
    let cloud = simulator::world(&world).unwrap();
    // It begins to act, and nobody knows what came of it.
    cloud.fail("stop", 1, 1, Fault::Error(Kind::Unknown, "The answer got lost.".into()));
    let keyed = api.admin().with("idempotency-key", "lost");
    let first = api.post(&path, &keyed, off.clone()).await.expect(503);
    let again = api.post(&path, &keyed, off.clone()).await.expect(503);
    assert_eq!((first.text, again.header("idempotency-replayed")), (again.text.clone(), "true"));
    let state = api.get(&format!("/machines/{machine}"), &api.admin()).await.json()["state"].clone();
    assert_eq!(state, "running", "the repeated request did not do it behind anybody's back");
    api.post(&path, &api.admin(), off).await.expect(200);
}

#[tokio::test]
async fn a_request_that_the_node_died_in_says_what_to_do() {
    let api = Api::new().await;
    let body = json!({ "name": "ann", "role": "viewer" });
    let hash = api.node.secrets.fingerprint(body.to_string().as_bytes()).unwrap();
    let hour = 60 * 60 * 1000;
    let (now, db) = (server::state::now(), &api.node.db);
    let claim = |key: &'static str, at: i64| server::store::idempotency::claim(db, key, "token:bootstrap", "/api/v1/users", &hash, at);
    assert!(claim("died", now - hour / 2).await.unwrap() && claim("busy", now + 1000).await.unwrap());
    let died = api.post("/users", &api.admin().with("idempotency-key", "died"), body.clone()).await.expect(409).json();
    assert!(died["message"].as_str().unwrap().contains("with a new key") && died["retry_after"].is_null(), "{died}");
    let busy = api.post("/users", &api.admin().with("idempotency-key", "busy"), body.clone()).await.expect(409).json();
    assert_eq!(busy["retry_after"], 1, "{busy}");
    // Not for a day, as an answer is.
    server::store::idempotency::sweep(db, now - 24 * hour, now - hour / 4).await.unwrap();
    api.post("/users", &api.admin().with("idempotency-key", "died"), body).await.expect(201);
}
