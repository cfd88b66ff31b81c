use crate::{clouds::added, lab::Lab};
use serde_json::{Value, json};

const PRICES: &str =
    r#"{ "currency": "EUR", "vcpu_month": "8.5", "memory_gib_month": "4", "storage_gib_month": "0.06", "egress_gib": "0.01" }"#;

fn prices() -> Value {
    serde_json::from_str(PRICES).unwrap()
}

fn row<'a>(placement: &'a Value, cloud: &str) -> &'a Value {
    let rows = placement["rows"].as_array().unwrap();
    rows.iter().find(|r| r["at"]["cloud"] == cloud).unwrap_or_else(|| panic!("no {cloud}: {placement:#}"))
}

#[tokio::test]
async fn a_machine_is_told_where_it_can_run_and_what_that_takes() {
    let lab = Lab::new().await;
    let (api, viewer) = (&lab.api, lab.api.role("viewer").await);
    let machine = lab.running(1).await.remove(0);
    let path = format!("/machines/{machine}/placement");
    let seen = api.get(&path, &viewer).await.expect(200).json();
    assert_eq!((seen["cloud"].as_str(), seen["problems"].as_array().unwrap().len()), (Some("berlin-1"), 0), "{seen:#}");
    assert_eq!(seen["rows"].as_array().unwrap().len(), 1, "not the cloud where it is");
    let there = row(&seen, "dublin-1");
    assert_eq!((there["verdict"].as_str(), there["at"]["answered"].as_bool()), (Some("can"), Some(true)), "{there:#}");
    assert_eq!(there["modes"][0], "warm");
    assert!(there["bytes"].as_u64().unwrap() > 0);
    assert!(seen["best"].as_str().unwrap().starts_with("dublin-1 comes first: nothing stands against it"), "{seen:#}");
    // What nobody saw or entered is not made up.
    assert!(there["estimate"]["time_ms"].is_null() && there["estimate"]["about"].as_str().unwrap().starts_with("Not known yet"));
    assert!(there["cost"]["month"]["money"].is_null() && there["cost"]["month"]["about"].as_str().unwrap().starts_with("Not priced"));
    for cloud in [&lab.berlin, &lab.dublin] {
        api.put(&format!("/clouds/{cloud}/prices"), &lab.admin(), prices()).await.expect(200);
    }
    let seen = api.get(&path, &viewer).await.expect(200).json();
    let cost = &row(&seen, "dublin-1")["cost"];
    assert_eq!((cost["month"]["money"]["currency"].as_str(), cost["moving"]["money"]["currency"].as_str()), (Some("EUR"), Some("EUR")));
    assert_eq!(cost["month"]["money"], seen["month_here"]["money"]);
    api.get("/machines/none/placement", &viewer).await.expect(404);
}

#[tokio::test]
async fn a_cloud_that_does_not_answer_is_a_row_that_says_so_and_comes_after_those_that_can() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    added(api, "athens-1", "athens").await;
    let oslo = added(api, "oslo-1", "oslo").await;
    let down = json!({ "name": "oslo-1", "kind": "simulator", "site": "oslo", "fields": { "fault": "down", "site": "oslo" } });
    api.put(&format!("/clouds/{oslo}"), &admin, down).await.expect(200);
    lab.until(&format!("/clouds/{oslo}"), "it does not answer", |c| c["status"] == "unreachable").await;
    let machine = lab.running(1).await.remove(0);
    let seen = api.get(&format!("/machines/{machine}/placement"), &admin).await.expect(200).json();
    let order: Vec<&str> = seen["rows"].as_array().unwrap().iter().map(|r| r["at"]["cloud"].as_str().unwrap()).collect();
    assert_eq!(order, ["athens-1", "dublin-1", "oslo-1"], "{seen:#}");
    let silent = row(&seen, "oslo-1");
    assert_eq!((silent["verdict"].as_str(), silent["at"]["answered"].as_bool()), (Some("unknown"), Some(false)));
    assert!(silent["findings"][0]["what"].as_str().unwrap().starts_with("It does not answer."), "{silent:#}");
    assert!(silent["bytes"].is_null() && silent["cost"]["month"]["money"].is_null());
}

#[tokio::test]
async fn what_is_replicated_there_already_is_not_sent_again() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    added(api, "athens-1", "athens").await;
    let group = lab.protected("shop").await;
    let machine = group["members"][0]["machine_id"].as_str().unwrap();
    let seen = api.get(&format!("/machines/{machine}/placement"), &admin).await.expect(200).json();
    let (there, other) = (row(&seen, "dublin-1"), row(&seen, "athens-1"));
    assert!(there["point_at"].is_i64() && there["bytes"].as_u64() < other["bytes"].as_u64(), "{seen:#}");
    assert_eq!(other["verdict"], "cannot");
    assert!(other["findings"].as_array().unwrap().iter().any(|p| p["what"] == "It is protected to another cloud."));
    assert!(seen["best"].as_str().unwrap().contains("a recovery point lies there already"), "{seen:#}");
    let path = format!("/groups/{}/placement", group["id"].as_str().unwrap());
    let all = api.get(&path, &api.role("viewer").await).await.expect(200).json();
    assert_eq!((all["machines"].as_u64(), row(&all, "dublin-1")["verdict"].as_str()), (Some(1), Some("can")), "{all:#}");
    assert_eq!(row(&all, "athens-1")["blocked"], json!([group["members"][0]["name"]]));
    assert!(all["best"].as_str().unwrap().starts_with("dublin-1"), "{all:#}");
}

#[tokio::test]
async fn prices_are_entered_by_administrators_and_leave_a_trace() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    let path = format!("/clouds/{}/prices", lab.dublin);
    let none = api.get(&path, &admin).await.expect(200).json();
    assert!(none["list"].is_null() && none["seed"].is_null(), "{none}");
    api.put(&path, &api.role("operator").await, prices()).await.expect(403);
    let mut with = prices();
    with["flavours"] = json!([{ "name": "small", "vcpus": 1, "memory_mib": 2048, "month": "9.5" }]);
    let saved = api.put(&path, &admin, with).await.expect(200).json();
    assert_eq!((saved["list"]["vcpu_month"].as_str(), saved["list"]["flavours"][0]["month"].as_str()), (Some("8.5"), Some("9.5")));
    assert!(saved["changed_at"].is_i64() && saved["changed_by"].is_string());
    for (field, value) in [("vcpu_month", json!("8,5")), ("vcpu_month", json!(8.5)), ("currency", json!("euro")), ("colour", json!("1"))] {
        let mut wrong = prices();
        wrong[field] = value;
        let answer = api.put(&path, &admin, wrong).await.expect_field(400, field);
        assert!(answer.json()["message"].as_str().unwrap().len() > 20, "{}", answer.text);
    }
    let audit = api.get(&format!("/audit?subject={}", lab.dublin), &admin).await.expect(200).json();
    let events: Vec<(&str, bool)> =
        audit["items"].as_array().unwrap().iter().map(|e| (e["action"].as_str().unwrap(), e["ok"].as_bool().unwrap())).collect();
    assert!(events.contains(&("cloud.prices", true)) && events.contains(&("cloud.prices", false)), "{audit:#}");
    api.delete(&path, &admin).await.expect(204);
    assert!(api.get(&path, &admin).await.expect(200).json()["list"].is_null());
    // They go with their cloud.
    let athens = added(api, "athens-1", "athens").await;
    api.put(&format!("/clouds/{athens}/prices"), &admin, prices()).await.expect(200);
    api.delete(&format!("/clouds/{athens}"), &admin).await.expect(204);
    api.get(&format!("/clouds/{athens}/prices"), &admin).await.expect(404);
}
