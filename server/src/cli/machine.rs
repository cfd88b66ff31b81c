//! `crossfade machine`.

use super::{
    client::{Client, Failure, Result, escape},
    names,
    output::{Out, age, ask, bytes, events, problems, table, time, word},
    placement, recover,
    run::watch,
    spec,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::{
    access::AuditEvent,
    machine::{Confirmed, Machine, MachineRow, PowerAction, PowerRequest},
    protection::RecoveryPoint,
    run::{Convert, MoveMode, MovePreflight, MoveRequest, Run},
};

/// A machine is given by name, as cloud/name, or by identifier.
#[derive(Subcommand)]
pub enum Command {
    /// All machines, or those that a search finds (site:berlin state:running tag:prod name:web*)
    List {
        search: Vec<String>,
    },
    /// One machine
    Show {
        machine: String,
    },
    Start {
        machine: String,
    },
    /// Stop it by asking the guest
    Stop {
        machine: String,
        /// Take the power away
        #[arg(long)]
        hard: bool,
    },
    /// Like the reset button: what the guest has not written is lost
    Reset {
        machine: String,
    },
    /// Its recovery points, newest first
    Points {
        machine: String,
    },
    /// What was done to it, newest first
    Activity {
        machine: String,
    },
    /// Where it can run: every other cloud, asked now, with what it would take and cost
    Where {
        machine: String,
    },
    /// Move a machine to another cloud
    Move(Move),
    /// Recover a machine that failed from its newest recovery point at another cloud
    Recover(recover::Recover),
    /// Remove a superseded copy with its disks; the active copy stays
    RemoveCopy {
        machine: String,
        /// The machine's name once more, instead of being asked
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
    },
}

#[derive(Args)]
pub struct Move {
    machine: String,
    /// The cloud it goes to
    #[arg(long)]
    to: String,
    /// auto, warm, cold or live
    #[arg(long, default_value = "auto", value_parser = mode)]
    mode: MoveMode,
    /// running, ping, tcp:PORT, http:/path, http:PORT/path or guest-agent; ping@IP … for another address than its first
    #[arg(long, default_value = "running")]
    health: String,
    /// A service address that moves with it
    #[arg(long, value_name = "IP")]
    service_address: Vec<String>,
    /// A network's counterpart, or new addresses: '10.1.0.0/24 via 10.1.0.1=10.2.0.0/24 via 10.2.0.1'
    #[arg(long, value_name = "FROM=TO")]
    network: Vec<String>,
    #[arg(long, value_name = "FROM=TO")]
    storage: Vec<String>,
    /// Seconds for a graceful stop, then hard
    #[arg(long, default_value_t = 60)]
    stop_timeout: u32,
    /// The stopped source is kept for so long
    #[arg(long, default_value_t = 24)]
    keep_source_hours: u32,
    /// An older recovery point instead of the last changes: what was written after it is given up (see
    /// `machine points`)
    #[arg(long, value_name = "ID")]
    point: Option<String>,
    /// Whether virt-v2v puts the drivers of the target in on the way: auto, never or always
    #[arg(long, default_value = "auto", value_parser = conversion)]
    convert: Convert,
    /// Only look what would be in the way
    #[arg(long)]
    check: bool,
    /// Wait for the end
    #[arg(long)]
    watch: bool,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::List { search } => {
            let path = format!("/machines?q={}", escape(&search.join(" ")));
            out.show(&api.all::<MachineRow>(&path).await?, |rows| list(rows))
        }
        Command::Show { machine } => {
            let id = names::machine(api, &machine).await?;
            out.show(&api.get::<Machine>(&format!("/machines/{id}")).await?, show)
        }
        Command::Start { machine } => power(api, out, &machine, PowerAction::Start).await,
        Command::Stop { machine, hard } => power(api, out, &machine, if hard { PowerAction::PowerOff } else { PowerAction::Stop }).await,
        Command::Reset { machine } => power(api, out, &machine, PowerAction::Reset).await,
        Command::Points { machine } => {
            let id = names::machine(api, &machine).await?;
            out.show(&api.all::<RecoveryPoint>(&format!("/machines/{id}/points")).await?, |all| points(all))
        }
        Command::Activity { machine } => {
            let id = names::machine(api, &machine).await?;
            out.show(&api.all::<AuditEvent>(&format!("/machines/{id}/activity")).await?, |all| events(all))
        }
        Command::Where { machine } => placement::machine(api, out, &machine).await,
        Command::Move(m) => start_move(m, api, out).await,
        Command::Recover(r) => recover::run(r, api, out).await,
        Command::RemoveCopy { machine, confirm } => remove_copy(api, out, &machine, confirm).await,
    }
}

fn mode(text: &str) -> std::result::Result<MoveMode, String> {
    serde_json::from_value(text.into()).map_err(|_| "write auto, warm, cold or live".into())
}

fn conversion(text: &str) -> std::result::Result<Convert, String> {
    serde_json::from_value(text.into()).map_err(|_| "write auto, never or always".into())
}

async fn power(api: &Client, out: Out, machine: &str, action: PowerAction) -> Result<()> {
    let id = names::machine(api, machine).await?;
    let seen: Machine = api.post(&format!("/machines/{id}/power"), &PowerRequest { action }).await?;
    out.show(&seen, |m| format!("{} is {}.", m.row.name, m.row.state.as_str().replace('_', " ")))
}

async fn remove_copy(api: &Client, out: Out, machine: &str, confirm: Option<String>) -> Result<()> {
    let id = names::machine(api, machine).await?;
    let name = api.get::<Machine>(&format!("/machines/{id}")).await?.row.name;
    let confirm = match confirm {
        Some(text) => text,
        None => ask(&format!("Type exactly: {name}\n>"), &format!("Nothing was removed: repeat with --confirm {name}."))?,
    };
    api.post::<serde_json::Value>(&format!("/machines/{id}/remove-copy"), &Confirmed { confirm }).await?;
    out.say(format!("The superseded copy {name} is removed."));
    Ok(())
}

async fn start_move(m: Move, api: &Client, out: Out) -> Result<()> {
    let request = MoveRequest {
        machine_id: names::machine(api, &m.machine).await?,
        target_cloud_id: names::cloud(api, &m.to).await?,
        mode: m.mode,
        networks: spec::mappings("--network", &m.network)?,
        storage: spec::mappings("--storage", &m.storage)?,
        health: spec::health("--health", &m.health)?,
        stop_timeout_seconds: m.stop_timeout,
        service_addresses: m.service_address,
        keep_source_hours: m.keep_source_hours,
        point_id: m.point,
        conversion: m.convert,
    };
    let check: MovePreflight = api.post("/moves/preflight", &request).await?;
    if m.check {
        out.show(&check, preflight)?;
    } else {
        out.say(preflight(&check));
    }
    if check.problems.iter().any(model::Problem::blocks) {
        return Err(Failure::failed("The move was not started: mend what is marked STOP."));
    }
    if m.check {
        return Ok(());
    }
    let run: Run = api.post("/moves", &request).await?;
    if m.watch {
        out.say(format!("Run {} began.", run.id));
        return watch(api, out, &run.id).await;
    }
    out.show(&run, |r| format!("Run {} began: crossfade run watch {}", r.id, r.id))
}

fn points(all: &[RecoveryPoint]) -> String {
    let at = now();
    table(["point", "shows the disks of", "age", "kind", "size", "state", "id"], all, |p| {
        let state = match (p.missing_since, p.held) {
            (Some(_), _) => "missing at the target",
            (None, true) => "held by a run",
            (None, false) => "",
        };
        let kind = if p.full { "full copy" } else { "changes" };
        [p.seq.to_string(), time(p.taken_at), age(Some(p.taken_at), at), kind.into(), bytes(p.bytes), state.into(), p.id.clone()]
    })
}

fn preflight(p: &MovePreflight) -> String {
    let convert = if p.convert { ", converted" } else { "" };
    let head = format!("{} → {}, {}{convert}, about {}", p.machine, p.target, word(&p.mode), bytes(p.bytes));
    if p.problems.is_empty() { format!("{head}: nothing is in the way.") } else { format!("{head}:\n{}", problems(&p.problems)) }
}

fn list(rows: &[MachineRow]) -> String {
    let at = now();
    table(["name", "cloud", "site", "state", "vcpus", "memory", "addresses", "lag", "seen"], rows, |m| {
        let state = m.role.filter(|r| r.as_str() != "active").map_or_else(String::new, |r| format!(" ({})", r.as_str()));
        let lag = m.protection.as_ref().map(|p| age(p.newest_point_at, at)).unwrap_or_default();
        [
            m.name.clone(),
            if m.simulated { format!("{} SIMULATED", m.cloud) } else { m.cloud.clone() },
            m.site.clone(),
            format!("{}{state}", m.state.as_str().replace('_', " ")),
            m.vcpus.to_string(),
            bytes(m.memory_mib << 20),
            m.addresses.join(" "),
            lag,
            age(Some(m.observed_at), at),
        ]
    })
}

fn show(m: &Machine) -> String {
    let r = &m.row;
    let mut lines = vec![
        format!("{}  {}", r.name, r.state.as_str().replace('_', " ")),
        format!("  id         {}", r.id),
        format!("  cloud      {} at {}{}", r.cloud, r.site, if r.simulated { " SIMULATED" } else { "" }),
        format!("  size       {} vCPU, {} memory, {} disks", r.vcpus, bytes(r.memory_mib << 20), bytes(r.disk_bytes)),
        format!("  addresses  {}", r.addresses.join(" ")),
        format!("  seen       {} ago", age(Some(r.observed_at), now())),
    ];
    lines.extend(r.split_brain.then(|| "  SPLIT BRAIN: more than one copy of it runs".to_owned()));
    lines.extend(r.protection.iter().map(|p| {
        format!(
            "  protected  {}: {}, newest recovery point {} ago, objective {} s",
            p.group,
            p.state.as_str(),
            age(p.newest_point_at, now()),
            p.rpo_seconds
        )
    }));
    lines.extend(
        m.copies.iter().map(|c| format!("  copy       {} at {}: {}, {}", c.role.as_str(), c.cloud, c.state.as_str(), c.machine_id)),
    );
    lines.extend(m.locked.iter().map(|why| format!("  locked     {why}")));
    lines.extend(m.disks.iter().map(|d| format!("  disk       {} {} {}", d.key, d.bus, bytes(d.size_bytes))));
    lines.extend(m.nics.iter().map(|n| format!("  nic        {} {}", n.mac, n.network.clone().unwrap_or_default())));
    lines.join("\n")
}
