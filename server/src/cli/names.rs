//! Names on the command line, identifiers in the API. A name that fits two things is refused, with both.

use super::client::{Client, Failure, Result, escape};
use model::{
    Id,
    access::{Token, User},
    cloud::{Cloud, CloudStatus},
    machine::{CopyRole, MachineRow},
    plan::Plan,
    protection::{Group, Member},
};
use std::time::Duration;

/// A cloud that was just added is still being looked at.
const PATIENCE: u32 = 30;

struct Candidate {
    id: Id,
    name: String,
    about: String,
}

fn pick(what: &str, given: &str, all: Vec<Candidate>) -> Result<Id> {
    let mut fits: Vec<Candidate> = all.into_iter().filter(|c| c.id == given || c.name == given).collect();
    match fits.len() {
        1 => Ok(fits.remove(0).id),
        0 => Err(Failure::input(format!("There is no {what} '{given}'."))),
        _ => {
            let list: Vec<String> = fits.iter().map(|c| format!("  {}  {} {}", c.id, c.name, c.about)).collect();
            Err(Failure::input(format!(
                "'{given}' fits more than one {what}; give the identifier of the one you mean:\n{}",
                list.join("\n")
            )))
        }
    }
}

pub async fn cloud(api: &Client, given: &str) -> Result<Id> {
    let all: Vec<Cloud> = api.all("/clouds").await?;
    pick("cloud", given, all.into_iter().map(|c| Candidate { id: c.id, name: c.name, about: format!("at {}", c.site) }).collect())
}

pub async fn group(api: &Client, given: &str) -> Result<Group> {
    let all: Vec<Group> = api.all("/groups").await?;
    let id = pick(
        "protection group",
        given,
        all.iter().map(|g| Candidate { id: g.id.clone(), name: g.name.clone(), about: String::new() }).collect(),
    )?;
    all.into_iter().find(|g| g.id == id).ok_or_else(|| Failure::input("The group is gone."))
}

pub async fn plan(api: &Client, given: &str) -> Result<Plan> {
    let all: Vec<Plan> = api.all("/plans").await?;
    let id =
        pick("plan", given, all.iter().map(|p| Candidate { id: p.id.clone(), name: p.spec.name.clone(), about: String::new() }).collect())?;
    all.into_iter().find(|p| p.id == id).ok_or_else(|| Failure::input("The plan is gone."))
}

pub async fn user(api: &Client, given: &str) -> Result<Id> {
    let all: Vec<User> = api.all("/users").await?;
    pick("user", given, all.into_iter().map(|u| Candidate { id: u.id, name: u.name, about: String::new() }).collect())
}

pub async fn token(api: &Client, given: &str) -> Result<Id> {
    let all: Vec<Token> = api.all("/tokens").await?;
    let open = all.into_iter().filter(|t| t.revoked_at.is_none() || t.id == given);
    pick("token", given, open.map(|t| Candidate { id: t.id, name: t.name, about: format!("by {}", t.created_by) }).collect())
}

/// By identifier, by name, or as `cloud/name`. A superseded copy is only meant when it is the only one, or by identifier.
pub async fn machine(api: &Client, given: &str) -> Result<Id> {
    for _ in 0..PATIENCE {
        let found = machines_named(api, given).await?;
        if !found.is_empty() || !still_connecting(api).await? {
            return pick("machine", given, found);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    pick("machine", given, machines_named(api, given).await?)
}

async fn machines_named(api: &Client, given: &str) -> Result<Vec<Candidate>> {
    let (cloud, name) = given.split_once('/').map_or((None, given), |(cloud, name)| (Some(cloud), name));
    if name.len() == 32 && name.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(vec![Candidate { id: name.into(), name: given.into(), about: String::new() }]);
    }
    let rows: Vec<MachineRow> = api.all(&format!("/machines?q={}", escape(&format!("name:\"{name}\"")))).await?;
    let mut rows: Vec<MachineRow> = rows.into_iter().filter(|m| m.name == name && cloud.is_none_or(|c| c == m.cloud)).collect();
    if rows.iter().any(is_current) {
        rows.retain(is_current);
    }
    let about = |m: &MachineRow| format!("at {} ({})", m.cloud, m.state.as_str());
    Ok(rows.iter().map(|m| Candidate { id: m.id.clone(), name: given.into(), about: about(m) }).collect())
}

fn is_current(m: &MachineRow) -> bool {
    !matches!(m.role, Some(CopyRole::Superseded | CopyRole::Incoming))
}

async fn still_connecting(api: &Client) -> Result<bool> {
    let all: Vec<Cloud> = api.all("/clouds").await?;
    Ok(all.iter().any(|c| c.status == CloudStatus::Connecting))
}

/// The member of one of these groups whose machine has this name.
pub fn member(groups: &[Group], given: &str) -> Result<Id> {
    let candidate = |g: &Group, m: &Member| Candidate { id: m.id.clone(), name: m.name.clone(), about: format!("in {}", g.name) };
    let all = groups.iter().flat_map(|g| g.members.iter().map(move |m| candidate(g, m)));
    pick("member of the plan's groups", given, all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Vec<Candidate> {
        ["1", "2"].map(|id| Candidate { id: id.into(), name: "db1".into(), about: format!("at c{id}") }).into()
    }

    #[test]
    fn an_ambiguous_name_is_refused_with_the_candidates() {
        let message = pick("machine", "db1", two()).unwrap_err().to_string();
        assert!(message.contains("at c1") && message.contains("at c2"), "{message}");
        assert_eq!(pick("machine", "2", two()).unwrap(), "2");
        assert!(pick("machine", "db9", two()).is_err());
    }
}
