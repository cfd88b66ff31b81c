use crate::{
    lab::Lab,
    support::{Api, Who},
};
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

#[tokio::test]
async fn a_change_whose_event_cannot_be_written_does_not_happen() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let group = api.post("/groups", &admin, lab.new_group("shop", &[])).await.expect(201).json();
    let user = api.post("/users", &admin, json!({ "name": "ann", "role": "viewer" })).await.expect(201).json();
    let machine = lab.running(1).await.remove(0);
    // As a full disk would, for this table.
    api.sql(
        "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END",
        "ALTER TABLE audit ADD CONSTRAINT full_disk CHECK (seq < 0) NOT VALID",
    )
    .await;
    let new = [
        ("/users", json!({ "name": "bob", "role": "viewer" })),
        ("/tokens", json!({ "name": "t", "purpose": "api" })),
        ("/clouds", json!({ "name": "paris-1", "kind": "simulator", "site": "paris" })),
        ("/groups", lab.new_group("other", &[])),
        ("/plans", json!({ "name": "p", "group_ids": [group["id"]] })),
        ("/moves", lab.move_of(&machine)),
    ];
    for (path, body) in new {
        let list = if path == "/moves" { "/runs" } else { path };
        let before = api.get(list, &admin).await.expect(200).json()["items"].as_array().unwrap().len();
        api.post(path, &admin, body).await.expect(500);
        assert_eq!(api.get(list, &admin).await.json()["items"].as_array().unwrap().len(), before, "{path}");
    }
    let user = format!("/users/{}", user["user"]["id"].as_str().unwrap());
    api.put(&user, &admin, json!({ "role": "administrator" })).await.expect(500);
    api.delete(&format!("/groups/{}", group["id"].as_str().unwrap()), &admin).await.expect(500);
    api.delete(&format!("/clouds/{}", lab.dublin), &admin).await.expect(409);
    api.sql("DROP TRIGGER full", "ALTER TABLE audit DROP CONSTRAINT full_disk").await;
    assert_eq!(api.get("/users", &admin).await.json()["items"][1]["role"], "viewer");
    api.get(&format!("/groups/{}", group["id"].as_str().unwrap()), &admin).await.expect(200);
}

#[tokio::test]
async fn what_is_refused_leaves_an_event_too() {
    let lab = Lab::new().await;
    let (api, viewer) = (&lab.api, lab.api.role("viewer").await);
    api.post("/users", &viewer, json!({ "name": "bob", "role": "viewer" })).await.expect(403);
    api.post("/tokens", &viewer, json!({ "name": "bob", "purpose": "api" })).await.expect(403);
    api.post("/groups", &viewer, lab.new_group("bob", &[])).await.expect(403);
    api.post("/plans", &viewer, json!({ "name": "bob", "group_ids": [] })).await.expect(403);
    api.post("/alarms/bob/acknowledge", &viewer, json!({})).await.expect(403);
    api.post("/users", &lab.admin(), json!({ "name": "bob", "role": "viewer", "password": "short" })).await.expect(400);
    let page = api.get("/audit?subject=bob", &viewer).await.expect(200).json();
    let seen: Vec<_> =
        page["items"].as_array().unwrap().iter().map(|e| (e["action"].as_str().unwrap(), e["ok"].as_bool().unwrap())).collect();
    assert_eq!(
        seen,
        [
            ("user.add", false),
            ("alarm.acknowledge", false),
            ("plan.create", false),
            ("group.add", false),
            ("token.create", false),
            ("user.add", false)
        ]
    );
}
