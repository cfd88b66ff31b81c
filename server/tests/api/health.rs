use crate::{
    lab::Lab,
    support::{Api, Who},
};
use std::time::{Duration, Instant};

#[tokio::test]
async fn it_tells_balancers_and_prometheus() {
    let api = Api::new().await;
    let nobody = Who::nobody();
    api.send("GET", "/healthz", &nobody, None).await.expect(200);
    api.send("GET", "/readyz", &nobody, None).await.expect(200);
    api.get("/me", &api.admin()).await.expect(200);
    let metrics = api.send("GET", "/metrics", &nobody, None).await.expect(200);
    assert!(metrics.text.contains("crossfade_http_seconds"), "{}", metrics.text);
    // Through a proxy nobody is local.
    let proxied = Who::nobody().with("x-forwarded-for", "127.0.0.1");
    api.send("GET", "/metrics", &proxied, None).await.expect(401);
    api.send("GET", "/metrics", &api.admin().with("x-forwarded-for", "10.0.0.1"), None).await.expect(200);
    api.node.stopping.cancel();
    api.send("GET", "/readyz", &nobody, None).await.expect(503);
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let api = Api::new().await;
    for path in ["/api/v1/me", "/api/v1/nothing", "/healthz", "/sign-in", "/wallboard", "/pkg/none.js"] {
        let answer = api.send("GET", path, &Who::nobody(), None).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{path}: {policy}");
        assert!(!answer.header("referrer-policy").is_empty() && !answer.header("x-operation-id").is_empty(), "{path}");
        if path.starts_with("/api/") {
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.json()["operation_id"], answer.header("x-operation-id"));
        }
    }
}

#[tokio::test]
async fn metrics_show_what_is_there_and_nothing_that_is_gone() {
    let lab = Lab::new().await;
    let (api, admin) = (&lab.api, lab.admin());
    api.person("ann", "viewer").await;
    let group = lab.protected("shop").await;
    let machine = group["members"][0]["name"].as_str().unwrap().to_owned();
    let scrape = async || api.send("GET", "/metrics", &Who::nobody(), None).await.expect(200).text;
    let lag = format!("crossfade_replication_lag_seconds{{member=\"{machine}\",group=\"shop\"}} ");
    let lines = [
        "crossfade_cloud_up{cloud=\"berlin-1\",site=\"berlin\",kind=\"simulator\",simulated=\"true\"} 1",
        "crossfade_cloud_status{cloud=\"dublin-1\",status=\"ok\"} 1",
        "crossfade_machines{cloud=\"berlin-1\",site=\"berlin\"} 20",
        "crossfade_machines_protected{cloud=\"berlin-1\",site=\"berlin\"} 1",
        "crossfade_sessions 1",
        "crossfade_runs{state=\"running\"} 0",
        "crossfade_store_up 1",
        "# TYPE crossfade_alarms gauge",
        lag.as_str(),
    ];
    // What is protected is counted a moment after it was told.
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let text = scrape().await;
        let Some(line) = lines.iter().find(|line| !text.contains(**line)) else { break };
        assert!(Instant::now() < end, "{line}: {text}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    api.delete(&format!("/groups/{}", group["id"].as_str().unwrap()), &admin).await.expect(204);
    assert!(!scrape().await.contains(&lag), "its last value must not stay");
}
