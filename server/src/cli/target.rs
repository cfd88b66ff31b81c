//! `crossfade group target`: further targets of a protection group.

use super::{
    client::{Client, Failure, Result},
    names,
    output::{Out, age, table, word},
    spec,
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::protection::{Group, NewTarget, Policy, Target};

#[derive(Subcommand)]
pub enum Command {
    /// Replicate the machines of a group to one more cloud
    Add {
        group: String,
        cloud: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Change policy and mappings of a further target; what is not named stays as it is
    Change {
        group: String,
        cloud: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Replicate there no more; the recovery points there go
    Remove { group: String, cloud: String },
}

#[derive(Args)]
pub struct Terms {
    /// Seconds: the newest recovery point is never older
    #[arg(long)]
    rpo: Option<u32>,
    #[arg(long)]
    keep_points: Option<u32>,
    #[arg(long)]
    keep_hours: Option<u32>,
    /// Bytes per second for all machines together
    #[arg(long)]
    bandwidth: Option<u64>,
    /// A network's counterpart, or new addresses: '10.1.0.0/24 via 10.1.0.1=10.2.0.0/24 via 10.2.0.1'
    #[arg(long, value_name = "FROM=TO")]
    network: Vec<String>,
    #[arg(long, value_name = "FROM=TO")]
    storage: Vec<String>,
}

impl Terms {
    fn of(self, known: NewTarget) -> Result<NewTarget> {
        let old = known.policy;
        Ok(NewTarget {
            cloud_id: known.cloud_id,
            policy: Policy {
                rpo_seconds: self.rpo.unwrap_or(old.rpo_seconds),
                keep_points: self.keep_points.unwrap_or(old.keep_points),
                keep_hours: self.keep_hours.unwrap_or(old.keep_hours),
                bandwidth: self.bandwidth.or(old.bandwidth),
            },
            networks: spec::remapped(known.networks, spec::mappings("--network", &self.network)?),
            storage: spec::remapped(known.storage, spec::mappings("--storage", &self.storage)?),
        })
    }
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Add { group, cloud, terms } => {
            let (id, cloud_id) = (names::group(api, &group).await?.id, names::cloud(api, &cloud).await?);
            let new = terms.of(NewTarget { cloud_id, ..NewTarget::default() })?;
            let shown: Group = api.post(&format!("/groups/{id}/targets"), &new).await?;
            out.show(&shown, |g| format!("{} is replicated to {cloud} as well.", g.name))
        }
        Command::Change { group, cloud, terms } => {
            let (path, t) = find(api, &group, &cloud).await?;
            let known = NewTarget { cloud_id: t.cloud_id, policy: t.policy, networks: t.networks, storage: t.storage };
            let shown: Group = api.put(&path, &terms.of(known)?).await?;
            out.show(&shown, |g| format!("{cloud} is changed as a target of {}.", g.name))
        }
        Command::Remove { group, cloud } => {
            let (path, _) = find(api, &group, &cloud).await?;
            let shown: Group = api.delete(&path).await?;
            out.show(&shown, |g| format!("{} is replicated to {cloud} no more.", g.name))
        }
    }
}

async fn find(api: &Client, group: &str, cloud: &str) -> Result<(String, Target)> {
    let group = names::group(api, group).await?;
    let target = group.further.into_iter().find(|t| t.cloud == cloud || t.cloud_id == cloud);
    let none = || Failure::input(format!("{cloud} is no further target of {}: crossfade group show {}", group.name, group.name));
    let target = target.ok_or_else(none)?;
    Ok((format!("/groups/{}/targets/{}", group.id, target.id), target))
}

pub fn show(t: &Target) -> String {
    let at = now();
    let members = table(["machine", "state", "lag", "points", "error"], &t.members, |m| {
        let r = &m.replication;
        [m.name.clone(), word(&r.state), age(r.newest_point_at, at), r.points.to_string(), r.last_error.clone().unwrap_or_default()]
    });
    format!("also to {} ({}), objective {} s\n\n{members}", t.site, t.cloud, t.policy.rpo_seconds)
}
