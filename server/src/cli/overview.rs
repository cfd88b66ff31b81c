//! `crossfade overview`.

use super::{
    client::{Client, Result},
    output::{Out, age, span, table, word},
};
use model::overview::{Overview, SiteView};

pub async fn run(api: &Client, out: Out) -> Result<()> {
    out.show(&api.get::<Overview>("/overview").await?, text)
}

fn text(o: &Overview) -> String {
    let sites = table(
        ["site", "status", "running", "not seen", "machines", "protected", "breach", "worst lag", "seen"],
        &o.sites,
        |s: &SiteView| {
            let t = s.totals;
            [
                s.name.clone(),
                word(&s.status),
                t.running.to_string(),
                t.unseen.to_string(),
                t.machines.to_string(),
                t.protected.to_string(),
                t.in_breach.to_string(),
                t.worst_lag_ms.map(span).unwrap_or_default(),
                age(s.observed_at, o.at),
            ]
        },
    );
    let mut parts = vec![];
    parts.extend(o.simulated.then(|| "SIMULATED: at least one cloud is not real.".to_owned()));
    parts.extend(o.own_network_suspect.then(|| "No cloud answers: is this node's own network down?".to_owned()));
    parts.push(sites);
    parts.extend(
        (!o.alarms.is_empty())
            .then(|| table(["alarm", "since", "what"], &o.alarms, |a| [word(&a.severity), age(Some(a.since), o.at), a.message.clone()])),
    );
    parts.extend((!o.runs.is_empty()).then(|| {
        table(["run", "state", "steps"], &o.runs, |r| [r.title.clone(), word(&r.state), format!("{}/{}", r.steps_done, r.steps_total)])
    }));
    parts.join("\n\n")
}
