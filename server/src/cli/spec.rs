//! Small languages of the flags: `name=value`, `net=other`, `http:8080/status`.

use super::client::{Failure, Result};
use model::{Mapping, plan::HealthCheck};
use std::{collections::BTreeMap, fs};

/// `name=value`; `name=@FILE` takes the file's content.
pub fn fields(given: &[String]) -> Result<BTreeMap<String, String>> {
    given.iter().map(|text| field(text)).collect()
}

fn field(text: &str) -> Result<(String, String)> {
    let (name, value) = pair("--field", text)?;
    let Some(path) = value.strip_prefix('@') else { return Ok((name, value)) };
    let content = fs::read_to_string(path).map_err(|e| Failure::input(format!("--field {name}: {path} cannot be read: {e}")))?;
    Ok((name, content))
}

pub fn pair(flag: &str, text: &str) -> Result<(String, String)> {
    let (a, b) = text.split_once('=').ok_or_else(|| Failure::input(format!("{flag} is '{text}': write it as name=value")))?;
    Ok((a.trim().into(), b.trim().into()))
}

pub fn mappings(flag: &str, given: &[String]) -> Result<Vec<Mapping>> {
    given.iter().map(|text| pair(flag, text).map(|(from, to)| Mapping { from, to })).collect()
}

/// `2=rest`, with a number from 1 to `most`.
pub fn numbered(flag: &str, text: &str, most: u8) -> Result<(u8, String)> {
    let (number, rest) = pair(flag, text)?;
    match number.parse() {
        Ok(n) if (1..=most).contains(&n) => Ok((n, rest)),
        _ => Err(Failure::input(format!("{flag} begins with '{number}': write a number from 1 to {most}"))),
    }
}

/// `running`, `ping`, `tcp:PORT`, `http:/path`, `http:PORT/path`, `guest-agent`; at an address of its own: `ping@IP`,
/// `tcp@IP:PORT`, `http@IP:PORT/path`.
pub fn health(flag: &str, text: &str) -> Result<HealthCheck> {
    let wrong = || {
        Failure::input(format!(
            "{flag} is '{text}': write running, ping, tcp:PORT, http:/path, http:PORT/path or guest-agent; \
             ping@IP, tcp@IP:PORT or http@IP:PORT/path for another address"
        ))
    };
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let (kind, address) = kind.split_once('@').map_or((kind, None), |(kind, ip)| (kind, Some(ip.to_owned())));
    if address.as_ref().is_some_and(|ip| ip.parse::<std::net::Ipv4Addr>().is_err()) {
        return Err(wrong());
    }
    let port = |text: &str| text.parse::<u16>().ok().filter(|p| *p > 0).ok_or_else(wrong);
    Ok(match (kind, rest, &address) {
        ("running", "", None) => HealthCheck::Running,
        ("ping", "", _) => HealthCheck::Ping { address },
        ("guest-agent", "", None) => HealthCheck::GuestAgent,
        ("tcp", text, _) => HealthCheck::Tcp { port: port(text)?, address },
        ("http", rest, _) => {
            let (text, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let port = if text.is_empty() { 80 } else { port(text)? };
            HealthCheck::Http { address, port, path: if path.is_empty() { "/".into() } else { path.into() } }
        }
        _ => return Err(wrong()),
    })
}

/// As [`health`] reads it.
pub fn health_text(check: &HealthCheck) -> String {
    let at = |address: &Option<String>| address.as_ref().map(|ip| format!("@{ip}")).unwrap_or_default();
    match check {
        HealthCheck::Running => "running".into(),
        HealthCheck::GuestAgent => "guest-agent".into(),
        HealthCheck::Ping { address } => format!("ping{}", at(address)),
        HealthCheck::Tcp { address, port } => format!("tcp{}:{port}", at(address)),
        HealthCheck::Http { address, port, path } => format!("http{}:{port}{path}", at(address)),
    }
}

/// A source has one counterpart: what is given replaces it, and an empty one takes it away.
pub fn remapped(mut known: Vec<Mapping>, given: Vec<Mapping>) -> Vec<Mapping> {
    for new in given {
        known.retain(|m| m.from != new.from);
        known.extend(Some(new).filter(|m| !m.to.is_empty()));
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_checks_are_read() {
        assert_eq!(health("--health", "http:/status").unwrap(), HealthCheck::Http { address: None, port: 80, path: "/status".into() });
        assert_eq!(health("--health", "http:8080").unwrap(), HealthCheck::Http { address: None, port: 8080, path: "/".into() });
        assert_eq!(health("--health", "tcp:5432").unwrap(), HealthCheck::Tcp { address: None, port: 5432 });
        assert!(health("--health", "tcp:x").is_err() && health("--health", "htp:/").is_err() && health("--health", "ping:1").is_err());
    }

    #[test]
    fn a_health_check_is_written_as_it_is_read() {
        for text in ["running", "ping@10.0.0.5", "tcp@10.0.0.5:80", "tcp:22", "http@10.0.0.5:80/x", "http:8080/", "guest-agent"] {
            assert_eq!(health_text(&health("--health", text).unwrap()), text);
        }
        for wrong in ["ping@web1", "running@10.0.0.5", "tcp@10.0.0.5", "tcp:0"] {
            assert!(health("--health", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_field_may_come_from_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        std::fs::write(&path, "PEM").unwrap();
        let read = fields(&["uri=qemu+tls://h/system?x=1".into(), format!("ca=@{}", path.display())]).unwrap();
        assert_eq!((read["uri"].as_str(), read["ca"].as_str()), ("qemu+tls://h/system?x=1", "PEM"));
        assert!(fields(&["uri".into()]).is_err() && fields(&["ca=@/nowhere".into()]).is_err());
    }
}
