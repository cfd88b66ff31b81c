//! A viewer changes nothing: every address that changes something, with a body that is right and with real ids.

use crate::{
    lab::Lab,
    support::{PASSWORD, Who},
};
use serde_json::{Value, json};

/// What one does to oneself, and what is not for tokens.
const OWN: [(&str, &str); 3] = [("POST", "/session"), ("DELETE", "/session"), ("POST", "/me/password")];

struct Call {
    method: &'static str,
    /// As the document has it.
    path: &'static str,
    /// For each `{…}` of the path.
    ids: Vec<String>,
    body: Option<Value>,
}

impl Call {
    fn address(&self) -> String {
        let mut ids = self.ids.iter();
        let part = |part: &'static str| if part.starts_with('{') { ids.next().unwrap().clone() } else { part.to_owned() };
        self.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    async fn ask(&self, lab: &Lab, who: &Who, body: Option<&Value>) -> crate::support::Answer {
        let body = body.or(self.body.as_ref()).map(Value::to_string);
        let who = who.clone().with("idempotency-key", &server::state::new_id());
        lab.api.send(self.method, &format!("/api/v1{}", self.address()), &who, body).await
    }
}

async fn calls(lab: &Lab) -> Vec<Call> {
    let api = &lab.api;
    let group = lab.protected("shop").await;
    let plan = lab.plan("shop", &group).await;
    let user = api.post("/users", &lab.admin(), json!({ "name": "ann", "role": "viewer" })).await.expect(201).json();
    let token = api.post("/tokens", &lab.admin(), json!({ "name": "t", "purpose": "api" })).await.expect(201).json();
    let machine = group["members"][0]["machine_id"].as_str().unwrap().to_owned();
    let other = lab.running(2).await.into_iter().find(|id| *id != machine).unwrap();
    let run = api.post("/moves", &lab.admin(), lab.move_of(&other)).await.expect(201).json();
    lab.over(&run).await;
    let id = |v: &Value| vec![v["id"].as_str().unwrap().to_owned()];
    let cloud = json!({ "name": "x", "kind": "simulator", "site": "x" });
    let prices = json!({ "currency": "EUR", "vcpu_month": "1", "memory_gib_month": "1", "storage_gib_month": "1", "egress_gib": "1" });
    let member = vec![id(&group).remove(0), id(&group["members"][0]).remove(0)];
    let target = || vec![id(&group).remove(0), "none".to_owned()];
    let berlin = || vec![lab.berlin.clone()];
    let call = |method, path, ids, body| Call { method, path, ids, body };
    vec![
        call("POST", "/users", vec![], Some(json!({ "name": "bob", "role": "viewer", "password": PASSWORD }))),
        call("PUT", "/users/{id}", id(&user["user"]), Some(json!({ "role": "administrator" }))),
        call("POST", "/users/{id}/password", id(&user["user"]), None),
        call("POST", "/tokens", vec![], Some(json!({ "name": "u", "purpose": "api", "role": "viewer" }))),
        call("DELETE", "/tokens/{id}", id(&token["token"]), None),
        call("POST", "/clouds", vec![], Some(cloud.clone())),
        call("POST", "/clouds/probe", vec![], Some(cloud.clone())),
        call("PUT", "/clouds/{id}", berlin(), Some(cloud)),
        call("DELETE", "/clouds/{id}", berlin(), None),
        call("POST", "/clouds/{id}/probe", berlin(), None),
        call("POST", "/clouds/{id}/refresh", berlin(), None),
        call("PUT", "/clouds/{id}/prices", berlin(), Some(prices)),
        call("DELETE", "/clouds/{id}/prices", berlin(), None),
        call("POST", "/groups", vec![], Some(lab.new_group("other", &[]))),
        call("PUT", "/groups/{id}", id(&group), Some(lab.new_group("shop", &[]))),
        call("DELETE", "/groups/{id}", id(&group), None),
        call("POST", "/groups/{id}/members", id(&group), Some(json!({ "machine_ids": [other] }))),
        call("DELETE", "/groups/{id}/members/{member_id}", member, None),
        call("POST", "/groups/{id}/targets", id(&group), Some(json!({ "cloud_id": lab.dublin }))),
        call("PUT", "/groups/{id}/targets/{target_id}", target(), Some(json!({ "cloud_id": lab.dublin }))),
        call("DELETE", "/groups/{id}/targets/{target_id}", target(), None),
        call("POST", "/groups/{id}/pause", id(&group), None),
        call("POST", "/groups/{id}/resume", id(&group), None),
        call("POST", "/groups/{id}/reprotect", id(&group), None),
        call("POST", "/alarms/{id}/acknowledge", vec!["none".into()], None),
        call("POST", "/machines/{id}/remove-copy", vec![machine.clone()], Some(json!({ "confirm": "db1" }))),
        call("POST", "/plans", vec![], Some(json!({ "name": "p", "group_ids": [group["id"]] }))),
        call("PUT", "/plans/{id}", id(&plan), Some(json!({ "name": "p", "group_ids": [group["id"]] }))),
        call("DELETE", "/plans/{id}", id(&plan), None),
        call("POST", "/plans/{id}/check", id(&plan), None),
        call("POST", "/machines/{id}/power", vec![machine.clone()], Some(json!({ "action": "power_off" }))),
        call("POST", "/machines/{id}/recover", vec![machine.clone()], Some(json!({ "confirm": "db1" }))),
        call("POST", "/moves/preflight", vec![], Some(lab.move_of(&machine))),
        call("POST", "/moves", vec![], Some(lab.move_of(&machine))),
        call("POST", "/sites/{site}/failover", vec!["berlin".into()], Some(json!({ "confirm": "berlin", "plan_ids": [plan["id"]] }))),
        call("POST", "/runs/{id}/commands", id(&run), Some(json!({ "command": "cancel" }))),
    ]
}

#[tokio::test]
async fn a_viewer_changes_nothing() {
    let lab = Lab::new().await;
    let calls = calls(&lab).await;
    let (viewer, nobody) = (lab.api.role("viewer").await, Who::nobody());
    for call in &calls {
        let answer = call.ask(&lab, &viewer, None).await;
        assert_eq!(answer.status.as_u16(), 403, "{} {}: {}", call.method, call.path, answer.text);
        assert_eq!(call.ask(&lab, &nobody, None).await.status.as_u16(), 401, "{} {}", call.method, call.path);
    }
    for (method, path) in crate::contract::operations().into_iter().filter(|(m, _)| m != "GET") {
        let path = path.trim_start_matches("/api/v1");
        let known = OWN.contains(&(method.as_str(), path)) || calls.iter().any(|c| c.method == method && c.path == path);
        assert!(known, "{method} {path} is not looked at here");
    }
}

#[tokio::test]
async fn a_field_that_nobody_reads_is_refused_everywhere() {
    let lab = Lab::new().await;
    for call in calls(&lab).await.iter().filter(|c| c.method != "DELETE") {
        let mut body = call.body.clone().unwrap_or(json!({}));
        body["colour"] = json!("red");
        let answer = call.ask(&lab, &lab.admin(), Some(&body)).await;
        // Where a body may be left out, it is told what is missing for a whole one.
        let named = answer.text.contains("colour") || call.path == "/clouds/{id}/probe";
        assert!(answer.status == 400 && named, "{} {}: {} {}", call.method, call.path, answer.status, answer.text);
    }
    for (_, path) in crate::contract::operations().into_iter().filter(|(m, p)| m == "GET" && !p.ends_with("/api/v1/events")) {
        let address = format!("{}?colour=red", path.replace("{id}", "none").replace("{site}", "berlin"));
        lab.api.send("GET", &address, &lab.admin(), None).await.expect_field(400, "colour");
    }
}
