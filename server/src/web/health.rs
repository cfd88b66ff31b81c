//! For load balancers and Prometheus.

use super::{AppState, CallerAddress, auth};
use crate::{
    error::{Code, Error, Result, is_full},
    services::figures::{self, Gauge},
    state::Node,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::{sync::OnceLock, time::Duration};

pub fn router() -> Router<AppState> {
    metrics_handle();
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(readyz)).route("/metrics", get(show_metrics))
}

/// Ready: the store answers and can write, and the node is not on its way down.
async fn readyz(State(node): State<Node>) -> (StatusCode, &'static str) {
    let asked = tokio::time::timeout(Duration::from_secs(2), node.db.try_write()).await;
    match asked {
        _ if node.stopping.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        Ok(Ok(())) => (StatusCode::OK, "ready\n"),
        Ok(Err(e)) if is_full(&e) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot write: its disk is full\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}

/// Names of clouds stand in it: open on this host, with an API token from elsewhere.
async fn show_metrics(State(state): State<AppState>, address: CallerAddress, headers: HeaderMap) -> Result<impl IntoResponse> {
    let local = address.direct && address.ip.is_none_or(|ip| ip.is_loopback());
    if !local && auth::recognise(&state, &headers, address.text()).await?.is_none() {
        return Err(Error::new(Code::Unauthenticated, "From another host this takes the header Authorization: Bearer <API token>."));
    }
    let counted = metrics_handle().map(PrometheusHandle::render).unwrap_or_default();
    let text = counted + &written(&figures::gauges(&state.node).await);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text))
}

/// In Prometheus' own format.
fn written(gauges: &[Gauge]) -> String {
    let (mut text, mut last) = (String::new(), "");
    for g in gauges {
        if g.name != last {
            last = g.name;
            // By Prometheus' own rule for names.
            let kind = if last.ends_with("_total") { "counter" } else { "gauge" };
            text += &format!("# HELP {last} {}\n# TYPE {last} {kind}\n", g.help);
        }
        let labels: Vec<String> = g.labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let value = if g.value.is_infinite() { "+Inf".to_owned() } else { g.value.to_string() };
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        text += &format!("{}{labels} {value}\n", g.name);
    }
    text
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// The recorder is the process's: tests make many routers in one.
fn metrics_handle() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    const SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
    HANDLE.get_or_init(|| PrometheusBuilder::new().set_buckets(&SECONDS).ok()?.install_recorder().ok()).as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_written_as_prometheus_reads_them() {
        let gauge = |value, label: &str| Gauge { name: "a", help: "An a.", labels: vec![("l", label.to_owned())], value };
        let text = written(&[gauge(1.5, "x\"y\\\n"), gauge(f64::INFINITY, "")]);
        assert_eq!(text, "# HELP a An a.\n# TYPE a gauge\na{l=\"x\\\"y\\\\\\n\"} 1.5\na{l=\"\"} +Inf\n");
    }
}
