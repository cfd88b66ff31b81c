use crate::clouds::{added, looking, simulated};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn sites_come_from_clouds_and_turn_red_with_them() {
    let api = looking().await;
    let (viewer, admin) = (api.role("viewer").await, api.admin());
    let id = added(&api, "berlin-1", "berlin").await;
    added(&api, "dublin-1", "dublin").await;
    let overview = api.get("/overview", &viewer).await.expect(200).json();
    assert_eq!(overview["sites"][0]["name"], "berlin");
    assert_eq!(overview["sites"][0]["status"], "ok");
    assert_eq!(overview["totals"]["machines"], 40);
    assert_eq!((overview["simulated"].as_bool(), overview["own_network_suspect"].as_bool()), (Some(true), Some(false)));
    let down = simulated("berlin-1", "berlin", json!({ "machines": "20", "site": "berlin", "fault": "down" }));
    api.put(&format!("/clouds/{id}"), &admin, down).await.expect(200);
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let overview = api.get("/overview", &viewer).await.json();
        let raised = api.get("/alarms", &viewer).await.expect(200).json();
        // Two questions, two moments: they agree as soon as nothing changes in between.
        let told = raised["items"][0]["kind"] == "site_down" && overview["alarms"] == raised["items"];
        if overview["sites"][0]["status"] == "down" && told {
            assert_eq!(overview["totals"]["machines"], 40, "what was there is still shown");
            break;
        }
        assert!(Instant::now() < end, "not red within 10 s: {overview}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
