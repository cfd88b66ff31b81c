//! The text of a health check's form, and what it means. Pure; [`super::health_fields`] draws it.

use model::plan::HealthCheck;

/// As typed: a port that is not a number yet must stay on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthDraft {
    pub kind: Kind,
    pub address: String,
    pub port: String,
    pub path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Running,
    Ping,
    Tcp,
    Http,
    GuestAgent,
}

impl Kind {
    pub const ALL: [Self; 5] = [Self::Running, Self::Ping, Self::Tcp, Self::Http, Self::GuestAgent];

    pub fn value(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Ping => "ping",
            Self::Tcp => "tcp",
            Self::Http => "http",
            Self::GuestAgent => "guest_agent",
        }
    }
    pub fn label(self) -> &'static str {
        match self {
            Self::Running => "None: running at the cloud is enough",
            Self::Ping => "Answers a ping",
            Self::Tcp => "Accepts a TCP connection",
            Self::Http => "Answers an HTTP request",
            Self::GuestAgent => "Guest agent answers",
        }
    }
    pub fn parse(s: &str) -> Self {
        Self::ALL.into_iter().find(|k| k.value() == s).unwrap_or(Self::Running)
    }
    pub fn has_address(self) -> bool {
        matches!(self, Self::Ping | Self::Tcp | Self::Http)
    }
    pub fn has_port(self) -> bool {
        matches!(self, Self::Tcp | Self::Http)
    }
}

impl From<&HealthCheck> for HealthDraft {
    fn from(check: &HealthCheck) -> Self {
        let mut draft = Self { kind: Kind::Running, address: String::new(), port: "80".into(), path: "/".into() };
        let mut fill = |kind, address: &Option<String>| {
            draft.kind = kind;
            draft.address = address.clone().unwrap_or_default();
        };
        match check {
            HealthCheck::Running => {}
            HealthCheck::GuestAgent => draft.kind = Kind::GuestAgent,
            HealthCheck::Ping { address } => fill(Kind::Ping, address),
            HealthCheck::Tcp { address, port } => {
                fill(Kind::Tcp, address);
                draft.port = port.to_string();
            }
            HealthCheck::Http { address, port, path } => {
                fill(Kind::Http, address);
                draft.port = port.to_string();
                draft.path = path.clone();
            }
        }
        draft
    }
}

/// The field that is wrong, and what would be right.
pub type Fault = (&'static str, String);

impl HealthDraft {
    pub fn parse(&self) -> Result<HealthCheck, Fault> {
        let address = if self.kind.has_address() { self.address()? } else { None };
        Ok(match self.kind {
            Kind::Running => HealthCheck::Running,
            Kind::GuestAgent => HealthCheck::GuestAgent,
            Kind::Ping => HealthCheck::Ping { address },
            Kind::Tcp => HealthCheck::Tcp { address, port: self.port()? },
            Kind::Http => HealthCheck::Http { address, port: self.port()?, path: self.path()? },
        })
    }

    fn address(&self) -> Result<Option<String>, Fault> {
        match self.address.trim() {
            "" => Ok(None),
            text if text.parse::<std::net::Ipv4Addr>().is_ok() => Ok(Some(text.into())),
            text => Err(("address", format!("“{text}” is not an IPv4 address: write it like 10.0.0.5, or leave it empty."))),
        }
    }

    fn port(&self) -> Result<u16, Fault> {
        let port = self.port.trim().parse::<u16>().ok().filter(|p| *p > 0);
        let text = || format!("“{}” is not a port: a number from 1 to 65535 is needed, for example 80.", self.port.trim());
        port.ok_or_else(|| ("port", text()))
    }

    fn path(&self) -> Result<String, Fault> {
        let path = self.path.trim();
        if path.starts_with('/') && !path.contains(char::is_whitespace) {
            Ok(path.into())
        } else {
            Err(("path", format!("“{path}” is not a path: it must begin with / and have no blanks, for example /health.")))
        }
    }
}

/// In one short line, for lists.
pub fn summary(check: &HealthCheck) -> String {
    let at = |address: &Option<String>| address.as_ref().map(|a| format!(" {a}")).unwrap_or_default();
    match check {
        HealthCheck::Running => "running at the cloud".into(),
        HealthCheck::Ping { address } => format!("ping{}", at(address)),
        HealthCheck::Tcp { address, port } => format!("TCP{} port {port}", at(address)),
        HealthCheck::Http { address, port, path } => format!("HTTP{} port {port} {path}", at(address)),
        HealthCheck::GuestAgent => "guest agent".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_back_the_same() {
        for check in [
            HealthCheck::Running,
            HealthCheck::GuestAgent,
            HealthCheck::Ping { address: None },
            HealthCheck::Tcp { address: Some("10.0.0.1".into()), port: 5432 },
            HealthCheck::Http { address: None, port: 8080, path: "/up".into() },
        ] {
            assert_eq!(HealthDraft::from(&check).parse(), Ok(check));
        }
    }

    #[test]
    fn a_wrong_port_says_what_would_be_right() {
        let draft = HealthDraft { kind: Kind::Tcp, address: String::new(), port: "0".into(), path: "/".into() };
        assert!(draft.parse().is_err_and(|e| e.0 == "port" && e.1.contains("1 to 65535")));
        let draft = HealthDraft { kind: Kind::Http, address: String::new(), port: "80".into(), path: "up".into() };
        assert!(draft.parse().is_err_and(|e| e.0 == "path" && e.1.contains("begin with /")));
        let draft = HealthDraft { kind: Kind::Ping, address: "db1".into(), ..draft };
        assert!(draft.parse().is_err_and(|e| e.0 == "address"));
        assert_eq!(HealthDraft { kind: Kind::Running, ..draft }.parse(), Ok(HealthCheck::Running), "not asked for");
    }
}
