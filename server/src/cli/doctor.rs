//! `crossfade doctor`: everything that a node on this host needs, each line green or with what to do.

use super::{
    Remote,
    client::{Client, Failure, Result},
};
use crate::{
    clouds::registry,
    config::{Config, Settings},
    secrets::Key,
    state::disk,
    store::Db,
};
use model::access::Me;
use serde::Serialize;
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

#[derive(Serialize)]
struct Finding {
    what: &'static str,
    /// `None`: not needed, or not to be known from here.
    ok: Option<bool>,
    said: String,
}

type Checked = std::result::Result<String, String>;

pub async fn run(settings: Settings, remote: &Remote) -> Result<()> {
    let config = settings.resolve()?;
    let api = api(remote).await;
    let running = api.is_ok();
    let mut all = vec![
        finding("data folder", data_dir(&config)),
        finding("key file", key_file(&config)),
        finding("free space", free_space(&config)),
        finding("store", store(&config).await),
        finding("listen address", listen(&config, running)),
        finding("TLS", tls(&config).await),
        finding("screens", site(&config)),
        finding("clock", clock()),
    ];
    all.extend(registry::libraries().into_iter().map(|(what, checked)| finding(what, checked)));
    all.push(Finding { ok: None, ..finding("ssh client", ssh()) });
    all.push(finding("raw sockets", raw_sockets()));
    all.push(finding("ping", ping()));
    all.push(Finding { ok: None, ..finding("callout folder", callouts(&config)) });
    all.push(Finding { ok: running.then_some(true), ..finding("node's API", api) });
    print(&all, remote.json);
    let wrong = all.iter().filter(|f| f.ok == Some(false)).count();
    if wrong == 0 { Ok(()) } else { Err(Failure::failed(format!("{wrong} of {} checks found something to mend.", all.len()))) }
}

fn finding(what: &'static str, checked: Checked) -> Finding {
    let ok = Some(checked.is_ok());
    Finding { what, ok, said: checked.unwrap_or_else(|e| e) }
}

fn print(all: &[Finding], json: bool) {
    if json {
        println!("{}", serde_json::to_string_pretty(all).unwrap_or_default());
        return;
    }
    for f in all {
        let mark = match f.ok {
            Some(true) => "ok   ",
            Some(false) => "WRONG",
            None => "info ",
        };
        println!("{mark}  {:<16} {}", f.what, f.said);
    }
}

fn data_dir(config: &Config) -> Checked {
    let dir = config.data_dir.display();
    if !config.data_dir.exists() {
        return Ok(format!("{dir} does not exist yet; the first start makes it"));
    }
    let probe = config.data_dir.join(".doctor");
    fs::write(&probe, b"x")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|e| format!("{dir} cannot be written ({e}): give it to the node's user, or choose another with --data-dir"))?;
    let mode = fs::metadata(&config.data_dir).map(|m| m.permissions().mode() & 0o777).unwrap_or(0);
    if mode & 0o077 == 0 {
        Ok(format!("{dir} is writable and private"))
    } else {
        Err(format!("{dir} can be read by others (mode {mode:o}): run  chmod 700 {dir}"))
    }
}

/// A node warns below this: the log of runs and an upgrade of the store want room.
const LITTLE: u64 = 256 << 20;

fn free_space(config: &Config) -> Checked {
    // Before the first start the folder is not there: then where it will be made.
    let there = config.data_dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    let free = disk::free(there).map_err(|e| format!("of {} cannot be told: {e}", there.display()))?;
    let words = format!("{} MiB in {}", free >> 20, there.display());
    if free < LITTLE { Err(format!("{words}: free some, or the store cannot be written soon")) } else { Ok(words) }
}

/// Only clouds whose address begins with qemu+ssh need it.
fn ssh() -> Checked {
    let asked = Command::new("ssh").arg("-V").output();
    let out = asked.map_err(|e| format!("none ({e}): clouds by qemu+ssh need one (Debian: openssh-client)"))?;
    Ok(format!("{}; used for clouds by qemu+ssh", String::from_utf8_lossy(&out.stderr).trim()))
}

/// Moving a service address is announced by frames of our own.
fn raw_sockets() -> Checked {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if may_send_frames(&status) {
        return Ok("allowed (CAP_NET_RAW): service addresses can be announced from here".into());
    }
    Err("not allowed: service addresses cannot be announced from here; setcap cap_net_raw+ep on the program, or AmbientCapabilities=CAP_NET_RAW in its unit".into())
}

fn may_send_frames(status: &str) -> bool {
    const CAP_NET_RAW: u32 = 13;
    let bits = status.lines().find_map(|line| line.strip_prefix("CapEff:")).and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    bits.is_some_and(|bits| bits >> CAP_NET_RAW & 1 == 1)
}

/// Health checks by ping use a socket that is allowed by group.
fn ping() -> Checked {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if may_send_frames(&status) || may_ping(&status, &range) {
        return Ok("allowed: health checks by ping work".into());
    }
    Err("not allowed: health checks by ping fail; allow the node's group in net.ipv4.ping_group_range, give it CAP_NET_RAW, or use TCP and HTTP checks".into())
}

fn may_ping(status: &str, range: &str) -> bool {
    let numbers = |text: &str| text.split_whitespace().filter_map(|n| n.parse::<u64>().ok()).collect::<Vec<_>>();
    let groups =
        status.lines().filter_map(|line| line.strip_prefix("Gid:").or(line.strip_prefix("Groups:"))).flat_map(numbers).collect::<Vec<_>>();
    match numbers(range)[..] {
        [from, to] => groups.iter().any(|group| (from..=to).contains(group)),
        _ => false,
    }
}

fn key_file(config: &Config) -> Checked {
    if !config.key_file.exists() {
        return Ok(format!("{} does not exist yet; the first start makes it", config.key_file.display()));
    }
    Key::load_or_create(&config.key_file)
        .map(|_| format!("{} is private and whole; back it up apart from the store", config.key_file.display()))
        .map_err(|e| format!("{e:#}"))
}

/// Never makes a store, and never upgrades one: a doctor only looks.
async fn store(config: &Config) -> Checked {
    match config.store.strip_prefix("sqlite://") {
        Some(path) if !Path::new(path.split('?').next().unwrap_or(path)).exists() => {
            Ok(format!("{path} does not exist yet; the first start makes it"))
        }
        Some(path) => Db::look(&config.store)
            .await
            .map(|()| format!("SQLite {path} answers"))
            .map_err(|e| format!("{e:#}: restore it from your backup")),
        None => Db::look(&config.store)
            .await
            .map(|()| "PostgreSQL answers".into())
            .map_err(|e| format!("{e:#}: check the address, the user and pg_hba.conf")),
    }
}

fn listen(config: &Config, running: bool) -> Checked {
    match TcpListener::bind(config.listen) {
        Ok(_) => Ok(format!("{} is free", config.listen)),
        Err(_) if running => Ok(format!("{} is in use, and a node answers", config.listen)),
        Err(e) => Err(format!("{}: {e}; stop the program that has it, or choose another with --listen", config.listen)),
    }
}

async fn tls(config: &Config) -> Checked {
    let Some((cert, key)) = &config.tls else {
        let open = !config.listen.ip().is_loopback() && config.trusted_proxies.is_empty();
        let risk = format!(
            "{} is reached without TLS: passwords go in clear; use --tls-cert and --tls-key, or a proxy and --trusted-proxy",
            config.listen
        );
        return if open { Err(risk) } else { Ok("off: this host or a proxy in front only".into()) };
    };
    let config = axum_server::tls_rustls::RustlsConfig::from_pem_file(cert, key).await;
    config.map(|_| "certificate and key belong together".into()).map_err(|e| format!("{} with {}: {e}", cert.display(), key.display()))
}

fn site(config: &Config) -> Checked {
    let dir = &config.site_root;
    if dir.join("assets.json").exists() && dir.join("pkg").is_dir() {
        return Ok(format!("{} has the built screens", dir.display()));
    }
    Err(format!("{} has no built screens: run  cargo xtask build --release , or point --site-root at them", dir.display()))
}

/// A wrong clock gives wrong ages; leases compare the store's clock only.
fn clock() -> Checked {
    let synced = Command::new("timedatectl").args(["show", "-p", "NTPSynchronized", "--value"]).output();
    match synced.as_ref().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).as_deref() {
        Ok("yes") => Ok("synchronised".into()),
        Ok("no") => Err("not synchronised: run a time service (systemd-timesyncd, chrony), or ages on the screens are wrong".into()),
        _ => Ok(format!("{} UTC; whether it is synchronised cannot be seen here", super::output::time(crate::state::now()))),
    }
}

fn callouts(config: &Config) -> Checked {
    let dir = config.data_dir.join("callouts");
    let Ok(entries) = fs::read_dir(&dir) else { return Ok(format!("{} does not exist: plans have no scripts", dir.display())) };
    let names: Vec<String> = entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    Ok(format!("{} holds {}", dir.display(), if names.is_empty() { "no programs".into() } else { names.join(", ") }))
}

async fn api(remote: &Remote) -> Checked {
    let client = Client::new(remote).map_err(|e| e.to_string())?;
    let asked =
        tokio::time::timeout(Duration::from_secs(5), client.get::<Me>("/me")).await.map_err(|_| "no answer within 5 s".to_owned())?;
    match asked {
        Ok(me) => Ok(format!("{} answers at {}, version {}, as {} ({})", me.node, remote.url, me.version, me.name, me.role.as_str())),
        Err(Failure::Refused(_, e)) => Ok(format!("a node answers at {}, but: {}", remote.url, e.message)),
        Err(other) => Err(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_read_from_the_process() {
        assert!(may_send_frames("Name:\tx\nCapEff:\t0000000000002000\n"));
        assert!(!may_send_frames("CapEff:\t0000000000001fff\n") && !may_send_frames(""));
        let status = "Gid:\t1000\t1000\t1000\t1000\nGroups:\t27 1000\n";
        assert!(may_ping(status, "0\t2147483647\n") && may_ping(status, "20 30"));
        assert!(!may_ping(status, "1\t0\n") && !may_ping(status, "") && !may_ping(status, "2000 3000"));
    }

    #[test]
    fn free_space_is_told_before_there_is_a_folder() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { data_dir: Some(dir.path().join("not/yet")), ..Settings::default() };
        let said = free_space(&settings.resolve().unwrap()).unwrap_or_else(|e| e);
        assert!(said.contains("MiB in") && said.contains(&dir.path().display().to_string()), "{said}");
    }
}
