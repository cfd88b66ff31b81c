use crate::support::{Api, Who};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A node that looks at its clouds.
pub async fn looking() -> Api {
    let api = Api::new().await;
    server::inventory::start(&api.node).await.unwrap();
    api
}

pub fn simulated(name: &str, site: &str, fields: Value) -> Value {
    json!({ "name": name, "kind": "simulator", "site": site, "fields": fields })
}

/// Added, and looked at once.
pub async fn added(api: &Api, name: &str, site: &str) -> String {
    let cloud = simulated(name, site, json!({ "machines": "20", "site": site }));
    let id = api.post("/clouds", &api.admin(), cloud).await.expect(201).json()["id"].as_str().unwrap().to_owned();
    let end = Instant::now() + Duration::from_secs(20);
    while api.get(&format!("/clouds/{id}"), &api.admin()).await.expect(200).json()["machines"] != 20 {
        assert!(Instant::now() < end, "no first look at {name}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    id
}

#[tokio::test]
async fn roles_are_checked() {
    let api = looking().await;
    let id = added(&api, "berlin-1", "berlin").await;
    let (viewer, operator) = (api.role("viewer").await, api.role("operator").await);
    let cloud = || simulated("x", "berlin", json!({}));
    for who in [&viewer, &operator] {
        api.get("/clouds", who).await.expect(200);
        api.get("/drivers", who).await.expect(200);
        api.post("/clouds", who, cloud()).await.expect(403);
        api.post("/clouds/probe", who, cloud()).await.expect(403);
        api.put(&format!("/clouds/{id}"), who, cloud()).await.expect(403);
        api.delete(&format!("/clouds/{id}"), who).await.expect(403);
    }
    api.post(&format!("/clouds/{id}/refresh"), &viewer, json!({})).await.expect(403);
    api.post(&format!("/clouds/{id}/refresh"), &operator, json!({})).await.expect(202);
    api.get("/clouds", &Who::nobody()).await.expect(401);
}

#[tokio::test]
async fn wrong_input_names_every_field() {
    let api = looking().await;
    added(&api, "berlin-1", "berlin").await;
    let admin = api.admin();
    let wrong = simulated("bad/name", "", json!({ "machines": "many", "fault": "odd", "colour": "red" }));
    let answer = api.post("/clouds", &admin, wrong).await.expect(400).json();
    let fields: Vec<&str> = answer["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "site", "fields.machines", "fields.fault", "fields.colour"]);
    api.post("/clouds", &admin, simulated("Berlin-1", "x", json!({}))).await.expect_field(409, "name");
    api.post("/clouds", &admin, simulated("x", "x", json!({ "machines": "-1" }))).await.expect_field(400, "fields.machines");
    api.post("/clouds", &admin, json!({ "name": "x", "kind": "nimbus", "site": "x" })).await.expect_field(400, "kind");
    let mut pinned = simulated("x", "x", json!({}));
    pinned["fingerprint"] = json!("abc");
    api.post("/clouds", &admin, pinned).await.expect_field(400, "fingerprint");
}

#[tokio::test]
async fn what_cannot_be_used_is_not_added() {
    let api = looking().await;
    let admin = api.admin();
    for (fault, status, word) in [("refused", 400, "credentials"), ("down", 503, "connection")] {
        let cloud = simulated("x", "x", json!({ "fault": fault }));
        let report = api.post("/clouds/probe", &admin, cloud.clone()).await.expect(200).json();
        assert_eq!((report["ok"].as_bool(), report["problems"][0]["subject"].as_str()), (Some(false), Some(word)));
        let answer = api.post("/clouds", &admin, cloud).await.expect(status).json();
        assert!(answer["message"].as_str().unwrap().starts_with(word));
    }
    assert_eq!(api.get("/clouds", &admin).await.json()["total"], 0);
    let audit = api.get("/audit?subject=x", &admin).await.json();
    assert!(audit["items"].as_array().unwrap().iter().all(|e| e["action"] == "cloud.add" && e["ok"] == false));
}

#[tokio::test]
async fn a_cloud_is_changed_and_removed() {
    let api = looking().await;
    let admin = api.admin();
    let id = added(&api, "berlin-1", "berlin").await;
    let path = format!("/clouds/{id}");
    let changed = simulated("berlin-one", "berlin", json!({ "machines": "20", "site": "berlin" }));
    assert_eq!(api.put(&path, &admin, changed).await.expect(200).json()["name"], "berlin-one");
    let other = json!({ "name": "x", "kind": "libvirt", "site": "x" });
    api.put(&path, &admin, other).await.expect_field(400, "kind");
    let resources = api.get(&format!("{path}/resources"), &admin).await.expect(200).json();
    assert_eq!(resources["hosts"].as_array().unwrap().len(), 4);
    let requests = api.get(&format!("{path}/requests"), &admin).await.expect(200).json();
    assert_eq!((&requests["total"], &requests["counts"]), (&json!(0), &json!([])), "nobody bills a simulator's");
    api.delete(&path, &admin).await.expect(204);
    api.get(&path, &admin).await.expect(404);
    api.delete(&path, &admin).await.expect(404);
    assert_eq!(api.get("/machines", &admin).await.json()["total"], 0);
}

#[tokio::test]
async fn secrets_never_come_back() {
    let api = looking().await;
    let drivers = api.get("/drivers", &api.admin()).await.expect(200).json();
    let secret = |f: &&Value| matches!(f["input"]["type"].as_str(), Some("secret" | "long_secret"));
    let libvirt = drivers.as_array().unwrap().iter().find(|d| d["kind"] == "libvirt");
    let Some(libvirt) = libvirt else { return };
    let secrets: Vec<&Value> = libvirt["fields"].as_array().unwrap().iter().filter(secret).collect();
    assert!(!secrets.is_empty(), "its keys are declared secret");
}
