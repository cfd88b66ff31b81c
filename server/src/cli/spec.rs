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

/// `running`, `ping`, `tcp:PORT`, `http:/path`, `http:PORT/path`, `guest-agent`.
pub fn health(text: &str) -> Result<HealthCheck> {
    let wrong =
        || Failure::input(format!("--health is '{text}': write running, ping, tcp:PORT, http:/path, http:PORT/path or guest-agent"));
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    Ok(match (kind, rest) {
        ("running", "") => HealthCheck::Running,
        ("ping", "") => HealthCheck::Ping { address: None },
        ("guest-agent", "") => HealthCheck::GuestAgent,
        ("tcp", port) => HealthCheck::Tcp { address: None, port: port.parse().map_err(|_| wrong())? },
        ("http", rest) => {
            let slash = rest.find('/').unwrap_or(rest.len());
            let (port, path) = rest.split_at(slash);
            let port = if port.is_empty() { 80 } else { port.parse().map_err(|_| wrong())? };
            HealthCheck::Http { address: None, port, path: if path.is_empty() { "/".into() } else { path.into() } }
        }
        _ => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_checks_are_read() {
        assert_eq!(health("http:/status").unwrap(), HealthCheck::Http { address: None, port: 80, path: "/status".into() });
        assert_eq!(health("http:8080").unwrap(), HealthCheck::Http { address: None, port: 8080, path: "/".into() });
        assert_eq!(health("tcp:5432").unwrap(), HealthCheck::Tcp { address: None, port: 5432 });
        assert!(health("tcp:x").is_err() && health("htp:/").is_err() && health("ping:1").is_err());
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
