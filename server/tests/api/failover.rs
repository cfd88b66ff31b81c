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
