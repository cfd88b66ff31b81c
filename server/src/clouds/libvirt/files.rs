//! What libvirt's library wants to see as files: certificates, a key for SSH. And the address that it is opened by.

use super::fields::{Config, Transport};
use crate::clouds::error::{Error, Result};
use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Parameters of the address that an administrator may set; others (`command`, `netcat`) would run programs on this node.
const ALLOWED: [&str; 5] = ["socket", "mode", "tls_priority", "no_verify", "name"];

/// Writes the files (0600, in the cloud's own folder) and answers the address that points to them.
///
/// # Errors
/// `Permanent` when they cannot be written.
pub fn prepare(config: &Config) -> Result<String> {
    let mut params: Vec<(String, String)> = config
        .uri
        .query_pairs()
        .filter(|(key, _)| ALLOWED.contains(&key.as_ref()))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    match (config.transport, &config.pki) {
        (Transport::Tls, Some(pki)) => {
            let folder = folder(config, "pki")?;
            write(&folder.join("cacert.pem"), &pki.ca, 0o600)?;
            write(&folder.join("clientcert.pem"), &pki.cert, 0o600)?;
            write(&folder.join("clientkey.pem"), &pki.key, 0o600)?;
            params.push(("pkipath".into(), folder.display().to_string()));
        }
        (Transport::Ssh, _) => {
            params.push(("command".into(), ssh_command(config)?.display().to_string()));
            params.push(("no_tty".into(), "1".into()));
        }
        _ => {}
    }
    Ok(address(config, &params))
}

/// libvirt knows only %-escapes: a '+' is no space to it.
fn address(config: &Config, params: &[(String, String)]) -> String {
    let mut uri = config.uri.clone();
    uri.set_query(None);
    let query: Vec<_> = params.iter().map(|(key, value)| format!("{key}={}", escape(value))).collect();
    match query.is_empty() {
        true => uri.to_string(),
        false => format!("{uri}?{}", query.join("&")),
    }
}

fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A wrapper, since libvirt passes no options on to ssh: never asks, never accepts an unknown host.
fn ssh_command(config: &Config) -> Result<PathBuf> {
    let folder = folder(config, "ssh")?;
    let mut options = String::from("-o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=8");
    if let Some(key) = &config.ssh_key {
        let path = folder.join("key");
        write(&path, &format!("{key}\n"), 0o600)?;
        options += &format!(" -o IdentitiesOnly=yes -i '{}'", path.display());
    }
    if let Some(hosts) = &config.ssh_known_hosts {
        let path = folder.join("known_hosts");
        write(&path, &format!("{hosts}\n"), 0o600)?;
        options += &format!(" -o 'UserKnownHostsFile={}'", path.display());
    }
    let command = folder.join("command");
    write(&command, &format!("#!/bin/sh\nexec ssh {options} \"$@\"\n"), 0o700)?;
    Ok(command)
}

fn folder(config: &Config, name: &str) -> Result<PathBuf> {
    // libvirt must find it whatever the working directory is.
    let path = std::path::absolute(config.scratch.join(name)).map_err(|error| Error::permanent(format!("scratch folder: {error}")))?;
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
    made.map_err(|error| Error::permanent(format!("{}: {error}", path.display())))?;
    Ok(path)
}

/// Only when it differs: a file must not be rewritten under a connection that is being opened.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let fresh = path.with_extension(format!("{}.new", std::process::id()));
    let written = (|| {
        let _ = fs::remove_file(&fresh);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        fs::rename(&fresh, path)
    })();
    written.map_err(|error| Error::permanent(format!("{}: {error}", path.display())))
}
