//! A probe: what a cloud answers to these settings, in words that say what to do.

use crate::{
    clouds::{
        Settings,
        error::{Error as CloudError, Kind},
        registry,
    },
    error::{Code, Error, Result},
};
use model::{Problem, Severity, cloud::ProbeReport};
use std::time::Duration;

/// Name lookup, TLS, sign-in: what takes longer is not usable either.
const LIMIT: Duration = Duration::from_secs(20);

/// What is told apart by [`must_be_ok`]: the subject of the problem of a failed probe.
const UNREACHABLE: &str = "connection";

/// Opens, asks, closes.
///
/// # Errors
/// Only a field that cannot be right; whatever the cloud says is in the report.
pub async fn run(kind: &str, settings: Settings) -> Result<ProbeReport> {
    let driver = registry::open(kind, settings).map_err(super::check::of_driver)?;
    let late = || Err(CloudError::transient(format!("It did not answer within {} s.", LIMIT.as_secs())));
    let answer = tokio::time::timeout(LIMIT, driver.probe()).await.unwrap_or_else(|_| late());
    driver.disconnect().await;
    Ok(answer.unwrap_or_else(|error| failed(&error)))
}

pub fn failed(error: &CloudError) -> ProbeReport {
    let (subject, remedy) = match error.kind {
        Kind::Auth => ("credentials", "Check user, key and certificate, and what they are allowed to do there."),
        Kind::Identity => ("certificate", "Compare the fingerprint with the server's own before you accept it."),
        Kind::Unsupported => ("version", "Upgrade it, or choose another kind of cloud."),
        Kind::NotFound => ("address", "Check the address."),
        Kind::Throttled(_) => (UNREACHABLE, "Wait a moment and try again."),
        _ if super::refuses(error.kind) => ("settings", "Correct the settings."),
        _ => (UNREACHABLE, "Check the host, the port, and that the way there is open."),
    };
    let problem = Problem::new(Severity::Critical, subject, error.message.clone(), remedy);
    // What it shows now, so that whoever compared it can accept it.
    ProbeReport { ok: false, fingerprint: error.seen.clone(), problems: vec![problem], ..ProbeReport::default() }
}

fn blocking(report: &ProbeReport) -> Option<&Problem> {
    report.problems.iter().find(|p| p.blocks())
}

/// # Errors
/// It cannot be used as it is.
pub fn must_be_ok(report: &ProbeReport) -> Result<()> {
    match (report.ok, blocking(report)) {
        (true, _) => Ok(()),
        (false, Some(p)) => Err(refusal(p)),
        (false, None) => Err(Error::new(Code::Unavailable, "The cloud cannot be used, and does not say why.")),
    }
}

/// # Errors
/// It answers, and does not accept the settings.
pub fn must_not_refuse(report: &ProbeReport) -> Result<()> {
    match blocking(report).filter(|p| !report.ok && p.subject != UNREACHABLE) {
        Some(p) => Err(refusal(p)),
        None => Ok(()),
    }
}

fn refusal(p: &Problem) -> Error {
    let code = if p.subject == UNREACHABLE { Code::Unavailable } else { Code::Invalid };
    let what = p.what.trim_end_matches('.');
    Error::new(code, format!("{}: {what}. {}", p.subject, p.remedy))
}
