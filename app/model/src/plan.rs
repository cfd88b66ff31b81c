//! Recovery plans: in which order the machines of groups come up at another site, and how each is known to be well.

use crate::{Id, Millis, Problem};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Plan {
    pub id: Id,
    #[serde(flatten)]
    pub spec: PlanSpec,
    pub protected_site: String,
    pub recovery_site: String,
    pub updated_at: Millis,
    /// Counts up with each change: send it back as `If-Match` and nobody else's change gets lost.
    #[serde(default)]
    pub version: i64,
    /// Findings of the readiness check, when it was last run.
    #[serde(default)]
    pub problems: Vec<Problem>,
    #[serde(default)]
    pub checked_at: Option<Millis>,
}

/// Body of `POST /plans` and `PUT /plans/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanSpec {
    pub name: String,
    pub group_ids: Vec<Id>,
    /// Settings for members; one that is not listed gets the defaults and priority 3.
    #[serde(default)]
    pub machines: Vec<PlanMachine>,
    #[serde(default)]
    pub service_addresses: Vec<ServiceAddress>,
    /// Scripts and prompts, placed before or after a priority group.
    #[serde(default)]
    pub callouts: Vec<Callout>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlanMachine {
    pub member_id: Id,
    /// 1 (first) to 5.
    #[serde(default = "third")]
    pub priority: u8,
    /// Members of the same priority group that must be ready before.
    #[serde(default)]
    pub after: Vec<Id>,
    #[serde(default)]
    pub health: HealthCheck,
    #[serde(default = "two_minutes")]
    pub health_timeout_seconds: u32,
    #[serde(default)]
    pub start_delay_seconds: u32,
    /// Started by a failover although it was off when it was last seen. Otherwise it is made there and left off.
    #[serde(default)]
    pub always_start: bool,
}

fn third() -> u8 {
    3
}
fn two_minutes() -> u32 {
    120
}

impl PlanMachine {
    pub fn with_defaults(member_id: Id) -> Self {
        Self {
            member_id,
            priority: third(),
            after: vec![],
            health: HealthCheck::default(),
            health_timeout_seconds: two_minutes(),
            start_delay_seconds: 0,
            always_start: false,
        }
    }
}

/// How a machine is known to be well after its start. `address` defaults to the machine's first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum HealthCheck {
    /// Running at the cloud is enough.
    #[default]
    Running,
    Ping {
        #[serde(default)]
        address: Option<String>,
    },
    Tcp {
        #[serde(default)]
        address: Option<String>,
        port: u16,
    },
    /// Any 2xx or 3xx answer.
    Http {
        #[serde(default)]
        address: Option<String>,
        #[serde(default = "port_80")]
        port: u16,
        #[serde(default = "root_path")]
        path: String,
    },
    GuestAgent,
}

fn port_80() -> u16 {
    80
}
fn root_path() -> String {
    "/".into()
}

/// An address that clients use and that moves with its machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServiceAddress {
    /// IPv4, without prefix length; with `dns` a name.
    pub address: String,
    /// The member that carries it.
    pub member_id: Id,
    /// `garp`: a stretched network, moved by gratuitous ARP; `floating`: the recovery cloud points it; `dns`: the record of
    /// a name, in a zone of any connected cloud.
    pub mechanism: String,
    /// The network of the card that carries it, by its name at the recovery site: for machines with several cards.
    #[serde(default)]
    pub network: Option<String>,
    /// How it is proved from outside.
    #[serde(default)]
    pub probe: HealthCheck,
}

impl ServiceAddress {
    /// What clients use is a name of DNS, and no address.
    pub fn is_name(&self) -> bool {
        self.mechanism == "dns"
    }

    /// Is it written as its mechanism needs it?
    pub fn fits(&self) -> bool {
        if self.is_name() { is_dns_name(&self.address) } else { self.address.parse::<std::net::Ipv4Addr>().is_ok() }
    }
}

/// Of two labels at least, without a dot at the end; the last one is no number, so that an address is no name.
fn is_dns_name(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let label = |l: &str| (1..=63).contains(&l.len()) && l.chars().all(inside) && !l.starts_with('-') && !l.ends_with('-');
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.contains('.') && text.split('.').all(label) && last.chars().any(|c| !c.is_ascii_digit())
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Callout {
    pub name: String,
    /// Runs before this priority group (1..=5), or after all with 6.
    pub before_priority: u8,
    pub action: CalloutAction,
    /// When a script fails. A prompt that is answered "do not go on" always keeps what comes after it from starting.
    #[serde(default)]
    pub on_error: CalloutError,
}

/// What the failure of a script means for what comes after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CalloutError {
    /// Somebody decides: retry, or skip with a reason.
    #[default]
    Wait,
    /// It is written down, and everything goes on.
    GoOn,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum CalloutAction {
    /// A program of the node's callout folder, by name; never a shell line.
    Script {
        program: String,
        #[serde(default)]
        args: Vec<String>,
        #[serde(default = "two_minutes")]
        timeout_seconds: u32,
    },
    /// The run waits until somebody answers.
    Prompt { question: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_address_and_has_no_dot_at_its_end() {
        for (text, good) in [
            ("shop.example.com", true),
            ("_sip.a-b.example", true),
            ("10.0.0.5", false),
            ("shop", false),
            ("shop.example.com.", false),
            ("-shop.example.com", false),
            ("shop..example.com", false),
            ("*.example.com", false),
            ("shöp.example.com", false),
            ("", false),
        ] {
            assert_eq!(is_dns_name(text), good, "{text}");
        }
    }
}
