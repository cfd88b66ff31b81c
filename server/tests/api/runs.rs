use crate::lab::Lab;
use serde_json::{Value, json};

async fn a_run(lab: &Lab) -> Value {
    let machine = lab.running(1).await.remove(0);
    lab.api.post("/moves", &lab.admin(), lab.move_of(&machine)).await.expect(201).json()
}

#[tokio::test]
async fn runs_are_listed_by_state_and_commanded_by_operators() {
    let lab = Lab::new().await;
    let (api, operator) = (&lab.api, lab.api.role("operator").await);
    let run = a_run(&lab).await;
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    let commands = format!("{path}/commands");
    api.post(&commands, &operator, json!({ "command": "dance" })).await.expect_field(400, "command");
    api.post(&commands, &operator, json!({ "command": "retry_step", "step": "none" })).await.expect(409);
    api.post(&commands, &operator, json!({ "command": "pause", "step": "x" })).await.expect_field(400, "step");
    api.post("/runs/none/commands", &operator, json!({ "command": "pause" })).await.expect(404);
    let over = lab.over(&run).await;
    assert!(over["steps"].as_array().unwrap().len() > 3 && !over["events"].as_array().unwrap().is_empty());
    api.post(&commands, &operator, json!({ "command": "cancel" })).await.expect(409);
    assert_eq!(api.get("/runs?state=active", &operator).await.expect(200).json()["items"], json!([]));
    assert_eq!(api.get("/runs?state=over", &operator).await.expect(200).json()["items"][0]["id"], run["id"]);
    api.get("/runs?state=odd", &operator).await.expect_field(400, "state");
    api.get("/runs?sate=over", &operator).await.expect_field(400, "sate");
    api.get("/runs/none", &operator).await.expect(404);
    let audit = api.get(&format!("/audit?subject={}", run["id"].as_str().unwrap()), &operator).await.json();
    let refused = audit["items"].as_array().unwrap().iter().filter(|e| e["ok"] == false).count();
    assert_eq!(refused, 2, "what was refused stands in the trail: {audit:#}");
}

#[tokio::test]
async fn a_long_log_comes_in_parts_without_gap() {
    let lab = Lab::new().await;
    let api = &lab.api;
    let run = a_run(&lab).await;
    lab.over(&run).await;
    let id = run["id"].as_str().unwrap();
    let lines = (0..1200).map(|i| format!("('{id}', 1, 'info', 'line {i}')")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT INTO run_events (run_id, at, severity, text) VALUES {lines}");
    api.sql(&sql, &sql).await;
    let detail = api.get(&format!("/runs/{id}"), &lab.admin()).await.expect(200).json();
    let shown = detail["events"].as_array().unwrap();
    assert_eq!((shown.len(), shown[499]["text"].as_str()), (500, Some("line 1199")));
    let mut seqs = seqs_of(&detail["events"]);
    // Backwards, as the page does it.
    let mut path = format!("/runs/{id}/events?limit=300&before={}", seqs[0]);
    loop {
        let page = api.get(&path, &lab.admin()).await.expect(200).json();
        seqs = [seqs_of(&page["items"]), seqs].concat();
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/runs/{id}/events?limit=300&before={next}");
    }
    assert_eq!(seqs.len() as u64, 500 + detail["earlier_events"].as_u64().unwrap());
    // Forwards, as a script would.
    let (mut forwards, mut after) = (vec![], "0".to_owned());
    loop {
        let page = api.get(&format!("/runs/{id}/events?limit=500&after={after}"), &lab.admin()).await.expect(200).json();
        forwards.extend(seqs_of(&page["items"]));
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(forwards, seqs);
    api.get(&format!("/runs/{id}/events?after=1&before=2"), &lab.admin()).await.expect_field(400, "before");
    api.get("/runs/none/events", &lab.admin()).await.expect(404);
}

fn seqs_of(items: &Value) -> Vec<i64> {
    items.as_array().unwrap().iter().map(|e| e["seq"].as_i64().unwrap()).collect()
}
