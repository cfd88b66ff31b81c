//! Is it there, as whom are we, and which privileges are missing. Changes nothing.

use super::{
    Vsphere,
    link::{Link, Ref},
    props,
    xml::{Node, tag},
};
use crate::clouds::{
    Cloud,
    error::{Kind, Result},
};
use model::{Problem, Severity, cloud::ProbeReport};

/// Everything that the driver uses, and what is not possible without it. `docs/clouds/vsphere.md` has the same list.
pub const PRIVILEGES: &[(&str, &[&str])] = &[
    ("machines are not seen", &["System.View", "System.Read"]),
    (
        "machines are not switched",
        &["VirtualMachine.Interact.PowerOn", "VirtualMachine.Interact.PowerOff", "VirtualMachine.Interact.Reset"],
    ),
    (
        "machines are not locked against start",
        &["VirtualMachine.Provisioning.MarkAsTemplate", "VirtualMachine.Provisioning.MarkAsVM", "VirtualMachine.Config.Annotation"],
    ),
    (
        "machines are not read",
        &[
            "VirtualMachine.State.CreateSnapshot",
            "VirtualMachine.State.RemoveSnapshot",
            "VirtualMachine.Config.ChangeTracking",
            "VirtualMachine.Config.AdvancedConfig",
            "VirtualMachine.Provisioning.DiskRandomRead",
            "VirtualMachine.Provisioning.GetVmFiles",
            "Datastore.Browse",
        ],
    ),
    ("recovery points are not kept", &["Datastore.Browse", "Datastore.FileManagement", "Datastore.AllocateSpace"]),
    (
        "machines are not made",
        &[
            "VApp.Import",
            "VirtualMachine.Inventory.Create",
            "VirtualMachine.Inventory.Delete",
            "VirtualMachine.Config.AddNewDisk",
            "VirtualMachine.Config.Rename",
            "VirtualMachine.Config.Settings",
            "Resource.AssignVMToPool",
            "Network.Assign",
        ],
    ),
];

pub async fn probe(driver: &Vsphere) -> Result<ProbeReport> {
    let link = &driver.link;
    let session = link.session().await?;
    let machines = count(link).await?;
    let mut problems = missing(&granted(link).await?);
    if link.config.base.starts_with("http://") {
        let what = "The password and the disks go over the network in clear text.";
        problems.push(Problem::new(Severity::Warning, "url", what, "Use https."));
    }
    if !session.is_vcenter() {
        let what = "This is a host without a vCenter: it cannot lock machines against start, and has no tags and no distributed networks.";
        problems.push(Problem::new(Severity::Info, "host", what, "Nothing, or connect its vCenter instead."));
    }
    if let Some(problem) = old(session.about("apiVersion")) {
        problems.push(problem);
    }
    let about = |key: &str| session.about(key).to_owned();
    Ok(ProbeReport {
        ok: !problems.iter().any(Problem::blocks),
        identity: Some(session.user.clone()),
        host: url::Url::parse(&link.config.base).ok().and_then(|url| url.host_str().map(str::to_owned)),
        host_id: Some(about("instanceUuid")).filter(|id| !id.is_empty()),
        version: Some(about("fullName")),
        fingerprint: link.fingerprint(),
        capabilities: driver.capabilities(),
        machines: Some(machines),
        problems,
    })
}

fn old(version: &str) -> Option<Problem> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or_default());
    let number = (parts.next()?, parts.next().unwrap_or_default());
    (number < (6, 5)).then(|| {
        let what = format!("It speaks version {version} of the API; 6.5 is the oldest that is known here.");
        Problem::new(Severity::Critical, "version", what, "Upgrade it.")
    })
}

async fn count(link: &Link) -> Result<u32> {
    let paths: &[&str] = &["config.template", "config.annotation"];
    let all = props::all(link, &props::From::Machines(&[("VirtualMachine", paths)])).await?;
    Ok(all.iter().filter(|one| super::inventory::machine::is_machine(one)).count() as u32)
}

/// Of the privileges above, those that the user has on the root folder. `None`: the server does not tell.
async fn granted(link: &Link) -> Result<Option<Vec<String>>> {
    let session = link.session().await?;
    let manager = session.service("authorizationManager")?;
    let root = session.service("rootFolder")?;
    let all: String = wanted().map(|id| tag("privId", id)).collect();
    let args = format!("{}{}{all}", root.xml("entities"), tag("userName", &session.user));
    match link.ask("HasUserPrivilegeOnEntities", &manager, &args).await {
        Ok(answer) => Ok(Some(read(&answer))),
        Err(error) if matches!(error.kind, Kind::Auth | Kind::Unsupported | Kind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

fn wanted() -> impl Iterator<Item = &'static str> {
    PRIVILEGES.iter().flat_map(|(_, ids)| ids.iter().copied())
}

fn read(answer: &Node) -> Vec<String> {
    let given = |one: &Node| one.flag("isGranted").then(|| one.get("privId").map(str::to_owned)).flatten();
    answer.all("privAvailability").filter_map(given).collect()
}

fn missing(granted: &Option<Vec<String>>) -> Vec<Problem> {
    let remedy = "Give the user's role these privileges on the root folder, with propagation; docs/clouds/vsphere.md has the whole role.";
    let Some(granted) = granted else {
        let what = "The server does not tell which privileges this user has.";
        return vec![Problem::new(Severity::Warning, "privileges", what, remedy)];
    };
    let mut all = vec![];
    for (number, (without, ids)) in PRIVILEGES.iter().enumerate() {
        let lacking: Vec<&str> = ids.iter().copied().filter(|id| !granted.iter().any(|has| has == id)).collect();
        if !lacking.is_empty() {
            // To be seen is the least; for the rest one may have reasons.
            let severity = if number == 0 { Severity::Critical } else { Severity::Warning };
            all.push(Problem::new(severity, "privileges", format!("Without {} {without}.", lacking.join(", ")), remedy));
        }
    }
    all
}

/// On one object, for what is asked before a run.
///
/// # Errors
/// By kind.
pub async fn lacks(link: &Link, object: &Ref, ids: &[&str]) -> Result<Vec<String>> {
    let session = link.session().await?;
    let all: String = ids.iter().map(|id| tag("privId", id)).collect();
    let args = format!("{}{}{all}", object.xml("entities"), tag("userName", &session.user));
    let answer = link.ask("HasUserPrivilegeOnEntities", &session.service("authorizationManager")?, &args).await;
    match answer {
        Ok(answer) => {
            let has = read(&answer);
            Ok(ids.iter().filter(|id| !has.iter().any(|one| one == *id)).map(|id| (*id).to_owned()).collect())
        }
        Err(error) if matches!(error.kind, Kind::Auth | Kind::Unsupported) => Ok(vec![]),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::xml::parse, *};

    #[test]
    fn missing_privileges_are_named_with_what_they_are_for() {
        let all = |without: &[&str]| Some(wanted().filter(|id| !without.contains(id)).map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(missing(&all(&[])), []);
        let found = missing(&all(&["VApp.Import", "Network.Assign"]));
        assert!(
            found.len() == 1 && !found[0].blocks() && found[0].what == "Without VApp.Import, Network.Assign machines are not made.",
            "{found:?}"
        );
        assert!(missing(&all(&["System.Read"]))[0].blocks());
        assert_eq!(missing(&None)[0].severity, Severity::Warning);
    }

    #[test]
    fn the_answer_of_the_authorization_manager_is_read() {
        let text = "<returnval><entity type=\"Folder\">group-d1</entity><privAvailability><privId>System.Read</privId><isGranted>true</isGranted></privAvailability><privAvailability><privId>VApp.Import</privId><isGranted>false</isGranted></privAvailability></returnval>";
        assert_eq!(read(&parse(text).unwrap()), ["System.Read"]);
    }

    #[test]
    fn what_is_too_old_is_told() {
        assert!(old("6.0").is_some_and(|p| p.blocks()) && old("5.5").is_some());
        assert!(old("6.5").is_none() && old("6.7.3").is_none() && old("8.0.3.0").is_none());
    }

    /// What people copy from the page must be what is asked for.
    #[test]
    fn the_page_has_the_same_list() {
        let page = include_str!("../../../../docs/clouds/vsphere.md");
        for id in wanted() {
            assert!(page.contains(id), "{id} is not in docs/clouds/vsphere.md");
        }
    }
}
