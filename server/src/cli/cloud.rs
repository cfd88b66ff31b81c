//! `crossfade cloud`.

use super::{
    client::{Client, Failure, Result},
    names,
    output::{Out, age, ask, bytes, problems, table, word},
    prices, spec,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::cloud::{Cloud, DriverInfo, NewCloud, ProbeReport, Resources};

#[derive(Subcommand)]
pub enum Command {
    /// The kinds of cloud that can be added, with their fields
    Drivers,
    /// Add a cloud: probe it, show its certificate's fingerprint, save it
    Add(Add),
    /// Change a cloud; what is not named stays as it is
    Change(Change),
    /// All clouds
    List,
    /// One cloud
    Show { cloud: String },
    /// Remove a cloud; its machines stay as they are
    Remove { cloud: String },
    /// Look whether a cloud answers, and as what
    Probe { cloud: String },
    /// Its networks and storage pools: what mappings are written with
    Resources { cloud: String },
    /// What it costs: what "where can it run" reckons with
    #[command(subcommand)]
    Prices(prices::Command),
}

#[derive(Args)]
pub struct Add {
    /// The driver, see `crossfade cloud drivers`
    #[arg(long)]
    kind: String,
    #[arg(long)]
    name: String,
    /// The place that can be lost as a whole
    #[arg(long)]
    site: String,
    /// A setting of the driver; @FILE takes a file's content
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// Save only if the server's certificate has this SHA-256 fingerprint
    #[arg(long, value_name = "HEX")]
    accept_fingerprint: Option<String>,
    /// Accept the fingerprint that the probe saw
    #[arg(long, short)]
    yes: bool,
}

#[derive(Args)]
pub struct Change {
    cloud: String,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// Another site
    #[arg(long)]
    site: Option<String>,
    /// A setting of the driver; @FILE takes a file's content, nothing after = takes it away
    #[arg(long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    /// Accept this SHA-256 fingerprint in place of the one that is pinned: the server's certificate was renewed
    #[arg(long, value_name = "HEX")]
    accept_fingerprint: Option<String>,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Drivers => out.show(&api.get::<Vec<DriverInfo>>("/drivers").await?, |d| drivers(d)),
        Command::Add(a) => add(a, api, out).await,
        Command::Change(c) => change(c, api, out).await,
        Command::List => out.show(&api.all::<Cloud>("/clouds").await?, |all| list(all)),
        Command::Show { cloud } => {
            let id = names::cloud(api, &cloud).await?;
            out.show(&api.get::<Cloud>(&format!("/clouds/{id}")).await?, show)
        }
        Command::Remove { cloud } => {
            let id = names::cloud(api, &cloud).await?;
            api.delete::<serde_json::Value>(&format!("/clouds/{id}")).await?;
            out.say(format!("{cloud} is removed."));
            Ok(())
        }
        Command::Resources { cloud } => {
            let id = names::cloud(api, &cloud).await?;
            out.show(&api.get::<Resources>(&format!("/clouds/{id}/resources")).await?, resources)
        }
        Command::Prices(c) => prices::run(c, api, out).await,
        Command::Probe { cloud } => {
            let id = names::cloud(api, &cloud).await?;
            let report: ProbeReport = api.post(&format!("/clouds/{id}/probe"), &serde_json::json!({})).await?;
            out.show(&report, probed)?;
            usable(&report)
        }
    }
}

async fn add(a: Add, api: &Client, out: Out) -> Result<()> {
    let mut new = NewCloud { name: a.name, kind: a.kind, site: a.site, fields: spec::fields(&a.fields)?, fingerprint: None };
    let report: ProbeReport = api.post("/clouds/probe", &new).await?;
    out.say(probed(&report));
    usable(&report)?;
    new.fingerprint = accepted(&report, a.accept_fingerprint.as_deref(), a.yes)?;
    let cloud: Cloud = api.post("/clouds", &new).await?;
    out.show(&cloud, |c| format!("{} is added at {}.", c.name, c.site))
}

async fn change(c: Change, api: &Client, out: Out) -> Result<()> {
    let path = format!("/clouds/{}", names::cloud(api, &c.cloud).await?);
    let known: Cloud = api.get(&path).await?;
    let mut fields = known.fields;
    fields.extend(spec::fields(&c.fields)?);
    let (name, site) = (c.name.unwrap_or(known.name), c.site.unwrap_or(known.site));
    let new = NewCloud { name, kind: known.kind, site, fields, fingerprint: c.accept_fingerprint };
    // The node probes it once more with exactly this, and saves nothing that is refused.
    let report: ProbeReport = api.post(&format!("{path}/probe"), &new).await?;
    out.say(probed(&report));
    if !report.ok && report.fingerprint.is_some() && report.fingerprint != new.fingerprint {
        let seen = report.fingerprint.unwrap_or_default();
        return Err(Failure::failed(format!(
            "Nothing was saved. Compare the fingerprint with the server's own; if it is right, repeat with --accept-fingerprint {seen}"
        )));
    }
    let cloud: Cloud = api.put(&path, &new).await?;
    out.show(&cloud, |c| format!("{} is changed.", c.name))
}

fn usable(report: &ProbeReport) -> Result<()> {
    if report.ok { Ok(()) } else { Err(Failure::failed("The cloud cannot be used like this; see above.")) }
}

fn accepted(report: &ProbeReport, wanted: Option<&str>, yes: bool) -> Result<Option<String>> {
    let plain = |s: &str| s.replace(':', "").to_lowercase();
    let Some(seen) = &report.fingerprint else {
        let none = "The server showed no certificate, so there is no fingerprint to accept.";
        return if wanted.is_some() { Err(Failure::failed(none)) } else { Ok(None) };
    };
    match wanted {
        Some(wanted) if plain(wanted) == plain(seen) => Ok(Some(seen.clone())),
        Some(wanted) => {
            Err(Failure::failed(format!("The server's certificate has the fingerprint {seen}, not {wanted}. Nothing was saved.")))
        }
        None if yes => Ok(Some(seen.clone())),
        None => {
            let how = "Compare the fingerprint, then repeat with --accept-fingerprint HEX (or --yes). Nothing was saved.";
            if ask("Is this the fingerprint of your server? [y/N]", how)?.eq_ignore_ascii_case("y") {
                Ok(Some(seen.clone()))
            } else {
                Err(Failure::failed("Nothing was saved."))
            }
        }
    }
}

fn probed(r: &ProbeReport) -> String {
    let facts = [
        ("host", r.host.clone()),
        ("version", r.version.clone()),
        ("as", r.identity.clone()),
        ("fingerprint", r.fingerprint.clone()),
        ("machines", r.machines.map(|n| n.to_string())),
        ("can", Some(r.capabilities.iter().map(word).collect::<Vec<_>>().join(", "))),
    ];
    let mut lines: Vec<String> = vec![if r.ok { "The cloud answers." } else { "The cloud is not usable." }.into()];
    lines.extend(facts.into_iter().filter_map(|(name, value)| Some(format!("  {name:<12} {}", value.filter(|v| !v.is_empty())?))));
    if !r.problems.is_empty() {
        lines.push(problems(&r.problems));
    }
    lines.join("\n")
}

fn list(all: &[Cloud]) -> String {
    let at = now();
    table(["name", "kind", "site", "status", "machines", "running", "seen", "message"], all, |c| {
        let kind = if c.simulated { format!("{} SIMULATED", c.kind) } else { c.kind.clone() };
        let message = c.message.clone().unwrap_or_default();
        [
            c.name.clone(),
            kind,
            c.site.clone(),
            word(&c.status),
            c.machines.to_string(),
            c.running.to_string(),
            age(c.observed_at, at),
            message,
        ]
    })
}

fn show(c: &Cloud) -> String {
    let mut lines = vec![
        format!("{}  {}{}", c.name, c.kind, if c.simulated { " SIMULATED" } else { "" }),
        format!("  id           {}", c.id),
        format!("  site         {}", c.site),
        format!("  status       {} for {}", word(&c.status), age(Some(c.status_since), now())),
        format!("  machines     {}, {} running", c.machines, c.running),
        format!("  can          {}", c.capabilities.iter().map(word).collect::<Vec<_>>().join(", ")),
    ];
    lines.extend(c.message.iter().map(|m| format!("  message      {m}")));
    lines.extend(c.version.iter().map(|v| format!("  version      {v}")));
    lines.extend(c.fingerprint.iter().map(|f| format!("  fingerprint  {f}")));
    lines.extend(
        c.capacity.map(|k| format!("  free         {} memory, {} storage", bytes(k.memory_free_mib << 20), bytes(k.storage_free_bytes))),
    );
    lines.extend(c.fields.iter().map(|(name, value)| format!("  {name:<12} {}", value.lines().next().unwrap_or_default())));
    lines.join("\n")
}

fn resources(r: &Resources) -> String {
    let networks = table(["network", "kind"], &r.networks, |n| [n.name.clone(), n.kind.clone()]);
    let pools = table(["pool", "kind"], &r.pools, |p| [p.name.clone(), p.kind.clone()]);
    format!("{networks}\n\n{pools}")
}

fn drivers(all: &[DriverInfo]) -> String {
    let mut lines = vec![];
    for d in all {
        lines.push(format!("{}  {}", d.kind, d.about));
        for f in &d.fields {
            let need = if f.required { "required" } else { "optional" };
            lines.push(format!("  {:<16} {need}  {}", f.name, f.help));
        }
    }
    lines.join("\n")
}
