//! Is the host there, who is it, and what would not work with it.

use super::{
    Libvirt,
    fields::{Config, Transport},
    inventory::resources,
    link::version_text,
    sys::Conn,
};
use crate::clouds::{Cloud, error::Result};
use model::{Problem, Severity, cloud::ProbeReport};
use std::sync::atomic::Ordering;

struct Seen {
    host: String,
    uuid: Option<String>,
    hypervisor: Option<u64>,
    machines: u32,
    resources: Option<model::cloud::Resources>,
}

pub async fn probe(driver: &Libvirt) -> Result<ProbeReport> {
    let session = driver.link.session().await?;
    let seen = driver
        .link
        .call(|conn: &Conn| {
            Ok(Seen {
                host: conn.hostname()?,
                uuid: resources::host_uuid(conn),
                hypervisor: conn.hypervisor_version().ok(),
                machines: conn.domains()?.len() as u32,
                resources: resources::look(conn).ok(),
            })
        })
        .await?;
    let config = &driver.link.config;
    driver.fibre_channel.store(seen.resources.as_ref().is_some_and(|all| !all.hbas.is_empty()), Ordering::Relaxed);
    let hypervisor = seen.hypervisor.filter(|_| session.is_qemu).map(|v| format!(", QEMU {}", version_text(v)));
    Ok(ProbeReport {
        ok: true,
        identity: identity(config),
        host: Some(seen.host),
        host_id: seen.uuid,
        version: Some(format!("libvirt {}{}", version_text(session.version), hypervisor.unwrap_or_default())),
        fingerprint: session.fingerprint.clone(),
        capabilities: driver.capabilities(),
        machines: Some(seen.machines),
        problems: problems(config, seen.resources.as_ref()),
    })
}

/// libvirt does not tell as whom we came; what we showed it is known.
fn identity(config: &Config) -> Option<String> {
    match config.transport {
        Transport::Tls => Some("client certificate".into()),
        Transport::Ssh => Some(match config.uri.username() {
            "" => "SSH key".into(),
            user => format!("SSH user {user}"),
        }),
        Transport::Unix => Some("local socket".into()),
        Transport::Tcp | Transport::Test => Some("unauthenticated".into()),
    }
}

fn problems(config: &Config, resources: Option<&model::cloud::Resources>) -> Vec<Problem> {
    let warn = |subject: &str, what: &str, remedy: &str| Problem::new(Severity::Warning, subject, what, remedy);
    let mut all = vec![];
    if matches!(config.transport, Transport::Tcp) {
        all.push(warn("uri", "Everything sent to this host, and whoever sends it, goes unchecked and in clear text.", "Use qemu+tls."));
    }
    if config.transport != Transport::Test && config.pki.is_none() {
        match config.insecure {
            true => all.push(warn("ca", "Disks are read over the network in clear text.", "Give ca, cert and key.")),
            false => all.push(warn(
                "ca",
                "Without certificates the disks of this host cannot be read, so its machines cannot be moved or protected.",
                "Give ca, cert and key.",
            )),
        }
    }
    let pools = resources.map(|all| all.pools.as_slice()).unwrap_or_default();
    if config.transport != Transport::Test && !pools.iter().any(|pool| pool.active && is_files(&pool.kind)) {
        all.push(warn(
            "storage",
            "This host has no active storage pool of files, so it cannot keep recovery points.",
            "Define and start a pool of type dir, fs or netfs.",
        ));
    }
    all
}

/// Kinds of pool whose volumes are files in one folder: only there can a qcow2 chain be kept.
pub fn is_files(kind: &str) -> bool {
    matches!(kind, "dir" | "fs" | "netfs")
}
