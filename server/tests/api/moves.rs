use crate::lab::Lab;
use serde_json::json;

#[tokio::test]
async fn a_machine_moves_and_is_seen_where_it_went() {
    let lab = Lab::new().await;
    let (api, operator) = (&lab.api, lab.api.role("operator").await);
    let machine = lab.running(1).await.remove(0);
    let check = api.post("/moves/preflight", &operator, lab.move_of(&machine)).await.expect(200).json();
    assert!(check["problems"].as_array().unwrap().iter().all(|p| p["severity"] != "critical"), "{check}");
    let run = api.post("/moves", &operator, lab.move_of(&machine)).await.expect(201).json();
    assert_eq!((run["kind"].as_str(), run["created_by"].as_str()), (Some("move"), Some("token:operator")));
    // Another one cannot have it meanwhile, or after it: it is not the active copy any more.
    api.post("/moves", &operator, lab.move_of(&machine)).await.expect(409);
    let over = lab.over(&run).await;
    assert_eq!(over["state"], "succeeded", "{over:#}");
    let left = api.get(&format!("/machines/{machine}"), &operator).await.expect(200).json();
    assert_eq!(left["role"], "superseded");
    let there = left["copies"].as_array().unwrap().iter().find(|c| c["role"] == "active").unwrap().clone();
    assert_eq!((there["site"].as_str(), there["state"].as_str()), (Some("dublin"), Some("running")));
}

#[tokio::test]
async fn what_is_in_the_way_is_told_before_and_starts_nothing() {
    let lab = Lab::new().await;
    let (api, operator) = (&lab.api, lab.api.role("operator").await);
    let machine = lab.running(1).await.remove(0);
    let home = json!({ "machine_id": machine, "target_cloud_id": lab.berlin });
    let start = api.post("/moves", &operator, home).await;
    assert!(start.status.is_client_error(), "{}", start.text);
    let mut misspelt = lab.move_of(&machine);
    misspelt["target_cloud"] = json!("dublin-1");
    api.post("/moves", &operator, misspelt).await.expect_field(400, "target_cloud");
    let nowhere = json!({ "machine_id": "none", "target_cloud_id": lab.dublin });
    assert!(api.post("/moves", &operator, nowhere).await.status.is_client_error());
    assert_eq!(api.get("/runs", &operator).await.expect(200).json()["items"], json!([]));
    let audit = api.get(&format!("/audit?subject={machine}"), &operator).await.json();
    assert_eq!((audit["items"][0]["action"].as_str(), audit["items"][0]["ok"].as_bool()), (Some("run.start"), Some(false)));
}

#[tokio::test]
async fn a_start_takes_a_key_and_happens_once() {
    let lab = Lab::new().await;
    let (api, operator) = (&lab.api, lab.api.role("operator").await);
    let machine = lab.running(1).await.remove(0);
    let body = lab.move_of(&machine);
    let bare = api.send("POST", "/api/v1/moves", &operator, Some(body.to_string())).await.expect_field(400, "Idempotency-Key");
    assert!(bare.json()["message"].as_str().unwrap().contains("UUID"));
    let keyed = operator.with("idempotency-key", "once");
    let first = api.post("/moves", &keyed, body.clone()).await.expect(201).json();
    let again = api.post("/moves", &keyed, body).await.expect(201);
    assert_eq!((again.json()["id"].clone(), again.header("idempotency-replayed")), (first["id"].clone(), "true"));
    assert_eq!(api.get("/runs", &lab.admin()).await.json()["items"].as_array().unwrap().len(), 1);
    lab.over(&first).await;
}
