//! Two simulated sites behind a whole node: for what is protected, moved and failed over.

use crate::{
    clouds::{added, looking},
    support::{Api, Who},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

pub struct Lab {
    pub api: Api,
    /// Cloud ids.
    pub berlin: String,
    pub dublin: String,
}

impl Lab {
    pub async fn new() -> Self {
        let api = looking().await;
        server::replication::start(&api.node);
        server::recovery::start(&api.node);
        let berlin = added(&api, "berlin-1", "berlin").await;
        let dublin = added(&api, "dublin-1", "dublin").await;
        Self { api, berlin, dublin }
    }

    pub fn admin(&self) -> Who {
        self.api.admin()
    }

    /// Ids of machines that run at berlin.
    pub async fn running(&self, count: usize) -> Vec<String> {
        let page = self.api.get(&format!("/machines?q=site:berlin%20state:running&limit={count}"), &self.admin()).await.expect(200).json();
        let ids: Vec<String> = page["items"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(ids.len(), count);
        ids
    }

    pub fn new_group(&self, name: &str, machines: &[String]) -> Value {
        json!({ "name": name, "protected_site": "berlin", "recovery_site": "dublin", "target_cloud_id": self.dublin,
            "policy": { "rpo_seconds": 5, "keep_points": 3, "keep_hours": 1 }, "machine_ids": machines })
    }

    /// A group of one machine that has a recovery point.
    pub async fn protected(&self, name: &str) -> Value {
        let machines = self.running(1).await;
        let group = self.api.post("/groups", &self.admin(), self.new_group(name, &machines)).await.expect(201).json();
        let path = format!("/groups/{}", group["id"].as_str().unwrap());
        self.until(&path, "a recovery point", |g| g["members"][0]["replication"]["newest_point_at"].is_i64()).await
    }

    pub async fn plan(&self, name: &str, group: &Value) -> Value {
        let plan = json!({ "name": name, "group_ids": [group["id"]] });
        self.api.post("/plans", &self.admin(), plan).await.expect(201).json()
    }

    pub fn move_of(&self, machine: &str) -> Value {
        json!({ "machine_id": machine, "target_cloud_id": self.dublin, "health": { "type": "running" }, "stop_timeout_seconds": 1 })
    }

    /// Asks until it is so.
    pub async fn until(&self, path: &str, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let seen = self.api.get(path, &self.admin()).await.expect(200).json();
            if is(&seen) {
                return seen;
            }
            assert!(Instant::now() < end, "{path}: not within a minute: {what}: {seen:#}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn over(&self, run: &Value) -> Value {
        let path = format!("/runs/{}", run["id"].as_str().unwrap());
        self.until(&path, "the run is over", |r| {
            ["succeeded", "succeeded_with_errors", "failed", "cancelled"].contains(&r["state"].as_str().unwrap())
        })
        .await
    }
}
