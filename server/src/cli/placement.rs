//! `crossfade machine where` and `crossfade group where`: the matrix as a table, and what stands behind each row.

use super::{
    client::{Client, Result},
    names,
    output::{Out, age, bytes, problems, span, table, word},
};
use crate::state::now;
use model::placement::{Cost, GroupPlace, GroupPlacement, Place, PlaceCloud, Placement};

pub async fn machine(api: &Client, out: Out, given: &str) -> Result<()> {
    let id = names::machine(api, given).await?;
    out.show(&api.get::<Placement>(&format!("/machines/{id}/placement")).await?, of_machine)
}

pub async fn group(api: &Client, out: Out, given: &str) -> Result<()> {
    let id = names::group(api, given).await?.id;
    out.show(&api.get::<GroupPlacement>(&format!("/groups/{id}/placement")).await?, of_group)
}

fn of_machine(p: &Placement) -> String {
    let rows = table(["cloud", "site", "verdict", "how", "to send", "time", "downtime", "a month", "the move"], &p.rows, |r| {
        [
            name(&r.at),
            r.at.site.clone(),
            r.verdict.short().into(),
            r.modes.iter().map(word).collect::<Vec<_>>().join(" "),
            r.bytes.map_or_else(unknown, bytes),
            time(r.estimate.time_ms),
            time(r.estimate.downtime_ms),
            cost(&r.cost.month),
            cost(&r.cost.moving),
        ]
    });
    let mut lines = vec![format!("{} is at {} ({}); there it costs {} a month.", p.machine, p.cloud, p.site, cost(&p.month_here))];
    lines.extend([String::new(), rows, String::new()]);
    lines.push(p.best.clone().unwrap_or_else(|| "No other cloud can take it now.".into()));
    if !p.problems.is_empty() {
        lines.push(format!("Wherever it would go:\n{}", problems(&p.problems)));
    }
    lines.extend(p.rows.iter().map(details));
    lines.join("\n")
}

fn details(r: &Place) -> String {
    let mut lines = vec![format!("{}:{}", r.at.cloud, asked(&r.at))];
    if !r.findings.is_empty() {
        lines.push(problems(&r.findings));
    }
    let hardware = r.conversion.iter().map(|c| match &c.to {
        Some(to) if *to == c.from => format!("{} stays {to}", c.what.to_lowercase()),
        Some(to) => format!("{} {} becomes {to}", c.what.to_lowercase(), c.from),
        None => format!("{} {} becomes: not known before it is made", c.what.to_lowercase(), c.from),
    });
    let hardware: Vec<String> = hardware.collect();
    if !hardware.is_empty() {
        lines.push(format!("  hardware: {}", hardware.join("; ")));
    }
    lines.push(format!("  time: {}  cost: {} {}", r.estimate.about, r.cost.month.about, r.cost.moving.about));
    lines.join("\n")
}

fn of_group(p: &GroupPlacement) -> String {
    let rows = table(["cloud", "site", "verdict", "blocked", "to send", "time", "a month", "the move"], &p.rows, |r: &GroupPlace| {
        let blocked = if r.blocked.is_empty() { String::new() } else { format!("{} of {}", r.blocked.len(), p.machines) };
        [
            name(&r.at),
            r.at.site.clone(),
            r.verdict.short().into(),
            blocked,
            r.bytes.map_or_else(unknown, bytes),
            time(r.time_ms),
            cost(&r.cost.month),
            cost(&r.cost.moving),
        ]
    });
    let mut lines = vec![format!("{}: {} machines.", p.group, p.machines), String::new(), rows, String::new()];
    lines.push(p.best.clone().unwrap_or_else(|| "No other cloud can take all of them now.".into()));
    if !p.problems.is_empty() {
        lines.push(format!("Wherever they would go:\n{}", problems(&p.problems)));
    }
    for r in p.rows.iter().filter(|r| !r.findings.is_empty()) {
        lines.push(format!("{}:{}\n{}", r.at.cloud, asked(&r.at), problems(&r.findings)));
    }
    lines.join("\n")
}

fn name(at: &PlaceCloud) -> String {
    if at.simulated { format!("{} SIMULATED", at.cloud) } else { at.cloud.clone() }
}

fn asked(at: &PlaceCloud) -> String {
    if at.answered { String::new() } else { format!(" did not tell; last seen {} ago", age(at.observed_at, now())) }
}

fn unknown() -> String {
    "not known".into()
}

fn time(ms: Option<u64>) -> String {
    ms.map_or_else(|| "not known yet".into(), |ms| span(i64::try_from(ms).unwrap_or(i64::MAX)))
}

fn cost(c: &Cost) -> String {
    c.money.as_ref().map_or_else(|| "no prices".into(), model::prices::Money::short)
}
