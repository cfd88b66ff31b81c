use crate::support::{Api, Who};
use serde_json::json;

#[tokio::test]
async fn every_change_and_every_sign_in_leaves_an_event() {
    let api = Api::new().await;
    api.sign_in("admin", "wrong").await.expect(401);
    api.sign_in("admin", &api.initial_password()).await.expect(200);
    api.post("/users", &api.admin(), json!({ "name": "ann", "role": "viewer" })).await.expect(201);
    let page = api.get("/audit", &api.admin()).await.expect(200).json();
    let seen: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|e| (e["action"].as_str().unwrap(), e["ok"].as_bool().unwrap())).collect();
    assert_eq!(seen[..3], [("user.add", true), ("sign_in", true), ("sign_in", false)]);
    assert_eq!(page["items"][1]["address"], "127.0.0.1");
    assert_eq!(page["items"][0]["actor"], "token:bootstrap");
}

#[tokio::test]
async fn it_can_be_read_by_subject_and_in_pages() {
    let api = Api::new().await;
    for name in ["ann", "bob"] {
        api.post("/users", &api.admin(), json!({ "name": name, "role": "viewer" })).await.expect(201);
    }
    let of_ann = api.get("/audit?subject=ann", &api.admin()).await.json();
    assert_eq!(of_ann["items"].as_array().unwrap().len(), 1);
    let first = api.get("/audit?limit=1", &api.admin()).await.json();
    let next = api.get(&format!("/audit?limit=1&cursor={}", first["next"].as_str().unwrap()), &api.admin()).await.json();
    assert_eq!((first["items"][0]["subject"].as_str(), next["items"][0]["subject"].as_str()), (Some("bob"), Some("ann")));
    let by = |actor: &str| format!("/audit?actor={actor}");
    let of_nobody = api.get(&by("nobody"), &api.admin()).await.json();
    assert_eq!(of_nobody["items"].as_array().unwrap().len(), 0);
    let of_token = api.get(&by("token:bootstrap"), &api.admin()).await.json();
    assert_eq!(of_token["items"].as_array().unwrap().len(), 2);
    let both = api.get(&format!("{}&subject=bob", by("token:bootstrap")), &api.admin()).await.json();
    assert_eq!(both["items"].as_array().unwrap().len(), 1);
    api.get("/audit?cursor=x", &api.admin()).await.expect_field(400, "cursor");
    api.get("/audit", &Who::nobody()).await.expect(401);
}
