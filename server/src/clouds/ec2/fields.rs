//! The settings of one region: what is asked for, and what makes sense.

use crate::clouds::{
    Settings,
    error::{Error, Result},
};
use model::cloud::{DriverInfo, FieldInput, FieldSpec};
use std::collections::BTreeMap;
use url::Url;

/// As whom. Must not come into a log.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Login {
    Keys {
        id: String,
        secret: String,
        session: Option<String>,
    },
    /// A credentials file that was pasted.
    File {
        text: String,
        profile: Option<String>,
    },
    /// What this host has: environment, `~/.aws`, web identity, the role of its instance.
    Host {
        profile: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    pub arn: String,
    pub external_id: Option<String>,
}

#[derive(Clone)]
pub struct Config {
    pub region: String,
    /// Of every service, without a slash at the end; `None`: Amazon's own.
    pub endpoint: Option<String>,
    pub ebs_endpoint: Option<String>,
    pub login: Login,
    pub role: Option<Role>,
    /// Name or id: for cards that nothing is mapped for.
    pub subnet: Option<String>,
    pub groups: Vec<Group>,
    /// Patterns like `m7i.*`; empty: any.
    pub types: Vec<String>,
    pub ca: Option<String>,
    pub fingerprint: Option<String>,
}

/// A security group for new machines; `from`: only for those that had one of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub from: Option<String>,
    pub to: String,
}

impl Config {
    /// # Errors
    /// `Permanent`, naming the field, why it is wrong, and what would be right.
    pub fn parse(settings: Settings) -> Result<Self> {
        let fields = &settings.fields;
        Ok(Self {
            region: region(fields)?,
            endpoint: endpoint(fields, "endpoint")?,
            ebs_endpoint: endpoint(fields, "ebs_endpoint")?,
            login: login(fields)?,
            role: role(fields)?,
            subnet: text(fields, "subnet"),
            groups: words(fields, "security_groups").map(group).collect(),
            types: words(fields, "instance_types").collect(),
            ca: ca(fields)?,
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

fn words(fields: &Fields, name: &str) -> impl Iterator<Item = String> {
    let all = text(fields, name).unwrap_or_default();
    all.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect::<Vec<_>>().into_iter()
}

fn group(word: String) -> Group {
    match word.split_once('=') {
        Some((from, to)) => Group { from: Some(from.trim().to_owned()), to: to.trim().to_owned() },
        None => Group { from: None, to: word },
    }
}

fn region(fields: &Fields) -> Result<String> {
    let given = text(fields, "region").ok_or_else(|| wrong("region", "it is missing; write it like eu-central-1"))?;
    // It becomes a part of the host's name.
    let plain = given.len() <= 63 && given.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if plain { Ok(given) } else { Err(wrong("region", format!("'{given}' is no name of a region; write it like eu-central-1"))) }
}

fn endpoint(fields: &Fields, name: &str) -> Result<Option<String>> {
    let Some(given) = text(fields, name) else { return Ok(None) };
    let example = "write it like https://ec2.example:8773";
    let url = Url::parse(&given).map_err(|error| wrong(name, format!("'{given}' is not an address ({error}); {example}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong(name, format!("'{given}' is not an address; {example}")));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(wrong(name, format!("keys do not belong into an address; {example}")));
    }
    if url.scheme() == "http" && text(fields, "insecure").as_deref() != Some("true") {
        return Err(wrong(name, "http sends the disks in clear text: use https, or allow it with 'insecure'"));
    }
    Ok(Some(given.trim_end_matches('/').to_owned()))
}

fn login(fields: &Fields) -> Result<Login> {
    let profile = text(fields, "profile");
    let (id, secret) = (text(fields, "access_key"), text(fields, "secret_key"));
    match (id, secret, text(fields, "credentials_file")) {
        (Some(id), Some(secret), _) => Ok(Login::Keys { id, secret, session: text(fields, "session_token") }),
        (Some(_), None, _) => Err(wrong("secret_key", "it is missing, and is needed with an access key")),
        (None, Some(_), _) => Err(wrong("access_key", "it is missing, and is needed with a secret key")),
        (None, None, Some(text)) if !text.contains('[') => {
            Err(wrong("credentials_file", "it has no profile: it must have a line like [default]"))
        }
        (None, None, Some(text)) => Ok(Login::File { text, profile }),
        (None, None, None) => Ok(Login::Host { profile }),
    }
}

fn role(fields: &Fields) -> Result<Option<Role>> {
    let external_id = text(fields, "external_id");
    match text(fields, "role") {
        Some(arn) if arn.starts_with("arn:") && arn.contains(":role/") => Ok(Some(Role { arn, external_id })),
        Some(arn) => Err(wrong("role", format!("'{arn}' is no role; write it like arn:aws:iam::123456789012:role/crossfade"))),
        None if external_id.is_some() => Err(wrong("role", "it is missing, and is needed with an external id")),
        None => Ok(None),
    }
}

fn ca(fields: &Fields) -> Result<Option<String>> {
    match text(fields, "ca") {
        Some(pem) if !pem.contains("-----BEGIN CERTIFICATE-----") => Err(wrong("ca", "this is no PEM text")),
        given => Ok(given),
    }
}

pub fn info() -> DriverInfo {
    use FieldInput::{LongSecret, LongText, Secret, Switch, Text};
    DriverInfo {
        kind: "ec2".into(),
        title: "Amazon EC2".into(),
        about: "One region of EC2 with EBS, or of a cloud that speaks like it.".into(),
        simulated: false,
        fields: vec![
            FieldSpec { required: true, ..example("region", "Region", Text, "Of the machines and their recovery points.", "eu-central-1") },
            field(
                "access_key",
                "Access key",
                Text,
                "Its id. Empty: what this node's host has (environment, ~/.aws, the role of its instance).",
            ),
            field("secret_key", "Secret key", Secret, "Of the access key."),
            field(
                "session_token",
                "Session token",
                LongSecret,
                "Only with a temporary access key, which ends after hours: better take a role.",
            ),
            field("credentials_file", "Credentials file", LongSecret, "Pasted, instead of an access key."),
            field("profile", "Profile", Text, "Of the credentials file, or of ~/.aws on this node's host. Empty: default."),
            example(
                "role",
                "Role",
                Text,
                "Assumed with the credentials above, and renewed before it ends.",
                "arn:aws:iam::123456789012:role/crossfade",
            ),
            field("external_id", "External id", Text, "If the role asks for one."),
            field("subnet", "Subnet", Text, "Name or id. Where new machines go whose network is not mapped."),
            example(
                "security_groups",
                "Security groups",
                Text,
                "Of new machines. A plain name is for all of them; web=dmz for those that had 'web'. Groups of the same name are found by \
                 themselves.",
                "base, web=dmz",
            ),
            example("instance_types", "Instance types", Text, "That may be chosen from. Empty: any.", "m7i.*, r7i.large"),
            example("endpoint", "Address", Text, "Of another cloud than Amazon's that speaks like EC2.", "https://ec2.example:8773"),
            field("ebs_endpoint", "Address of EBS direct", Text, "Where it has one of its own."),
            field("ca", "Certificate authority", LongText, "PEM. When the servers' certificates are signed by one of your own."),
            FieldSpec {
                default: Some("false".into()),
                ..field("insecure", "Allow unencrypted connections", Switch, "Allows http. Only for a network that is trusted in full.")
            },
        ],
    }
}

fn field(name: &str, label: &str, input: FieldInput, help: &str) -> FieldSpec {
    FieldSpec { name: name.into(), label: label.into(), help: help.into(), input, required: false, default: None, example: None }
}

fn example(name: &str, label: &str, input: FieldInput, help: &str, example: &str) -> FieldSpec {
    FieldSpec { example: Some(example.into()), ..field(name, label, input, help) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &[(&str, &str)]) -> Result<Config> {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::parse(Settings { fields, ..Settings::default() })
    }

    #[test]
    fn a_refusal_names_the_field_and_what_would_be_right() {
        let said = |fields: &[(&str, &str)]| parse(fields).err().map(|e| e.message).unwrap_or_default();
        let region = ("region", "eu-central-1");
        assert!(said(&[]).starts_with("region: it is missing; write it like"));
        assert!(said(&[("region", "eu/../x")]).contains("no name of a region"));
        assert!(said(&[region, ("access_key", "a")]).starts_with("secret_key: "));
        assert!(said(&[region, ("secret_key", "a")]).starts_with("access_key: "));
        assert!(said(&[region, ("endpoint", "http://m:5000")]).contains("'insecure'"));
        assert!(said(&[region, ("endpoint", "https://id:key@m")]).contains("do not belong into an address"));
        assert!(said(&[region, ("role", "crossfade")]).contains("arn:aws:iam"));
        assert!(said(&[region, ("external_id", "x")]).starts_with("role: "));
        assert!(said(&[region, ("credentials_file", "aws_access_key_id = x")]).contains("[default]"));
        assert!(said(&[region, ("ca", "x")]).starts_with("ca: "));
        assert_eq!(said(&[region]), "");
    }

    #[test]
    fn keys_win_over_a_file_and_a_file_over_the_host() {
        let region = ("region", "eu-central-1");
        let login = |more: &[(&str, &str)]| parse(&[&[region], more].concat()).ok().map(|config| config.login).unwrap();
        assert_eq!(login(&[("profile", "dr")]), Login::Host { profile: Some("dr".into()) });
        let file = Login::File { text: "[dr]\naws_access_key_id = x".into(), profile: Some("dr".into()) };
        assert_eq!(login(&[("profile", "dr"), ("credentials_file", "[dr]\naws_access_key_id = x")]), file);
        let keys = login(&[("access_key", "a"), ("secret_key", "b"), ("credentials_file", "[dr]")]);
        assert_eq!(keys, Login::Keys { id: "a".into(), secret: "b".into(), session: None });
    }

    #[test]
    fn groups_are_for_all_or_for_those_that_had_one() {
        let config = parse(&[("region", "r"), ("security_groups", "base, web=dmz ,"), ("instance_types", "m7i.*")]).ok().unwrap();
        let wanted = [Group { from: None, to: "base".into() }, Group { from: Some("web".into()), to: "dmz".into() }];
        assert_eq!((config.groups, config.types), (wanted.to_vec(), vec!["m7i.*".to_owned()]));
    }
}
