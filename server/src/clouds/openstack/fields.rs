//! The settings of an OpenStack: what is asked for, and what makes sense. `clouds.yaml` may be pasted as it is; a field
//! that is filled in wins over it.

use super::yaml;
use crate::clouds::{
    Settings,
    error::{Error, Result},
};
use model::cloud::{DriverInfo, FieldInput, FieldSpec};
use std::{collections::BTreeMap, time::Duration};
use url::Url;

const PAUSE_SECONDS: &str = "20";

/// As whom. Must not come into a log.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Login {
    Password { user: String, user_domain: String, password: String, project: String, project_domain: String },
    ApplicationCredential { id: String, secret: String },
}

#[derive(Clone)]
pub struct Config {
    /// Keystone's address with its version, without a slash at the end: `https://keystone.example:5000/v3`.
    pub auth_url: String,
    pub login: Login,
    pub region: Option<String>,
    /// `public`, `internal` or `admin`: which of the addresses of each service.
    pub interface: String,
    /// PEM of the authority that signed the servers' certificates, besides those that this host trusts.
    pub ca: Option<String>,
    pub fingerprint: Option<String>,
    /// A running machine with several disks may be paused for as long, for one instant.
    pub longest_pause: Duration,
}

impl Config {
    /// # Errors
    /// `Permanent`, naming the field, why it is wrong, and what would be right.
    pub fn parse(settings: Settings) -> Result<Self> {
        let fields = with_file(&settings.fields)?;
        Ok(Self {
            auth_url: auth_url(&fields)?,
            login: login(&fields)?,
            region: text(&fields, "region"),
            interface: interface(&fields)?,
            ca: ca(&fields)?,
            longest_pause: longest_pause(&fields)?,
            fingerprint: settings.fingerprint,
        })
    }
}

type Fields = BTreeMap<String, String>;

fn wrong(field: &str, why: impl std::fmt::Display) -> Error {
    Error::permanent(format!("{field}: {why}"))
}

fn text(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// What `clouds.yaml` says, below the fields that were filled in.
fn with_file(fields: &Fields) -> Result<Fields> {
    let Some(file) = text(fields, "clouds_yaml") else { return Ok(fields.clone()) };
    let all = yaml::parse(&file).map_err(|why| wrong("clouds_yaml", why))?;
    let mut names: Vec<&str> = all.keys().filter_map(|key| key.strip_prefix("clouds.")?.split('.').next()).collect();
    names.dedup();
    let name = match (text(fields, "cloud"), names.as_slice()) {
        (Some(name), names) if names.contains(&name.as_str()) => name,
        (None, [only]) => (*only).to_owned(),
        (_, []) => return Err(wrong("clouds_yaml", "it has no entry under 'clouds:'")),
        (_, names) => return Err(wrong("cloud", format!("name the one to take: {}", names.join(", ")))),
    };
    let get = |key: &str| all.get(&format!("clouds.{name}.{key}")).cloned();
    let mut out = Fields::new();
    for (field, keys) in [
        ("auth_url", &["auth.auth_url"][..]),
        ("user", &["auth.username"]),
        ("user_domain", &["auth.user_domain_name", "auth.domain_name"]),
        ("password", &["auth.password"]),
        ("project", &["auth.project_name", "auth.project_id"]),
        ("project_domain", &["auth.project_domain_name", "auth.domain_name"]),
        ("credential_id", &["auth.application_credential_id"]),
        ("credential_secret", &["auth.application_credential_secret"]),
        ("region", &["region_name"]),
        ("interface", &["interface"]),
    ] {
        out.extend(keys.iter().find_map(|key| get(key)).map(|value| (field.to_owned(), value)));
    }
    out.extend(fields.iter().filter(|(_, value)| !value.trim().is_empty()).map(|(key, value)| (key.clone(), value.clone())));
    Ok(out)
}

fn auth_url(fields: &Fields) -> Result<String> {
    let example = "write it like https://keystone.example:5000/v3";
    let given = text(fields, "auth_url").ok_or_else(|| wrong("auth_url", format!("it is missing; {example}")))?;
    let url = Url::parse(&given).map_err(|error| wrong("auth_url", format!("'{given}' is not an address ({error}); {example}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("auth_url", format!("'{given}' is not an address of Keystone; {example}")));
    }
    if url.scheme() == "http" && text(fields, "insecure").as_deref() != Some("true") {
        return Err(wrong("auth_url", "http sends the password in clear text: use https, or allow it with 'insecure'"));
    }
    let plain = given.trim_end_matches('/');
    Ok(match plain.rsplit('/').next() {
        Some("v3") => plain.to_owned(),
        Some("v2.0") => return Err(wrong("auth_url", "version 2.0 of Keystone is not supported: use /v3")),
        _ => format!("{plain}/v3"),
    })
}

fn login(fields: &Fields) -> Result<Login> {
    let domain = |name: &str| text(fields, name).unwrap_or_else(|| "Default".into());
    let missing = |name: &'static str, with: &str| wrong(name, format!("it is missing, and is needed with {with}"));
    if let Some(id) = text(fields, "credential_id") {
        let secret = text(fields, "credential_secret").ok_or_else(|| missing("credential_secret", "an application credential"))?;
        return Ok(Login::ApplicationCredential { id, secret });
    }
    let none = || wrong("credential_id", "give an application credential (id and secret), or user, password and project");
    let user = text(fields, "user").ok_or_else(none)?;
    Ok(Login::Password {
        user,
        user_domain: domain("user_domain"),
        password: text(fields, "password").ok_or_else(|| missing("password", "a user"))?,
        project: text(fields, "project").ok_or_else(|| missing("project", "a user"))?,
        project_domain: domain("project_domain"),
    })
}

fn interface(fields: &Fields) -> Result<String> {
    let given = text(fields, "interface").unwrap_or_else(|| "public".into());
    match given.trim_end_matches("URL") {
        plain @ ("public" | "internal" | "admin") => Ok(plain.to_owned()),
        _ => Err(wrong("interface", format!("'{given}' is none of public, internal, admin"))),
    }
}

fn ca(fields: &Fields) -> Result<Option<String>> {
    match text(fields, "ca") {
        Some(pem) if !pem.contains("-----BEGIN CERTIFICATE-----") => Err(wrong("ca", "this is no PEM text")),
        given => Ok(given),
    }
}

fn longest_pause(fields: &Fields) -> Result<Duration> {
    let given = text(fields, "pause_seconds").unwrap_or_else(|| PAUSE_SECONDS.into());
    // A point must be open within 90 s.
    let seconds = given.parse().ok().filter(|seconds| *seconds <= 60);
    seconds.map(Duration::from_secs).ok_or_else(|| wrong("pause_seconds", format!("'{given}' is no number of seconds from 0 to 60")))
}

pub fn info() -> DriverInfo {
    use FieldInput::{LongSecret, LongText, Number, Secret, Switch, Text};
    let interfaces = FieldInput::Choice { options: ["public", "internal", "admin"].map(str::to_owned).into() };
    DriverInfo {
        kind: "openstack".into(),
        title: "OpenStack".into(),
        about: "One project of an OpenStack cloud (Train or newer), through Keystone, Nova, Glance and Neutron.".into(),
        simulated: false,
        fields: vec![
            FieldSpec {
                example: Some("https://keystone.example:5000/v3".into()),
                ..field("auth_url", "Keystone", Text, "Address of the identity service, version 3.")
            },
            field(
                "credential_id",
                "Application credential",
                Text,
                "Its id. Better than a password: it has the rights of one project only and can be revoked alone.",
            ),
            field("credential_secret", "Secret of the application credential", Secret, "Shown once by OpenStack, when it is made."),
            field("user", "User", Text, "Instead of an application credential."),
            field("password", "Password", Secret, "Of the user."),
            field("project", "Project", Text, "Name or id. An application credential has its own."),
            default("user_domain", "Domain of the user", Text, "", "Default"),
            default("project_domain", "Domain of the project", Text, "", "Default"),
            field("region", "Region", Text, "Empty: the first that the catalogue has."),
            default("interface", "Addresses", interfaces, "Which addresses of the services this node can reach.", "public"),
            field("clouds_yaml", "clouds.yaml", LongSecret, "Pasted as OpenStack gives it out; fields that are filled in win over it."),
            field("cloud", "Entry of clouds.yaml", Text, "Needed when it has more than one."),
            field("ca", "Certificate authority", LongText, "PEM. When the servers' certificates are signed by one of your own."),
            default(
                "insecure",
                "Allow unencrypted connections",
                Switch,
                "Allows http. Only for a network that is trusted in full.",
                "false",
            ),
            default(
                "pause_seconds",
                "Longest pause",
                Number,
                "Seconds. A running machine with several disks is paused for each recovery point, so that they show one instant, unless that takes longer. 0: never.",
                PAUSE_SECONDS,
            ),
        ],
    }
}

fn field(name: &str, label: &str, input: FieldInput, help: &str) -> FieldSpec {
    FieldSpec { name: name.into(), label: label.into(), help: help.into(), input, required: false, default: None, example: None }
}

fn default(name: &str, label: &str, input: FieldInput, help: &str, value: &str) -> FieldSpec {
    FieldSpec { default: Some(value.into()), ..field(name, label, input, help) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &[(&str, &str)]) -> Result<Config> {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::parse(Settings { fields, ..Settings::default() })
    }

    const FILE: &str = "clouds:\n  prod:\n    auth:\n      auth_url: https://k.example:5000\n      username: \"ann\"\n      password: 'p: #1'\n      project_name: shop\n      user_domain_name: Users\n    region_name: R1\n    interface: internal\n  test:\n    auth:\n      auth_url: https://t.example/v3\n      application_credential_id: abc\n      application_credential_secret: s3cret\n    auth_type: v3applicationcredential\n";

    #[test]
    fn a_file_is_taken_as_it_is_and_a_field_wins() {
        let config = parse(&[("clouds_yaml", FILE), ("cloud", "prod"), ("region", "R2")]).ok().unwrap();
        assert_eq!(
            (config.auth_url.as_str(), config.region.as_deref(), config.interface.as_str()),
            ("https://k.example:5000/v3", Some("R2"), "internal")
        );
        let wanted = Login::Password {
            user: "ann".into(),
            user_domain: "Users".into(),
            password: "p: #1".into(),
            project: "shop".into(),
            project_domain: "Default".into(),
        };
        assert_eq!(config.login, wanted);
        let config = parse(&[("clouds_yaml", FILE), ("cloud", "test")]).ok().unwrap();
        assert_eq!(config.login, Login::ApplicationCredential { id: "abc".into(), secret: "s3cret".into() });
    }

    #[test]
    fn a_refusal_names_the_field_and_what_would_be_right() {
        let said = |fields: &[(&str, &str)]| parse(fields).err().map(|e| e.message).unwrap_or_default();
        let url = ("auth_url", "https://k.example:5000/v3");
        assert!(said(&[]).starts_with("auth_url: it is missing; write it like https://"));
        assert!(said(&[("auth_url", "http://k/v3")]).contains("'insecure'"));
        assert!(said(&[("auth_url", "https://k/v2.0")]).contains("/v3"));
        assert!(said(&[url]).starts_with("credential_id: give an application credential"));
        assert!(said(&[url, ("credential_id", "a"), ("credential_secret", "b"), ("pause_seconds", "61")]).contains("from 0 to 60"));
        assert!(said(&[url, ("user", "a")]).starts_with("password: "));
        assert!(said(&[url, ("user", "a"), ("password", "b")]).starts_with("project: "));
        assert!(said(&[url, ("credential_id", "a")]).starts_with("credential_secret: "));
        assert!(said(&[("clouds_yaml", FILE)]).contains("prod, test"));
        assert!(said(&[("clouds_yaml", "x: y")]).contains("no entry"));
    }
}
