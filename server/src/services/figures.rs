//! What `/metrics` shows of the present: counted when it is asked for, so that what is gone is not shown any more.

use super::sessions::IDLE;
use crate::{
    inventory,
    state::{Node, now},
    store::{StoreResult, figures},
};
use model::{
    Millis,
    cloud::{Cloud, CloudStatus},
    run::RunState,
};
use std::collections::BTreeMap;

pub struct Gauge {
    pub name: &'static str,
    pub help: &'static str,
    pub labels: Vec<(&'static str, String)>,
    pub value: f64,
}

/// Those of one name stand together.
pub async fn gauges(node: &Node) -> Vec<Gauge> {
    let at = now();
    let mut all = vec![];
    clouds(node, at, &mut all);
    machines(node, at, &mut all);
    alarms(node, &mut all);
    let answers = stored(node, at, &mut all).await.is_ok();
    all.push(gauge("crossfade_store_up", "The store answers.", [], f64::from(u8::from(answers))));
    all.sort_by_key(|g| g.name);
    all
}

fn gauge<const N: usize>(name: &'static str, help: &'static str, labels: [(&'static str, &str); N], value: f64) -> Gauge {
    Gauge { name, help, labels: labels.map(|(k, v)| (k, v.to_owned())).to_vec(), value }
}

#[allow(clippy::cast_precision_loss)] // milliseconds of some decades fit
fn seconds(ms: Millis) -> f64 {
    ms.max(0) as f64 / 1000.0
}

fn clouds(node: &Node, at: Millis, all: &mut Vec<Gauge>) {
    for c in node.inventory.clouds().values() {
        let labels =
            [("cloud", c.name.as_str()), ("site", &c.site), ("kind", &c.kind), ("simulated", if c.simulated { "true" } else { "false" })];
        let up = matches!(c.status, CloudStatus::Ok | CloudStatus::Stale);
        all.push(gauge("crossfade_cloud_up", "The cloud answers.", labels, f64::from(u8::from(up))));
        let labels = [("cloud", c.name.as_str()), ("status", word(c))];
        all.push(gauge("crossfade_cloud_status", "1 for the status that the cloud has.", labels, 1.0));
        let age = c.observed_at.map_or(f64::INFINITY, |seen| seconds(at - seen));
        for one in node.clouds.get(&c.id).and_then(|guard| guard.cloud().requests()).into_iter().flat_map(|asked| asked.counts) {
            let labels = [("cloud", c.name.as_str()), ("service", &one.service), ("kind", &one.kind)];
            #[allow(clippy::cast_precision_loss)] // no node lives for 2^52 requests
            let total = one.total as f64;
            all.push(gauge("crossfade_cloud_requests_total", "Requests to the cloud's API since this node opened it.", labels, total));
        }
        all.push(gauge("crossfade_cloud_age_seconds", "Since the last complete look at the cloud.", [("cloud", &c.name)], age));
    }
}

fn word(c: &Cloud) -> &'static str {
    match c.status {
        CloudStatus::Connecting => "connecting",
        CloudStatus::Ok => "ok",
        CloudStatus::Stale => "stale",
        CloudStatus::Unreachable => "unreachable",
        CloudStatus::Refused => "refused",
    }
}

fn machines(node: &Node, at: Millis, all: &mut Vec<Gauge>) {
    let clouds = node.inventory.clouds();
    for (id, count) in inventory::count_by_cloud(node, at) {
        let Some(c) = clouds.get(&id) else { continue };
        let (labels, t) = ([("cloud", c.name.as_str()), ("site", c.site.as_str())], &count.totals);
        all.push(gauge("crossfade_machines", "Machines as last seen.", labels, f64::from(t.machines)));
        all.push(gauge("crossfade_machines_running", "Machines that are seen running now.", labels, f64::from(t.running)));
        all.push(gauge("crossfade_machines_protected", "Machines under protection.", labels, f64::from(t.protected)));
        all.push(gauge(
            "crossfade_machines_in_breach",
            "Protected machines whose newest recovery point is too old.",
            labels,
            f64::from(t.in_breach),
        ));
    }
}

fn alarms(node: &Node, all: &mut Vec<Gauge>) {
    let mut counts = BTreeMap::<(String, &str), u32>::new();
    for alarm in inventory::alarms::active(node) {
        *counts.entry((alarm.kind, severity(alarm.severity))).or_default() += 1;
    }
    let none = counts.is_empty();
    for ((kind, severity), n) in counts {
        all.push(gauge("crossfade_alarms", "Alarms that last.", [("kind", &kind), ("severity", severity)], f64::from(n)));
    }
    if none {
        all.push(gauge("crossfade_alarms", "Alarms that last.", [("kind", ""), ("severity", "")], 0.0));
    }
}

fn severity(s: model::Severity) -> &'static str {
    match s {
        model::Severity::Info => "info",
        model::Severity::Warning => "warning",
        model::Severity::Critical => "critical",
    }
}

#[allow(clippy::cast_precision_loss)] // counts of rows
async fn stored(node: &Node, at: Millis, all: &mut Vec<Gauge>) -> StoreResult<()> {
    let sessions = figures::sessions(&node.db, at, at - IDLE).await?;
    all.push(gauge("crossfade_sessions", "People who are signed in.", [], sessions as f64));
    let runs: BTreeMap<String, i64> = figures::runs(&node.db).await?.into_iter().collect();
    for state in RunState::ALL {
        let n = runs.get(state.as_str()).copied().unwrap_or(0);
        all.push(gauge("crossfade_runs", "Runs by state, also those that are over.", [("state", state.as_str())], n as f64));
    }
    for (member, group, newest) in figures::members(&node.db).await? {
        let lag = newest.map_or(f64::INFINITY, |point| seconds(at - point));
        let labels = [("member", member.as_str()), ("group", group.as_str())];
        all.push(gauge("crossfade_replication_lag_seconds", "Age of the newest recovery point; +Inf before the first.", labels, lag));
    }
    Ok(())
}
