//! The settings of a libvirt host: what is asked for, and what makes sense.

use crate::clouds::{
    Settings,
    error::{Error, Result},
};
use model::cloud::{DriverInfo, FieldInput, FieldSpec};
use std::{collections::BTreeMap, ops::RangeInclusive, path::PathBuf};
use url::Url;

/// Where backups are served when nothing else is said: qemu's NBD port and some more, since each machine needs one.
const NBD_PORTS: RangeInclusive<u16> = 10809..=10872;

/// Calls at one host at a time; more only queue up inside libvirtd, whose default is 5 for each client.
const CALLS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tls,
    Tcp,
    Ssh,
    Unix,
    /// libvirt's test driver: inventory only.
    Test,
}

/// Certificates as PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pki {
    pub ca: String,
    pub cert: String,
    pub key: String,
}

#[derive(Clone)]
pub struct Config {
    pub uri: Url,
    pub transport: Transport,
    pub pki: Option<Pki>,
    /// Plain text is allowed: qemu+tcp, NBD without TLS.
    pub insecure: bool,
    pub ssh_key: Option<String>,
    pub ssh_known_hosts: Option<String>,
    /// Where this node reaches the host for bulk data.
    pub nbd_host: Option<String>,
    pub nbd_ports: RangeInclusive<u16>,
    /// Where other hosts reach it for live migration.
    pub migration_host: Option<String>,
    pub fingerprint: Option<String>,
    pub scratch: PathBuf,
    pub calls: usize,
}

impl Config {
    /// # Errors
    /// `Permanent`, naming the field, why it is wrong, and what would be right.
    pub fn parse(settings: Settings) -> Result<Self> {
        let fields = &settings.fields;
        let insecure = switch(fields, "insecure")?;
        let (uri, transport) = uri(fields, insecure)?;
        Ok(Self {
            calls: if settings.calls == 0 { CALLS } else { settings.calls },
            pki: pki(fields, &uri)?,
            ssh_key: text(fields, "ssh_key"),
            ssh_known_hosts: text(fields, "ssh_known_hosts"),
            nbd_host: text(fields, "nbd_host").or_else(|| host_of(&uri)).or_else(|| local(transport)),
            nbd_ports: ports(fields)?,
            migration_host: text(fields, "migration_host").or_else(|| host_of(&uri)),
            fingerprint: settings.fingerprint.map(|f| f.replace(':', "").to_lowercase()),
            scratch: settings.scratch,
            uri,
            transport,
            insecure,
        })
    }

    pub fn host(&self) -> Option<String> {
        host_of(&self.uri)
    }

    /// Are backups read over TLS? Yes, unless there is no certificate to do it with and plain text was allowed.
    pub fn nbd_tls(&self) -> bool {
        self.pki.is_some() || !self.insecure
    }
}

fn text(fields: &BTreeMap<String, String>, name: &str) -> Option<String> {
    fields.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn wrong(field: &str, why: impl std::fmt::Display) -> Error {
    Error::permanent(format!("{field}: {why}"))
}

fn switch(fields: &BTreeMap<String, String>, name: &str) -> Result<bool> {
    match text(fields, name).as_deref() {
        None | Some("false" | "off" | "no" | "0") => Ok(false),
        Some("true" | "on" | "yes" | "1") => Ok(true),
        Some(other) => Err(wrong(name, format!("'{other}' is neither true nor false"))),
    }
}

fn uri(fields: &BTreeMap<String, String>, insecure: bool) -> Result<(Url, Transport)> {
    let example = "write it like qemu+tls://host.example/system";
    let given = text(fields, "uri").ok_or_else(|| wrong("uri", format!("it is missing; {example}")))?;
    let uri = Url::parse(&given).map_err(|error| wrong("uri", format!("'{given}' is not a URI ({error}); {example}")))?;
    let transport = match uri.scheme() {
        "qemu+tls" => Transport::Tls,
        "qemu+tcp" => Transport::Tcp,
        "qemu+ssh" => Transport::Ssh,
        "qemu" | "qemu+unix" => Transport::Unix,
        "test" | "test+tcp" | "test+unix" => Transport::Test,
        other => return Err(wrong("uri", format!("'{other}' is not supported: use qemu+tls, qemu+ssh or qemu+unix"))),
    };
    let needs_host = matches!(transport, Transport::Tls | Transport::Tcp | Transport::Ssh);
    if needs_host && host_of(&uri).is_none() {
        return Err(wrong("uri", format!("it names no host; {example}")));
    }
    if uri.scheme() == "qemu" && host_of(&uri).is_some() {
        return Err(wrong("uri", "a remote host needs a transport: qemu+tls or qemu+ssh"));
    }
    if !insecure && matches!(transport, Transport::Tcp | Transport::Test) {
        return Err(wrong(
            "uri",
            format!("{} is neither encrypted nor authenticated: use qemu+tls, or allow it with 'insecure'", uri.scheme()),
        ));
    }
    if !insecure && uri.query_pairs().any(|(key, value)| key.starts_with("no_verify") && value != "0") {
        return Err(wrong("uri", "no_verify switches the check of the server's identity off: remove it, or allow it with 'insecure'"));
    }
    if uri.path() != "/system" && transport != Transport::Test {
        return Err(wrong("uri", format!("the path must be /system (it is '{}')", uri.path())));
    }
    Ok((uri, transport))
}

fn host_of(uri: &Url) -> Option<String> {
    uri.host_str().map(|host| host.trim_matches(['[', ']']).to_owned()).filter(|host| !host.is_empty())
}

fn local(transport: Transport) -> Option<String> {
    (transport == Transport::Unix).then(|| "127.0.0.1".into())
}

/// All three or none; a `pkipath` in the URI names a folder of this node that holds them.
fn pki(fields: &BTreeMap<String, String>, uri: &Url) -> Result<Option<Pki>> {
    let given = ["ca", "cert", "key"].map(|name| text(fields, name));
    match given {
        [Some(ca), Some(cert), Some(key)] => {
            pem("ca", &ca, "CERTIFICATE")?;
            pem("cert", &cert, "CERTIFICATE")?;
            pem("key", &key, "PRIVATE KEY")?;
            Ok(Some(Pki { ca: ca + "\n", cert: cert + "\n", key: key + "\n" }))
        }
        [None, None, None] => match uri.query_pairs().find(|(key, _)| key == "pkipath") {
            Some((_, folder)) => pki_folder(&folder).map(Some),
            None => Ok(None),
        },
        given => {
            let missing: Vec<_> = ["ca", "cert", "key"].iter().zip(given).filter(|(_, g)| g.is_none()).map(|(n, _)| *n).collect();
            Err(wrong(missing[0], "certificate authority, client certificate and client key are needed together; this one is missing"))
        }
    }
}

fn pki_folder(folder: &str) -> Result<Pki> {
    let read = |name: &str| {
        let path = PathBuf::from(folder).join(name);
        std::fs::read_to_string(&path).map_err(|error| wrong("uri", format!("pkipath: {}: {error}", path.display())))
    };
    Ok(Pki { ca: read("cacert.pem")?, cert: read("clientcert.pem")?, key: read("clientkey.pem")? })
}

fn pem(field: &str, text: &str, what: &str) -> Result<()> {
    let begins = text.lines().any(|line| line.starts_with("-----BEGIN ") && line.ends_with(&format!("{what}-----")));
    let ends = text.lines().any(|line| line.starts_with("-----END ") && line.ends_with(&format!("{what}-----")));
    match begins && ends {
        true => Ok(()),
        false => Err(wrong(field, format!("this is no PEM text: it must hold a block from '-----BEGIN … {what}-----' to '-----END …'"))),
    }
}

fn ports(fields: &BTreeMap<String, String>) -> Result<RangeInclusive<u16>> {
    let Some(given) = text(fields, "nbd_ports") else { return Ok(NBD_PORTS) };
    let (low, high) = given.split_once('-').unwrap_or((&given, &given));
    match (low.trim().parse::<u16>(), high.trim().parse::<u16>()) {
        (Ok(low), Ok(high)) if 0 < low && low <= high => Ok(low..=high),
        _ => Err(wrong("nbd_ports", format!("'{given}' is no range of ports; write it like 10809-10872"))),
    }
}

pub fn info() -> DriverInfo {
    DriverInfo {
        kind: "libvirt".into(),
        title: "libvirt host".into(),
        about: "A host with libvirt and QEMU/KVM, reached over TLS, SSH or a local socket.".into(),
        simulated: false,
        fields: vec![
            FieldSpec {
                required: true,
                example: Some("qemu+tls://host.example/system".into()),
                ..field("uri", "Address", FieldInput::Text, "libvirt's own URI: qemu+tls, qemu+ssh or qemu+unix.")
            },
            field("ca", "Certificate authority", FieldInput::LongText, "PEM. What signed the host's certificate; also used to read disks."),
            field("cert", "Client certificate", FieldInput::LongText, "PEM. What this node shows to the host."),
            field("key", "Client key", FieldInput::LongSecret, "PEM. The private key of the client certificate."),
            field("ssh_key", "SSH key", FieldInput::LongSecret, "For qemu+ssh: the private key. Empty: the keys of the node's user."),
            field(
                "ssh_known_hosts",
                "SSH known hosts",
                FieldInput::LongText,
                "For qemu+ssh: the line of known_hosts. Empty: what the node's user knows.",
            ),
            field(
                "nbd_host",
                "Address for disks",
                FieldInput::Text,
                "Where this node reads disks of the host. Empty: the host of the address.",
            ),
            FieldSpec {
                example: Some("10809-10872".into()),
                ..field(
                    "nbd_ports",
                    "Ports for disks",
                    FieldInput::Text,
                    "Ports of the host that this node can reach; one for each disk transfer at a time. Empty: 10809-10872.",
                )
            },
            field(
                "migration_host",
                "Address for live migration",
                FieldInput::Text,
                "Where other hosts reach this one. Empty: the host of the address.",
            ),
            FieldSpec {
                default: Some("false".into()),
                ..field(
                    "insecure",
                    "Allow unencrypted connections",
                    FieldInput::Switch,
                    "Allows qemu+tcp and reading disks without TLS. Only for a network that is trusted in full.",
                )
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

    fn refusal(fields: &[(&str, &str)]) -> String {
        parse(fields).err().map(|e| e.message).unwrap_or_default()
    }

    #[test]
    fn a_good_address_is_taken() {
        let config = parse(&[("uri", "qemu+tls://host.example:16999/system")]).ok().unwrap();
        assert_eq!((config.transport, config.host().as_deref()), (Transport::Tls, Some("host.example")));
        assert_eq!(config.nbd_ports, 10809..=10872);
        assert!(config.nbd_tls());
    }

    #[test]
    fn a_refusal_names_the_field_and_what_would_be_right() {
        assert!(refusal(&[]).starts_with("uri: it is missing; write it like qemu+tls://"));
        assert!(refusal(&[("uri", "host.example")]).starts_with("uri: 'host.example' is not a URI"));
        assert!(refusal(&[("uri", "xen+tls://h/system")]).contains("use qemu+tls"));
        assert!(refusal(&[("uri", "qemu+tcp://h/system")]).contains("'insecure'"));
        assert!(refusal(&[("uri", "test:///default")]).contains("'insecure'"));
        assert!(refusal(&[("uri", "qemu+tls://h/session")]).contains("/system"));
        assert!(refusal(&[("uri", "qemu+tls:///system")]).contains("names no host"));
        assert!(refusal(&[("uri", "qemu://h/system")]).contains("needs a transport"));
        assert!(refusal(&[("uri", "qemu+tls://h/system?no_verify=1")]).contains("identity"));
        assert!(refusal(&[("uri", "qemu+tls://h/system"), ("ca", "x")]).starts_with("cert: "));
        assert!(refusal(&[("uri", "qemu+tls://h/system"), ("ca", "x"), ("cert", "y"), ("key", "z")]).starts_with("ca: this is no PEM"));
        assert!(refusal(&[("uri", "qemu+tls://h/system"), ("nbd_ports", "9-1")]).starts_with("nbd_ports: "));
        assert!(refusal(&[("uri", "qemu+tls://h/system"), ("insecure", "maybe")]).starts_with("insecure: "));
    }

    #[test]
    fn the_switch_opens_plain_transports() {
        let config = parse(&[("uri", "qemu+tcp://10.0.0.1/system"), ("insecure", "true")]).ok().unwrap();
        assert!(!config.nbd_tls());
        assert!(parse(&[("uri", "test:///default"), ("insecure", "on")]).is_ok());
        assert!(parse(&[("uri", "qemu+unix:///system?socket=/run/x/sock")]).is_ok());
    }
}
