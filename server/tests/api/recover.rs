use crate::lab::Lab;
use serde_json::{Value, json};

/// Its cloud stops answering.
async fn lost(lab: &Lab) {
    let down = json!({ "name": "berlin-1", "kind": "simulator", "site": "berlin", "fields": { "fault": "down", "site": "berlin", "machines": "20" } });
    lab.api.put(&format!("/clouds/{}", lab.berlin), &lab.admin(), down).await.expect(200);
    lab.until(&format!("/clouds/{}", lab.berlin), "it does not answer", |c| c["status"] == "unreachable").await;
}

fn action(machine: &Value) -> &Value {
    machine["actions"].as_array().unwrap().iter().find(|a| a["name"] == "recover").unwrap()
}

#[tokio::test]
async fn a_machine_whose_cloud_is_gone_is_recovered_with_a_statement() {
    let lab = Lab::new().await;
    let (api, operator, viewer) = (&lab.api, lab.api.role("operator").await, lab.api.role("viewer").await);
    let group = lab.protected("shop").await;
    let id = group["members"][0]["machine_id"].as_str().unwrap().to_owned();
    let (page, path) = (format!("/machines/{id}"), format!("/machines/{id}/recover"));
    let well = api.get(&page, &operator).await.expect(200).json();
    assert!(action(&well)["refused"].as_str().unwrap().starts_with("It has not failed"), "{well}");
    api.get(&path, &viewer).await.expect(409);
    lost(&lab).await;
    let failed = lab.until(&page, "it counts as failed", |m| action(m)["refused"].is_null()).await;
    let seen = api.get(&path, &viewer).await.expect(200).json();
    assert_eq!((seen["source_answers"].as_bool(), seen["confirm"].clone()), (Some(false), failed["name"].clone()));
    assert_eq!((seen["rows"][0]["at"]["cloud"].as_str(), seen["rows"][0]["verdict"].as_str()), (Some("dublin-1"), Some("can")), "{seen:#}");
    let mut body = json!({ "confirm": seen["confirm"] });
    api.post(&path, &viewer, body.clone()).await.expect(403);
    api.post(&path, &operator, json!({ "confirm": "x", "statement": seen["statement"] })).await.expect_field(400, "confirm");
    api.post(&path, &operator, body.clone()).await.expect_field(400, "statement");
    let bare = api.send("POST", &format!("/api/v1{path}"), &operator, Some(body.to_string())).await;
    bare.expect_field(400, "Idempotency-Key");
    body["statement"] = seen["statement"].clone();
    let keyed = operator.clone().with("idempotency-key", "once");
    let run = api.post(&path, &keyed, body.clone()).await.expect(201).json();
    assert_eq!(api.post(&path, &keyed, body).await.expect(201).json()["id"], run["id"]);
    let over = lab.over(&run).await;
    assert_eq!((over["state"].as_str(), over["statement"].clone()), (Some("succeeded"), seen["statement"].clone()), "{over:#}");
    let there = lab.until("/machines?q=site:dublin%20state:running&limit=100", "it runs at dublin", |page| {
        page["items"].as_array().unwrap().iter().any(|m| m["name"] == failed["name"] && m["role"] == "active")
    });
    there.await;
}
