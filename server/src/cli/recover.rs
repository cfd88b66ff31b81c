//! `crossfade machine recover`.

use super::{
    client::{Client, Failure, Result},
    names,
    output::{Out, age, ask, problems, table},
    run::watch,
};
use crate::state::now;
use clap::Args;
use model::{
    recovery::{RecoverRequest, Recovery},
    run::Run,
};

#[derive(Args)]
pub struct Recover {
    machine: String,
    /// The cloud to recover it at; it must keep its recovery points, and is taken by itself when left out
    #[arg(long, value_name = "CLOUD")]
    to: Option<String>,
    /// Exactly this recovery point, or "newest"; left out: what it wrote last is copied first where its cloud answers
    #[arg(long, value_name = "ID")]
    point: Option<String>,
    /// Only show what it would be
    #[arg(long)]
    check: bool,
    /// The machine's name once more, instead of being asked
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// What stands in for a proof that it is off, typed exactly as the check shows it
    #[arg(long)]
    statement: Option<String>,
    /// Wait for the end
    #[arg(long)]
    watch: bool,
}

pub async fn run(r: Recover, api: &Client, out: Out) -> Result<()> {
    let path = format!("/machines/{}/recover", names::machine(api, &r.machine).await?);
    let target_cloud_id = match &r.to {
        Some(cloud) => Some(names::cloud(api, cloud).await?),
        None => None,
    };
    let query = target_cloud_id.as_ref().map_or(String::new(), |id| format!("?target_cloud_id={id}"));
    let found: Recovery = api.get(&format!("{path}{query}")).await?;
    if r.check {
        return out.show(&found, show);
    }
    out.say(show(&found));
    let request = RecoverRequest {
        confirm: typed(r.confirm, "--confirm", &found.confirm)?,
        statement: found.statement.as_deref().map(|wanted| typed(r.statement, "--statement", wanted)).transpose()?,
        target_cloud_id,
        point_id: r.point.map(|id| if id == "newest" { found.point.id.clone() } else { id }),
    };
    let run: Run = api.post(&path, &request).await?;
    if r.watch {
        out.say(format!("Run {} began.", run.id));
        return watch(api, out, &run.id).await;
    }
    out.show(&run, |r| format!("Run {} began: crossfade run watch {}", r.id, r.id))
}

fn typed(given: Option<String>, flag: &str, wanted: &str) -> std::result::Result<String, Failure> {
    match given {
        Some(text) => Ok(text),
        None => ask(&format!("Type exactly: {wanted}\n>"), &format!("Nothing was started: repeat with {flag} \"{wanted}\".")),
    }
}

fn show(r: &Recovery) -> String {
    let rows = table(["cloud", "site", "verdict", "why"], &r.rows, |p| {
        let why = p.findings.iter().map(|f| f.what.clone()).collect::<Vec<_>>().join(" ");
        [p.at.cloud.clone(), p.at.site.clone(), p.verdict.short().into(), why]
    });
    let first = if r.source_answers {
        format!("{} answers: it is stopped there first, and what it wrote last is copied if its disks can be read.", r.cloud)
    } else {
        format!("{} does not answer: what was written after the newest recovery point stays there.", r.cloud)
    };
    let point = format!("Newest recovery point: {} ago ({}).", age(Some(r.point.taken_at), now()), r.point.id);
    let mut lines = vec![format!("{} at {} ({}): {}", r.machine, r.cloud, r.site, r.failed), first, point, String::new(), rows];
    lines.extend(r.best.clone());
    lines.extend(r.statement.iter().map(|s| format!("To be typed: {s}")));
    lines.push(problems(&r.problems));
    lines.join("\n")
}
