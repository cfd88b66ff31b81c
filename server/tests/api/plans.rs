use crate::lab::Lab;
use serde_json::json;

#[tokio::test]
async fn a_plan_is_made_checked_changed_and_deleted() {
    let lab = Lab::new().await;
    let (api, admin, operator) = (&lab.api, lab.admin(), lab.api.role("operator").await);
    let group = lab.protected("shop").await;
    let made = lab.plan("shop", &group).await;
    assert_eq!((made["protected_site"].as_str(), made["recovery_site"].as_str()), (Some("berlin"), Some("dublin")));
    assert!(made["checked_at"].is_i64(), "a plan that was just written says whether it would work");
    let path = format!("/plans/{}", made["id"].as_str().unwrap());
    assert_eq!(api.get("/plans?limit=1", &operator).await.expect(200).json()["items"][0]["id"], made["id"]);
    api.post(&format!("{path}/check"), &operator, json!({})).await.expect(200);
    api.post(&format!("{path}/check"), &operator, json!({ "dry": true })).await.expect_field(400, "dry");
    let member = group["members"][0]["id"].clone();
    let spec = json!({ "name": "shop", "group_ids": [group["id"]], "machines": [{ "member_id": member, "priority": 1 }] });
    let after = api.put(&path, &admin, spec).await.expect(200).json();
    assert_eq!((after["machines"][0]["priority"].as_u64(), after["version"].as_i64()), (Some(1), Some(2)));
    let group_path = format!("/groups/{}", group["id"].as_str().unwrap());
    api.delete(&group_path, &admin).await.expect(409);
    api.delete(&path, &admin).await.expect(204);
    api.get(&path, &admin).await.expect(404);
}

#[tokio::test]
async fn wrong_input_names_the_field() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let group = api.post("/groups", &admin, lab.new_group("shop", &[])).await.expect(201).json();
    api.post("/plans", &admin, json!({ "name": "", "group_ids": [group["id"]] })).await.expect_field(400, "name");
    api.post("/plans", &admin, json!({ "name": "p", "group_ids": ["none"] })).await.expect(400);
    let machine = json!({ "member_id": "m", "priorty": 1, "health": { "type": "http", "prt": 8080 } });
    let misspelt = json!({ "name": "p", "group_ids": [group["id"]], "machines": [machine] });
    let answer = api.post("/plans", &admin, misspelt).await.expect(400).json();
    let fields: Vec<&str> = answer["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["machines[0].health.prt", "machines[0].priorty"]);
    lab.plan("p", &group).await;
    api.post("/plans", &admin, json!({ "name": "p", "group_ids": [group["id"]] })).await.expect_field(400, "name");
}

#[tokio::test]
async fn a_change_of_what_somebody_else_changed_is_refused() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let group = api.post("/groups", &admin, lab.new_group("shop", &[])).await.expect(201).json();
    let plan = lab.plan("shop", &group).await;
    let path = format!("/plans/{}", plan["id"].as_str().unwrap());
    let spec = |name: &str| json!({ "name": name, "group_ids": [group["id"]] });
    let from = |version: i64| admin.clone().with("if-match", &version.to_string());
    // Checking it is no change.
    api.post(&format!("{path}/check"), &admin, json!({})).await.expect(200);
    api.put(&path, &from(1), spec("shop one")).await.expect(200);
    let refused = api.put(&path, &from(1), spec("shop two")).await.expect(409).json();
    assert!(refused["message"].as_str().unwrap().contains("Read it again"), "{refused}");
    assert_eq!(api.get(&path, &admin).await.json()["name"], "shop one");
}
