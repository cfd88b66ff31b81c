use crate::{clouds::simulated, lab::Lab};
use serde_json::json;

#[tokio::test]
async fn a_site_that_answers_is_failed_over() {
    let lab = Lab::new().await;
    let (api, operator) = (&lab.api, lab.api.role("operator").await);
    let group = lab.protected("shop").await;
    let plan = lab.plan("shop", &group).await;
    let radius = api.get("/sites/berlin/failover", &operator).await.expect(200).json();
    assert_eq!((radius["confirm"].as_str(), radius["site_answers"].as_bool()), (Some("berlin"), Some(true)));
    assert_eq!((radius["machines"].as_array().unwrap().len(), radius["statement"].as_str()), (1, None));
    api.get("/sites/paris/failover", &operator).await.expect(404);
    api.post("/sites/berlin/failover", &operator, json!({ "confirm": "dublin" })).await.expect_field(400, "confirm");
    let run =
        api.post("/sites/berlin/failover", &operator, json!({ "confirm": "berlin", "plan_ids": [plan["id"]] })).await.expect(201).json();
    let over = lab.over(&run).await;
    assert_eq!(
        (over["state"].as_str(), over["outcome"]["machines"][0]["recovered"].as_bool()),
        (Some("succeeded"), Some(true)),
        "{over:#}"
    );
}

#[tokio::test]
async fn a_misspelt_field_fails_nothing_over() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let group = lab.protected("shop").await;
    lab.plan("shop", &group).await;
    let refused = api.post("/sites/berlin/failover", &admin, json!({ "confirm": "berlin", "plans": ["x"] })).await;
    let message = refused.expect_field(400, "plans").json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("plan_ids") && message.contains("confirm"), "{message}");
    api.post("/sites/berlin/failover", &admin, json!({ "confirm": "berlin", "plan_ids": ["x"] })).await.expect_field(400, "plan_ids[0]");
    assert_eq!(api.get("/runs", &admin).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_site_that_is_lost_takes_the_statement() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let group = lab.protected("shop").await;
    lab.plan("shop", &group).await;
    let down = simulated("berlin-1", "berlin", json!({ "machines": "20", "site": "berlin", "fault": "down" }));
    api.put(&format!("/clouds/{}", lab.berlin), &admin, down).await.expect(200);
    let radius = lab.until("/sites/berlin/failover", "berlin is lost", |r| r["site_answers"] == false).await;
    let sentence = radius["statement"].as_str().unwrap().to_owned();
    api.post("/sites/berlin/failover", &admin, json!({ "confirm": "berlin" })).await.expect_field(400, "statement");
    let body = json!({ "confirm": "berlin", "statement": sentence });
    let run = api.post("/sites/berlin/failover", &admin, body).await.expect(201).json();
    let over = lab.over(&run).await;
    assert_eq!((over["state"].as_str(), over["statement"].as_str()), (Some("succeeded"), Some(sentence.as_str())), "{over:#}");
    let audit = api.get(&format!("/audit?subject={}", run["id"].as_str().unwrap()), &admin).await.json();
    let actions: Vec<&str> = audit["items"].as_array().unwrap().iter().map(|e| e["action"].as_str().unwrap()).collect();
    assert!(actions.contains(&"run.start") && actions.contains(&"run.statement"), "{actions:?}");
}

#[tokio::test]
async fn a_group_comes_up_at_the_target_that_was_chosen() {
    let lab = Lab::new().await;
    let (api, admin, operator) = (&lab.api, lab.admin(), lab.api.role("operator").await);
    let group = lab.protected("shop").await;
    lab.plan("shop", &group).await;
    let cologne = crate::clouds::added(api, "cologne-1", "cologne").await;
    let path = format!("/groups/{}", group["id"].as_str().unwrap());
    let targets = format!("{path}/targets");
    let new = json!({ "cloud_id": cologne, "policy": { "rpo_seconds": 30, "keep_points": 2, "keep_hours": 2 } });
    api.post(&targets, &operator, new.clone()).await.expect(403);
    api.post(&targets, &admin, json!({ "cloud_id": "none" })).await.expect_field(400, "cloud_id");
    api.post(&targets, &admin, json!({ "cloud_id": cologne, "policy": { "rpo_seconds": 1, "keep_points": 2, "keep_hours": 2 } }))
        .await
        .expect_field(400, "policy.rpo_seconds");
    let made = api.post(&targets, &admin, new.clone()).await.expect(201).json();
    let id = made["further"][0]["id"].as_str().unwrap().to_owned();
    api.post(&targets, &admin, new).await.expect_field(400, "cloud_id");
    lab.until(&path, "a point at cologne", |g| g["further"][0]["members"][0]["replication"]["newest_point_at"].is_i64()).await;
    assert_eq!(api.get("/groups", &admin).await.json()["items"].as_array().unwrap().len(), 1, "a target is no group of its own");
    api.get(&format!("/groups/{id}"), &admin).await.expect(404);

    let choice = format!("{}:{cologne}", group["id"].as_str().unwrap());
    let radius = api.get(&format!("/sites/berlin/failover?targets={choice}"), &operator).await.expect(200).json();
    assert_eq!(
        (radius["targets"][0]["cloud_id"].as_str(), radius["machines"][0]["target_cloud"].as_str()),
        (Some(&*cologne), Some("cologne-1"))
    );
    api.get("/sites/berlin/failover?targets=nonsense", &operator).await.expect_field(400, "targets");
    let wrong = json!({ "confirm": "berlin", "targets": [{ "group_id": group["id"], "cloud_id": lab.berlin }] });
    api.post("/sites/berlin/failover", &operator, wrong).await.expect_field(400, "targets[0].cloud_id");
    let body = json!({ "confirm": "berlin", "targets": [{ "group_id": group["id"], "cloud_id": cologne }] });
    let over = lab.over(&api.post("/sites/berlin/failover", &operator, body).await.expect(201).json()).await;
    assert_eq!(over["state"].as_str(), Some("succeeded"), "{over:#}");
    let after = api.get(&path, &operator).await.expect(200).json();
    assert_eq!((after["protected_site"].as_str(), after["recovery_site"].as_str()), (Some("cologne"), Some("berlin")));
    assert_eq!(after["further"][0]["site"].as_str(), Some("dublin"));
    api.delete(&format!("{targets}/{}", after["further"][0]["id"].as_str().unwrap()), &admin).await.expect(200);
}
