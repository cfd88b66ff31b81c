//! The settings of a vCenter or an ESXi host: what is asked for, and what makes sense.

use crate::clouds::{
    Settings,
    error::{Error, Result},
};
use model::cloud::{DriverInfo, FieldInput, FieldSpec};
use std::collections::BTreeMap;
use url::Url;

/// Must not come into a log.
#[derive(Clone)]
pub struct Config {
    /// `https://vcenter.example`, without a path and without a slash at the end.
    pub base: String,
    pub user: String,
    pub password: String,
    /// PEM of the authority that signed the server's certificate, besides those that this host trusts.
    pub ca: Option<String>,
    /// SHA-256 (hex) of the one certificate that is taken.
    pub fingerprint: Option<String>,
    /// Where new machines go, by name; `None`: the first that fits.
    pub place: Place,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub datacenter: Option<String>,
    /// A cluster, or a host that is in none.
    pub cluster: Option<String>,
    pub resource_pool: Option<String>,
    pub folder: Option<String>,
    pub datastore: Option<String>,
}

impl Config {
    /// # Errors
    /// `Permanent`, naming the field, why it is wrong, and what would be right.
    pub fn parse(settings: Settings) -> Result<Self> {
        let fields = &settings.fields;
        let needed = |name: &str, what: &str| text(fields, name).ok_or_else(|| wrong(name, format!("it is missing; {what}")));
        Ok(Self {
            base: base(&needed("url", EXAMPLE)?, text(fields, "insecure").as_deref() == Some("true"))?,
            user: needed("user", "write it like crossfade@vsphere.local")?,
            password: fields.get("password").filter(|p| !p.is_empty()).cloned().ok_or_else(|| wrong("password", "it is missing"))?,
            ca: ca(fields)?,
            place: Place {
                datacenter: text(fields, "datacenter"),
                cluster: text(fields, "cluster"),
                resource_pool: text(fields, "resource_pool"),
                folder: text(fields, "folder"),
                datastore: text(fields, "datastore"),
            },
            fingerprint: settings.fingerprint,
        })
    }
}

type Fields = BTreeMap<String, String>;
const EXAMPLE: &str = "write it like https://vcenter.example";

fn wrong(field: &str, why: impl std::fmt::Display) -> Error {
    Error::permanent(format!("{field}: {why}"))
}

fn text(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn base(given: &str, insecure: bool) -> Result<String> {
    let with_scheme = if given.contains("://") { given.to_owned() } else { format!("https://{given}") };
    let url = Url::parse(&with_scheme).map_err(|error| wrong("url", format!("'{given}' is not an address ({error}); {EXAMPLE}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("url", format!("'{given}' is not the address of a vCenter or host; {EXAMPLE}")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("url", "user and password have fields of their own"));
    }
    if url.scheme() == "http" && !insecure {
        return Err(wrong("url", "http sends the password in clear text: use https, or allow it with 'insecure'"));
    }
    // People paste what they see in the browser.
    if !matches!(url.path().trim_matches('/'), "" | "sdk" | "ui") {
        return Err(wrong("url", format!("'{}' is too much: only the address of the server; {EXAMPLE}", url.path())));
    }
    Ok(url.origin().ascii_serialization())
}

fn ca(fields: &Fields) -> Result<Option<String>> {
    match text(fields, "ca") {
        Some(pem) if !pem.contains("-----BEGIN CERTIFICATE-----") => Err(wrong("ca", "this is no PEM text")),
        given => Ok(given),
    }
}

pub fn info() -> DriverInfo {
    use FieldInput::{LongText, Secret, Switch, Text};
    DriverInfo {
        kind: "vsphere".into(),
        title: "VMware vSphere".into(),
        about: "A vCenter Server, or an ESXi host without one, version 6.5 or newer.".into(),
        simulated: false,
        fields: vec![
            FieldSpec {
                required: true,
                example: Some("https://vcenter.example".into()),
                ..field("url", "Address", Text, "Of the vCenter Server or the ESXi host.")
            },
            FieldSpec {
                required: true,
                example: Some("crossfade@vsphere.local".into()),
                ..field("user", "User", Text, "With the role that docs/clouds/vsphere.md describes; the probe names what is missing.")
            },
            FieldSpec { required: true, ..field("password", "Password", Secret, "Of the user.") },
            field("datacenter", "Data center", Text, "Where new machines go. Empty: the first."),
            field("cluster", "Cluster or host", Text, "Empty: the first of the data center."),
            field("resource_pool", "Resource pool", Text, "Empty: that of the cluster itself."),
            field("folder", "Folder", Text, "For new machines; a folder below the data center's machines. Empty: its topmost."),
            field(
                "datastore",
                "Datastore",
                Text,
                "For recovery points and new machines that nothing is mapped for. Empty: the one with the most room.",
            ),
            field("ca", "Certificate authority", LongText, "PEM. vCenter gives its own out at https://vcenter.example/certs/download.zip."),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(fields: &[(&str, &str)]) -> Result<Config> {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::parse(Settings { fields, ..Settings::default() })
    }

    #[test]
    fn an_address_may_be_written_in_several_ways() {
        let with = |url: &str| parse(&[("url", url), ("user", "u"), ("password", " p ")]).map(|c| (c.base, c.password));
        for url in ["vc.example", "https://vc.example/", "https://vc.example/sdk", "https://vc.example/ui/", "https://VC.example:443"] {
            assert_eq!(with(url).ok(), Some(("https://vc.example".into(), " p ".into())), "{url}");
        }
        assert_eq!(with("https://vc.example:8989").ok().unwrap().0, "https://vc.example:8989");
    }

    #[test]
    fn a_refusal_names_the_field_and_what_would_be_right() {
        let said = |fields: &[(&str, &str)]| parse(fields).err().map(|e| e.message).unwrap_or_default();
        assert!(said(&[]).starts_with("url: it is missing; write it like https://"));
        assert!(said(&[("url", "http://vc")]).contains("'insecure'"));
        assert!(said(&[("url", "https://a:b@vc")]).contains("fields of their own"));
        assert!(said(&[("url", "https://vc/rest/x")]).contains("only the address"));
        assert!(said(&[("url", "vc")]).starts_with("user: "));
        assert!(said(&[("url", "vc"), ("user", "u")]).starts_with("password: "));
        assert!(said(&[("url", "vc"), ("user", "u"), ("password", "p"), ("ca", "x")]).starts_with("ca: "));
    }
}
