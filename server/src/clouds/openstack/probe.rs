//! Is the cloud there, as whom are we, and which rights are missing. Changes nothing.

use super::{OpenStack, auth::Service, inventory::Servers};
use crate::clouds::{
    Cloud,
    error::{Error, Kind, Result},
};
use model::{Problem, Severity, cloud::ProbeReport};
use serde_json::Value;

/// What each part of the work begins with, and what is not possible without it.
const NEEDED: [(Service, &str, &str); 5] = [
    (Service::Compute, "/limits", "quotas cannot be compared"),
    (Service::Compute, "/flavors?limit=1", "no machine can be made"),
    (Service::Image, "/images?limit=1", "no recovery point can be kept and no disk read"),
    (Service::Network, "/networks?limit=1", "no machine can be connected"),
    (Service::Network, "/ports?limit=1", "no address can be kept"),
];

pub async fn probe(driver: &OpenStack) -> Result<ProbeReport> {
    let link = &driver.link;
    let session = link.session().await?;
    let version = version(driver).await?;
    let mut problems = vec![];
    let machines = match count(driver).await {
        Ok(count) => Some(count),
        Err(error) => {
            problems.push(missing(&error, "machines are not seen")?);
            None
        }
    };
    for (service, path, without) in NEEDED {
        if let Err(error) = link.get::<Value>(service, path).await {
            problems.push(missing(&error, without)?);
        }
    }
    problems.extend(rights(&session.roles));
    if link.config.auth_url.starts_with("http://") {
        let what = "Tokens and disks go over the network in clear text.";
        problems.push(Problem::new(Severity::Warning, "auth_url", what, "Use https."));
    }
    Ok(ProbeReport {
        ok: !problems.iter().any(Problem::blocks),
        identity: Some(format!("{} in project {} ({})", session.user, session.project, session.roles.join(", "))),
        host: url::Url::parse(&link.config.auth_url).ok().and_then(|url| url.host_str().map(str::to_owned)),
        version: Some(version),
        fingerprint: link.fingerprint(),
        host_id: None,
        capabilities: driver.capabilities(),
        machines,
        problems,
    })
}

/// Nova refuses a version that it does not have, and says which it has.
async fn version(driver: &OpenStack) -> Result<String> {
    let session = driver.link.session().await?;
    match driver.link.get::<Value>(Service::Compute, "/").await {
        Ok(answer) => {
            let of = |key: &str| answer["version"][key].as_str().unwrap_or("?").to_owned();
            Ok(format!("Nova {}, region {}", of("version"), session.region))
        }
        Err(error) if error.message.contains("is not supported by the API") || error.message.contains("not acceptable") => {
            Err(Error::new(Kind::Unsupported, format!("This Nova is older than Train (2019): {}", error.message)))
        }
        Err(error) => Err(error),
    }
}

async fn count(driver: &OpenStack) -> Result<u32> {
    let (mut count, mut marker) = (0, String::new());
    loop {
        let Servers { servers } = driver.link.get(Service::Compute, &format!("/servers?limit=1000{marker}")).await?;
        count += servers.len() as u32;
        match servers.last().and_then(|last| last["id"].as_str()) {
            Some(last) if servers.len() >= 1000 => marker = format!("&marker={last}"),
            _ => return Ok(count),
        }
    }
}

/// A right that is missing is a finding; a cloud that does not answer is an error.
fn missing(error: &Error, without: &str) -> Result<Problem> {
    match error.kind {
        Kind::Auth | Kind::NotFound | Kind::Unsupported => {
            let what = format!("{} Without it {without}.", error.message.trim_end_matches('.').to_owned() + ".");
            Ok(Problem::new(Severity::Critical, "rights", what, "Give the user or credential the role 'member' in the project."))
        }
        _ => Err(error.clone()),
    }
}

/// `reader` alone may look and nothing else; what a cloud calls its roles is its own affair, so this is a warning.
fn rights(roles: &[String]) -> Option<Problem> {
    let only_reads = !roles.is_empty() && roles.iter().all(|role| role == "reader");
    let too_much = roles.iter().any(|role| role == "admin");
    if only_reads {
        let what = "The only role is 'reader': machines are shown, and cannot be started, moved or protected.";
        return Some(Problem::new(Severity::Warning, "rights", what, "Give it the role 'member'."));
    }
    too_much.then(|| {
        let what = "It has the role 'admin', which is more than Crossfade needs.";
        Problem::new(Severity::Info, "rights", what, "Use an application credential with the role 'member'.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_judged() {
        let roles = |all: &[&str]| rights(&all.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>()).map(|p| p.severity);
        assert_eq!(roles(&["member", "reader"]), None);
        assert_eq!(roles(&["reader"]), Some(Severity::Warning));
        assert_eq!(roles(&["admin", "member"]), Some(Severity::Info));
        let refused = missing(&Error::new(Kind::Auth, "limits: Policy doesn't allow it."), "x").unwrap();
        assert!(refused.blocks() && refused.what == "limits: Policy doesn't allow it. Without it x.");
        assert!(missing(&Error::transient("x"), "y").is_err());
    }
}
