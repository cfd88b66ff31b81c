//! Signing in at Keystone: the request, and what its answer says. Pure.

use super::fields::{Config, Login};
use crate::clouds::error::{Error, Kind, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Services by the names that catalogues have for them, old and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    Compute,
    Image,
    Network,
    /// Not every cloud has it.
    Volume,
}

impl Service {
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Compute => &["compute"],
            Self::Image => &["image"],
            Self::Network => &["network"],
            Self::Volume => &["volumev3", "block-storage", "block-store"],
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            _ => self.names()[0],
        }
    }

    /// What stands behind the address of the catalogue when it has no version yet.
    fn version(self) -> &'static str {
        match self {
            Self::Compute => "",
            Self::Image => "/v2",
            Self::Network => "/v2.0",
            Self::Volume => "/v3",
        }
    }
}

/// One signed-in session. Its token must not come into a log.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct Session {
    pub token: String,
    /// Milliseconds, by the cloud's clock.
    pub expires_at: i64,
    pub issued_at: i64,
    pub user: String,
    pub project: String,
    pub roles: Vec<String>,
    pub region: String,
    endpoints: BTreeMap<Service, String>,
}

impl Session {
    pub fn has(&self, service: Service) -> bool {
        self.endpoints.contains_key(&service)
    }

    /// # Errors
    /// The catalogue has no such service for this region and interface.
    pub fn endpoint(&self, service: Service) -> Result<&str> {
        let missing = || {
            let what = format!(
                "The catalogue has no {} service in region '{}': choose another region or kind of address.",
                service.label(),
                self.region
            );
            Error::new(Kind::Unsupported, what)
        };
        self.endpoints.get(&service).map(String::as_str).ok_or_else(missing)
    }
}

pub fn request(login: &Login) -> Value {
    match login {
        Login::Password { user, user_domain, password, project, project_domain } => {
            let who = json!({ "name": user, "domain": { "name": user_domain }, "password": password });
            let plain_id = project.len() == 32 && project.chars().all(|c| c.is_ascii_hexdigit());
            let scope = if plain_id { json!({ "id": project }) } else { json!({ "name": project, "domain": { "name": project_domain } }) };
            json!({ "auth": { "identity": { "methods": ["password"], "password": { "user": who } }, "scope": { "project": scope } } })
        }
        Login::ApplicationCredential { id, secret } => json!({ "auth": { "identity": {
            "methods": ["application_credential"], "application_credential": { "id": id, "secret": secret } } } }),
    }
}

#[derive(Deserialize)]
struct Answer {
    token: Body,
}
#[derive(Deserialize)]
struct Body {
    expires_at: String,
    issued_at: String,
    user: Named,
    project: Option<Named>,
    #[serde(default)]
    roles: Vec<Named>,
    #[serde(default)]
    catalog: Vec<Entry>,
}
#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: String,
    name: String,
}
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    endpoints: Vec<Endpoint>,
}
#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    #[serde(default)]
    region: Option<String>,
    #[serde(default)]
    region_id: Option<String>,
    url: String,
}

impl Endpoint {
    fn region(&self) -> &str {
        self.region_id.as_deref().or(self.region.as_deref()).unwrap_or_default()
    }
}

/// # Errors
/// It is not scoped to a project, or cannot be read.
pub fn session(config: &Config, token: String, body: &str) -> Result<Session> {
    let unreadable = |error: &dyn std::fmt::Display| Error::permanent(format!("Keystone's answer cannot be read: {error}"));
    let Answer { token: body } = serde_json::from_str(body).map_err(|e| unreadable(&e))?;
    let project = body.project.ok_or_else(|| Error::new(Kind::Auth, "The token is not for a project: name the project."))?;
    let all = || body.catalog.iter().flat_map(|entry| entry.endpoints.iter().map(move |one| (entry.kind.as_str(), one)));
    let first = || all().find(|(kind, _)| *kind == "compute").map(|(_, one)| one.region().to_owned());
    let region = config.region.clone().or_else(first).unwrap_or_default();
    let mut endpoints = BTreeMap::new();
    for service in [Service::Compute, Service::Image, Service::Network, Service::Volume] {
        let found = all().find(|(kind, one)| service.names().contains(kind) && one.interface == config.interface && one.region() == region);
        if let Some((_, one)) = found {
            endpoints.insert(service, address(service, &one.url, &project.id));
        }
    }
    // Keystone gives them in any order.
    let mut roles: Vec<String> = body.roles.into_iter().map(|role| role.name).collect();
    roles.sort_unstable();
    let time = |text: &str| text.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(|e| unreadable(&e));
    Ok(Session {
        token,
        expires_at: time(&body.expires_at)?,
        issued_at: time(&body.issued_at)?,
        user: body.user.name,
        project: project.name,
        roles,
        region,
        endpoints,
    })
}

fn address(service: Service, url: &str, project: &str) -> String {
    let plain = url.trim_end_matches('/').replace("$(project_id)s", project).replace("%(project_id)s", project);
    let last = plain.rsplit('/').next().unwrap_or_default();
    let has_version = last.starts_with('v') && last[1..].starts_with(|c: char| c.is_ascii_digit());
    if has_version || last == project { plain } else { plain + service.version() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"token":{"methods":["password"],"user":{"domain":{"id":"default","name":"Default"},"id":"u1","name":"crossfade","password_expires_at":null},
      "audit_ids":["x"],"expires_at":"2026-01-01T01:00:00.000000Z","issued_at":"2026-01-01T00:00:00.000000Z",
      "project":{"domain":{"id":"default","name":"Default"},"id":"0123456789abcdef0123456789abcdef","name":"crossfade"},"is_domain":false,
      "roles":[{"id":"r1","name":"member"},{"id":"r2","name":"reader"}],
      "catalog":[
       {"endpoints":[{"id":"1","interface":"public","region_id":"R1","url":"http://c:8774/v2.1","region":"R1"},{"id":"2","interface":"public","region_id":"R2","url":"http://c2:8774/v2.1/0123456789abcdef0123456789abcdef","region":"R2"}],"id":"a","type":"compute","name":"nova"},
       {"endpoints":[{"id":"3","interface":"internal","region_id":"R1","url":"http://int:9292","region":"R1"},{"id":"4","interface":"public","region_id":"R1","url":"http://i:9292/","region":"R1"}],"id":"b","type":"image","name":"glance"},
       {"endpoints":[{"id":"5","interface":"public","region_id":"R1","url":"http://n:9696","region":"R1"}],"id":"c","type":"network","name":"neutron"},
       {"endpoints":[{"id":"6","interface":"public","region_id":"R1","url":"http://v:8776/v3/0123456789abcdef0123456789abcdef","region":"R1"}],"id":"d","type":"block-storage","name":"cinder"}]}}"#;

    fn config(region: Option<&str>, interface: &str) -> Config {
        let login = Login::ApplicationCredential { id: "a".into(), secret: "b".into() };
        let (auth_url, interface) = ("http://k/v3".into(), interface.into());
        Config {
            auth_url,
            login,
            region: region.map(str::to_owned),
            interface,
            ca: None,
            fingerprint: None,
            longest_pause: std::time::Duration::ZERO,
        }
    }

    #[test]
    fn an_answer_becomes_a_session_with_addresses() {
        let s = session(&config(None, "public"), "t".into(), BODY).unwrap();
        assert_eq!((s.user.as_str(), s.project.as_str(), s.region.as_str()), ("crossfade", "crossfade", "R1"));
        assert_eq!(s.expires_at - s.issued_at, 3_600_000);
        assert_eq!(s.endpoint(Service::Compute).unwrap(), "http://c:8774/v2.1");
        assert_eq!(s.endpoint(Service::Image).unwrap(), "http://i:9292/v2");
        assert_eq!(s.endpoint(Service::Network).unwrap(), "http://n:9696/v2.0");
        assert_eq!(s.endpoint(Service::Volume).unwrap(), "http://v:8776/v3/0123456789abcdef0123456789abcdef");
        let other = session(&config(Some("R2"), "public"), "t".into(), BODY).unwrap();
        assert_eq!(other.endpoint(Service::Compute).unwrap(), "http://c2:8774/v2.1/0123456789abcdef0123456789abcdef");
        assert_eq!(other.endpoint(Service::Image).unwrap_err().kind, Kind::Unsupported);
        assert!(s.has(Service::Volume) && !other.has(Service::Volume), "not every cloud has one");
        assert_eq!(session(&config(None, "internal"), "t".into(), BODY).unwrap().endpoint(Service::Image).unwrap(), "http://int:9292/v2");
        let unscoped = BODY.replace("\"project\":", "\"else\":");
        assert_eq!(session(&config(None, "public"), "t".into(), &unscoped).unwrap_err().kind, Kind::Auth);
    }

    #[test]
    fn a_project_may_be_named_by_its_id() {
        let login = |project: &str| Login::Password {
            user: "u".into(),
            user_domain: "D".into(),
            password: "p".into(),
            project: project.into(),
            project_domain: "E".into(),
        };
        let scope = |project: &str| request(&login(project))["auth"]["scope"]["project"].clone();
        assert_eq!(scope("shop"), json!({ "name": "shop", "domain": { "name": "E" } }));
        assert_eq!(scope("0123456789abcdef0123456789abcdef"), json!({ "id": "0123456789abcdef0123456789abcdef" }));
    }
}
