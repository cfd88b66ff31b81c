use crate::lab::Lab;
use serde_json::json;

#[tokio::test]
async fn a_group_is_made_changed_paused_and_ended() {
    let lab = Lab::new().await;
    let (api, admin, operator) = (&lab.api, lab.admin(), lab.api.role("operator").await);
    let group = lab.protected("shop").await;
    let path = format!("/groups/{}", group["id"].as_str().unwrap());
    assert_eq!(api.get("/groups", &operator).await.expect(200).json()["items"][0]["name"], "shop");
    let two = lab.running(2).await;
    let fresh = two.iter().find(|id| group["members"][0]["machine_id"] != **id).unwrap().clone();
    let grown = api.post(&format!("{path}/members"), &admin, json!({ "machine_ids": [fresh] })).await.expect(200).json();
    assert_eq!(grown["members"].as_array().unwrap().len(), 2);
    let added = grown["members"].as_array().unwrap().iter().find(|m| m["machine_id"] == json!(fresh)).unwrap()["id"].clone();
    assert_eq!(api.post(&format!("{path}/pause"), &operator, json!({})).await.expect(200).json()["paused"], true);
    assert_eq!(api.post(&format!("{path}/resume"), &operator, json!({})).await.expect(200).json()["paused"], false);
    let left = api.delete(&format!("{path}/members/{}", added.as_str().unwrap()), &admin).await.expect(200).json();
    assert_eq!(left["members"].as_array().unwrap().len(), 1);
    let mut changed = lab.new_group("shop two", &[]);
    changed["policy"]["rpo_seconds"] = json!(30);
    let after = api.put(&path, &admin, changed).await.expect(200).json();
    assert_eq!((after["name"].as_str(), after["policy"]["rpo_seconds"].as_u64()), (Some("shop two"), Some(30)));
    assert_eq!(after["members"].as_array().unwrap().len(), 1, "a change ends nobody's protection");
    api.delete(&path, &admin).await.expect(204);
    api.get(&path, &admin).await.expect(404);
}

#[tokio::test]
async fn wrong_input_names_the_field() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let group = || lab.new_group("shop", &[]);
    for (field, value) in [("name", json!("")), ("protected_site", json!("paris")), ("target_cloud_id", json!("none"))] {
        let mut wrong = group();
        wrong[field] = value;
        api.post("/groups", &admin, wrong).await.expect_field(400, field);
    }
    let mut misspelt = group();
    misspelt["policy"]["rpo"] = json!(5);
    api.post("/groups", &admin, misspelt).await.expect_field(400, "policy.rpo");
    api.post("/groups", &admin, group()).await.expect(201);
    api.post("/groups", &admin, group()).await.expect_field(409, "name");
    api.get("/groups?limt=1", &admin).await.expect_field(400, "limt");
}

#[tokio::test]
async fn a_change_of_what_somebody_else_changed_is_refused() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let made = api.post("/groups", &admin, lab.new_group("shop", &[])).await.expect(201).json();
    let path = format!("/groups/{}", made["id"].as_str().unwrap());
    let seen = made["version"].as_i64().unwrap();
    let change = |rpo: u32| {
        let mut group = lab.new_group("shop", &[]);
        group["policy"]["rpo_seconds"] = json!(rpo);
        group
    };
    let from = |version: i64| admin.clone().with("if-match", &format!("\"{version}\""));
    assert_eq!(api.put(&path, &from(seen), change(10)).await.expect(200).json()["version"], seen + 1);
    let refused = api.put(&path, &from(seen), change(20)).await.expect(409).json();
    assert!(refused["message"].as_str().unwrap().contains("changed by token:bootstrap"), "{refused}");
    assert_eq!(api.get(&path, &admin).await.json()["policy"]["rpo_seconds"], 10);
    api.put(&path, &from(seen + 1), change(20)).await.expect(200);
    api.put(&path, &admin, change(30)).await.expect(200);
    api.put(&path, &admin.clone().with("if-match", "yesterday"), change(30)).await.expect_field(400, "If-Match");
}
