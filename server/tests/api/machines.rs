use crate::clouds::{added, looking};
use serde_json::{Value, json};

async fn first(api: &crate::support::Api, q: &str) -> Value {
    api.get(&format!("/machines?limit=1&q={q}"), &api.admin()).await.expect(200).json()["items"][0].clone()
}

#[tokio::test]
async fn the_list_is_searched_sorted_and_paged() {
    let api = looking().await;
    added(&api, "berlin-1", "berlin").await;
    added(&api, "dublin-1", "dublin").await;
    let viewer = api.role("viewer").await;
    let all = api.get("/machines", &viewer).await.expect(200).json();
    assert_eq!((all["total"].as_u64(), all["items"].as_array().unwrap().len()), (Some(40), 40));
    assert!(all["items"].as_array().unwrap().iter().all(|m| m["simulated"] == true));
    assert_eq!(api.get("/machines?q=site:dublin", &viewer).await.json()["total"], 20);
    let biggest = api.get("/machines?sort=-memory&limit=1", &viewer).await.json()["items"][0]["memory_mib"].as_u64();
    let most = all["items"].as_array().unwrap().iter().map(|m| m["memory_mib"].as_u64().unwrap()).max();
    assert_eq!(biggest, most);
    let page = api.get("/machines?limit=30", &viewer).await.json();
    let rest = api.get(&format!("/machines?limit=30&cursor={}", page["next"].as_str().unwrap()), &viewer).await.json();
    assert_eq!((rest["items"].as_array().unwrap().len(), rest["next"].as_str()), (10, None));
    let tail = api.get("/machines?limit=30&offset=30", &viewer).await.json();
    assert_eq!(tail["items"], rest["items"]);
}

#[tokio::test]
async fn wrong_questions_say_what_is_wrong() {
    let api = looking().await;
    let admin = api.admin();
    let answer = api.get("/machines?q=tag:prod%20mem%3E8", &admin).await.expect_field(400, "q").json();
    assert_eq!(answer["fields"][0]["span"], json!([13, 14]));
    api.get("/machines?sort=colour", &admin).await.expect_field(400, "sort");
    api.get("/machines?limit=0", &admin).await.expect_field(400, "limit");
    api.get("/machines?cursor=nonsense", &admin).await.expect_field(400, "cursor");
    api.get("/machines?cursor=a&offset=1", &admin).await.expect_field(400, "offset");
    api.get("/machines/none", &admin).await.expect(404);
}

#[tokio::test]
async fn power_takes_an_operator_and_is_read_back() {
    let api = looking().await;
    added(&api, "berlin-1", "berlin").await;
    let (viewer, operator) = (api.role("viewer").await, api.role("operator").await);
    let row = first(&api, "state:running").await;
    let (id, name) = (row["id"].as_str().unwrap(), row["name"].as_str().unwrap());
    let path = format!("/machines/{id}/power");
    api.post(&path, &viewer, json!({ "action": "power_off" })).await.expect(403);
    api.post(&path, &operator, json!({ "action": "explode" })).await.expect_field(400, "action");
    let off = api.post(&path, &operator, json!({ "action": "power_off" })).await.expect(200).json();
    assert_eq!(off["state"], "stopped");
    let refused = |machine: &Value, name: &str| {
        let action = machine["actions"].as_array().unwrap().iter().find(|a| a["name"] == name).cloned();
        action.unwrap()["refused"].clone()
    };
    assert_eq!(refused(&off, "power_off"), "It is off.");
    let seen = api.get(&format!("/machines/{id}"), &viewer).await.expect(200).json();
    assert_eq!(refused(&seen, "start"), "This takes the role operator.");
    api.post(&path, &operator, json!({ "action": "power_off" })).await.expect(409);
    let activity = api.get(&format!("/machines/{id}/activity"), &viewer).await.expect(200).json();
    let events: Vec<_> = activity["items"].as_array().unwrap().iter().map(|e| (e["action"].clone(), e["ok"].clone())).collect();
    let event = |ok: bool| (json!("machine.power_off"), json!(ok));
    assert_eq!(events, [event(false), event(true), event(false)]);
    assert!(activity["items"].as_array().unwrap().iter().all(|e| e["subject"] == name));
}
