//! What an administrator entered, against what the driver declared: all that is wrong at once, each with what is right.

use super::Fields;
use crate::{
    clouds::{error::Error as CloudError, registry},
    error::{Error, Result},
    store::clouds::StoredCloud,
};
use model::{
    cloud::{DriverInfo, FieldInput, FieldSpec, NewCloud, ProbeReport},
    error::FieldError,
};

/// A certificate chain with room to spare.
const LONGEST: usize = 64 << 10;

/// Spaces around names, and colons and capitals in a fingerprint, mean nothing.
pub fn plain(new: NewCloud) -> NewCloud {
    let fingerprint = new.fingerprint.map(|f| f.replace([':', ' '], "").to_lowercase());
    NewCloud { name: new.name.trim().into(), site: new.site.trim().into(), fingerprint, ..new }
}

pub fn driver(new: &NewCloud) -> Result<DriverInfo> {
    let drivers = registry::drivers();
    let known: Vec<&str> = drivers.iter().map(|d| d.kind.as_str()).collect();
    let wrong = || Error::invalid("kind", format!("There is no kind '{}': use one of {}.", new.kind, known.join(", ")));
    drivers.iter().find(|d| d.kind == new.kind).cloned().ok_or_else(wrong)
}

pub fn new(new: &NewCloud, driver: &DriverInfo) -> Result<()> {
    let mut wrong = vec![];
    wrong.extend(label("name", &new.name, 63));
    wrong.extend(label("site", &new.site, 40));
    wrong.extend(new.fingerprint.as_deref().and_then(fingerprint));
    for spec in &driver.fields {
        let value = new.fields.get(&spec.name).map_or("", |v| v.trim());
        wrong.extend(field(spec, value).map(|message| error(&format!("fields.{}", spec.name), message)));
    }
    let known = |name: &str| driver.fields.iter().any(|s| s.name == name);
    for name in new.fields.keys().filter(|n| !known(n)) {
        let names: Vec<&str> = driver.fields.iter().map(|s| s.name.as_str()).collect();
        wrong.push(error(&format!("fields.{name}"), format!("{} has no field '{name}'. It has {}.", driver.title, names.join(", "))));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::invalid_fields(wrong)) }
}

fn error(field: &str, message: String) -> FieldError {
    FieldError { field: field.into(), message, span: None }
}

/// Names are typed, read aloud and put into addresses.
fn label(field: &str, text: &str, most: usize) -> Option<FieldError> {
    let message = if text.trim().is_empty() {
        format!("The {field} is missing.")
    } else if text.chars().count() > most {
        format!("The {field} is longer than {most} characters.")
    } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric())
        || text.chars().any(|c| !c.is_ascii_alphanumeric() && !" ._-".contains(c))
    {
        format!("The {field} '{text}' may have letters, digits, spaces, dots, - and _, and begins with a letter or digit.")
    } else {
        return None;
    };
    Some(error(field, message))
}

fn fingerprint(text: &str) -> Option<FieldError> {
    let hex = text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit());
    let message = "A fingerprint is the SHA-256 of the certificate: 64 hexadecimal digits.";
    (!hex && !text.is_empty()).then(|| error("fingerprint", message.into()))
}

fn field(spec: &FieldSpec, value: &str) -> Option<String> {
    let label = &spec.label;
    if value.is_empty() {
        let example = spec.example.as_ref().map(|e| format!(" Like: {e}")).unwrap_or_default();
        return (spec.required && spec.default.is_none()).then(|| format!("{label} is missing.{example}"));
    }
    if value.len() > LONGEST {
        return Some(format!("{label} is longer than {LONGEST} bytes."));
    }
    let one_line = !matches!(spec.input, FieldInput::LongText | FieldInput::LongSecret);
    if one_line && value.contains(['\n', '\r', '\0']) {
        return Some(format!("{label} must be one line."));
    }
    match &spec.input {
        FieldInput::Number if !value.parse::<f64>().is_ok_and(f64::is_finite) => Some(format!("{label}: '{value}' is not a number.")),
        FieldInput::Switch if !matches!(value, "true" | "false") => Some(format!("{label}: '{value}' is neither true nor false.")),
        FieldInput::Choice { options } if !options.iter().any(|o| o == value) => {
            Some(format!("{label}: '{value}' is none of {}.", options.join(", ")))
        }
        _ => None,
    }
}

/// What may be shown, and what is sealed. Empty fields are as good as absent.
pub fn split(driver: &DriverInfo, fields: Fields) -> (Fields, Fields) {
    let secret = |name: &str| driver.fields.iter().any(|s| s.name == name && s.input.is_secret());
    let given = fields.into_iter().map(|(k, v)| (k, v.trim().to_owned())).filter(|(_, v)| !v.is_empty());
    let (secrets, shown) = given.partition(|(name, _)| secret(name));
    (shown, secrets)
}

/// The same control plane twice would show every machine twice, as if it ran twice.
pub fn not_there_yet(new: &NewCloud, driver: &DriverInfo, there: &[StoredCloud]) -> Result<()> {
    if driver.simulated {
        return Ok(());
    }
    let (shown, _) = split(driver, new.fields.clone());
    match there.iter().find(|s| s.cloud.kind == new.kind && s.cloud.fields == shown) {
        Some(same) => Err(Error::conflict(format!("This cloud is there already, as {}.", same.cloud.name))),
        None => Ok(()),
    }
}

/// The same, found out from what answers: the same host under another address, port or transport. A host tells what it
/// is; where one of the two did not tell, only the certificate does. Two hosts of one board may have one UUID between
/// them, but not with certificates of their own.
pub fn another_host(report: &ProbeReport, kind: &str, there: &[StoredCloud], own: Option<&str>) -> Result<()> {
    let same = |s: &&StoredCloud| {
        let prints = (report.fingerprint.as_deref(), s.cloud.fingerprint.as_deref());
        match (report.host_id.as_deref(), s.host_id.as_deref()) {
            (Some(a), Some(b)) => a == b && !matches!(prints, (Some(x), Some(y)) if x != y),
            _ => matches!(prints, (Some(x), Some(y)) if x == y),
        }
    };
    let found = there.iter().filter(|s| s.cloud.kind == kind && own != Some(s.cloud.id.as_str())).find(same);
    let Some(found) = found else { return Ok(()) };
    let host = report.host.as_deref().unwrap_or("This host");
    Err(Error::conflict(format!(
        "{host} is there already, as {}: under a second name each of its machines would look like two that run. Change that one instead, or remove it first.",
        found.cloud.name
    )))
}

/// A driver says `field: what is wrong` about its settings.
pub fn of_driver(e: CloudError) -> Error {
    match e.message.split_once(": ") {
        Some((field, _)) if !field.contains(' ') => Error::invalid(format!("fields.{field}"), e.message),
        _ => e.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(host_id: Option<&str>, fingerprint: Option<&str>) -> Vec<StoredCloud> {
        let cloud = serde_json::json!({ "id": "c1", "name": "berlin-1", "kind": "libvirt", "site": "berlin", "simulated": false, "status": "ok",
            "status_since": 0, "fingerprint": fingerprint, "capabilities": [], "machines": 0, "running": 0, "fields": {} });
        vec![StoredCloud { cloud: serde_json::from_value(cloud).unwrap(), secrets: None, host_id: host_id.map(str::to_owned) }]
    }

    fn added(host_id: Option<&str>, fingerprint: Option<&str>, there: &[StoredCloud], own: Option<&str>) -> bool {
        let owned = |t: Option<&str>| t.map(str::to_owned);
        let report = ProbeReport { host_id: owned(host_id), fingerprint: owned(fingerprint), ..ProbeReport::default() };
        another_host(&report, "libvirt", there, own).is_ok()
    }

    #[test]
    fn one_host_is_one_cloud_whatever_its_address() {
        let known = there(Some("u1"), Some("f1"));
        assert!(!added(Some("u1"), Some("f1"), &known, None), "the same by tls on another port");
        assert!(!added(Some("u1"), None, &known, None), "the same by ssh");
        assert!(!added(None, Some("f1"), &known, None), "the same certificate, and no identity to tell them apart");
        assert!(added(Some("u1"), Some("f1"), &known, Some("c1")), "itself, when it is changed");
    }

    #[test]
    fn two_hosts_are_two() {
        assert!(added(Some("u2"), Some("f1"), &there(Some("u1"), Some("f1")), None), "one certificate for several hosts");
        assert!(added(Some("u1"), Some("f2"), &there(Some("u1"), Some("f1")), None), "boards that were all given one UUID");
        assert!(added(None, None, &there(None, None), None));
    }
}
