//! Making a machine that does not run yet, from a recovery point: its disks are put together and sent under an import lease.
//!
//! Until it is whole its notes say so, and nothing shows it as a machine. Its instance id follows from the token, so that
//! what an earlier attempt made is found by one question. Look, then ensure: each call may be the second.

use super::{
    super::{
        inventory::{
            machine::BUILDING,
            places::{self, Places, Target, mapped},
        },
        lease,
        link::{Link, Ref},
        props::{self, Object},
        sink::{Chain, Point},
        task,
        vmdk::{GRAIN, Layout},
        xml::tag,
    },
    check,
    config::{self, TOKEN},
    shape::Native,
};
use crate::clouds::{
    CreateRequest, MachineSpec,
    error::{Error, Kind, Result},
};
use std::sync::Arc;

/// The instance id of what is made with a token.
pub fn identity(token: &str) -> String {
    uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, token.as_bytes()).hyphenated().to_string()
}

/// Whole, and made with this token.
pub async fn find(link: &Link, token: &str) -> Result<Option<Ref>> {
    Ok(look(link, token).await?.filter(|(_, seen)| !is_building(seen)).map(|(machine, _)| machine))
}

fn is_building(seen: &Object) -> bool {
    seen.get("config.annotation") == Some(BUILDING)
}

async fn look(link: &Link, token: &str) -> Result<Option<(Ref, Object)>> {
    let args = format!("{}<vmSearch>true</vmSearch><instanceUuid>true</instanceUuid>", tag("uuid", identity(token)));
    let found = Ref::of(&link.ask("FindByUuid", &link.session().await?.service("searchIndex")?, &args).await?);
    if found.id.is_empty() {
        return Ok(None);
    }
    match props::one(link, &found, &["name", "config.annotation", "config.extraConfig"]).await {
        Ok(seen) => {
            let own = seen.list("config.extraConfig").any(|one| one.get("key") == Some(TOKEN) && one.get("value") == Some(token));
            Ok(own.then_some((found, seen)))
        }
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub async fn create(link: &Arc<Link>, request: &CreateRequest) -> Result<String> {
    match look(link, &request.token).await? {
        Some((machine, seen)) if !is_building(&seen) => return Ok(machine.id),
        // An attempt that was killed; its lease may be alive for minutes.
        Some((machine, _)) => destroy(link, &machine).await?,
        None => {}
    }
    let places = places::look(link).await?;
    let target = places.target(&link.config.place)?;
    if let Some(other) = check::named(link, &target, &request.spec.name).await? {
        return Err(Error::conflict(format!("There is a machine {} with this name already ({}).", request.spec.name, other.id)));
    }
    let chain = Chain::of(link, &places, &request.point.read::<Point>()?).await?;
    let config = configuration(&places, &target, request, &chain)?;
    let lease = lease::import(link, &target, &config).await?;
    match send(&lease, &chain).await {
        Ok(()) => {
            let machine = lease.complete().await?;
            ready(link, &machine, &request.spec).await?;
            Ok(machine.id)
        }
        Err(error) => {
            lease.abort().await;
            Err(error)
        }
    }
}

async fn destroy(link: &Link, machine: &Ref) -> Result<()> {
    match task::run(link, "Destroy_Task", machine, "").await {
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        Err(error) => Err(Error::transient(format!("An earlier attempt is not gone yet, the server ends it within minutes: {error}"))),
        Ok(_) => Ok(()),
    }
}

fn configuration(places: &Places, target: &Target, request: &CreateRequest, chain: &Chain) -> Result<String> {
    let spec = &request.spec;
    let top = chain.top().ok_or_else(|| Error::not_found("The recovery point is gone."))?;
    if top.disks.len() != spec.disks.len() {
        let message = format!("The recovery point has {} disks, the machine {}.", top.disks.len(), spec.disks.len());
        return Err(Error::permanent(message));
    }
    let sizes: Vec<u64> = top.disks.iter().map(|disk| disk.size).collect();
    let stores = places.stores(target);
    let all: Result<Vec<String>> = spec.disks.iter().map(|disk| check::store(&stores, disk.pool.as_deref(), &request.storage)).collect();
    let nets = places.nets(target);
    let named = |nic: &model::machine::Nic| {
        let name = mapped(&request.networks, nic.network.as_deref().unwrap_or_default());
        let missing = || Error::permanent(format!("There is no network '{name}' here."));
        nets.iter().find(|net| net.name() == name).cloned().ok_or_else(missing)
    };
    let nets: Result<Vec<_>> = spec.nics.iter().map(named).collect();
    Ok(config::config(request, &sizes, &all?, &nets?))
}

async fn send(lease: &lease::Lease, chain: &Chain) -> Result<()> {
    let count = chain.top().map_or(0, |top| top.disks.len());
    if lease.disks() != count {
        return Err(Error::permanent(format!("The server asked for {} disks, the machine has {count}.", lease.disks())));
    }
    for number in 0..count {
        let disk = chain.disk(number, 0)?;
        // Whole kibibytes, as the disk was announced.
        let size = disk.size.div_ceil(1024) * 1024;
        let layout = Layout::new(size, &disk.extents(false));
        let offsets: Vec<u64> = layout.offsets().collect();
        let mut stream = lease.send(number, layout)?;
        let sent = async {
            stream.begin().await?;
            for at in offsets {
                let data = disk.read(at, GRAIN.min(size - at)).await?;
                stream.grain(&data).await?;
            }
            Ok(())
        };
        match sent.await {
            Ok(()) => stream.finish().await?,
            Err(error) => {
                stream.abort().await;
                return Err(error);
            }
        }
    }
    Ok(())
}

/// From now on it is a machine: its notes are its own.
async fn ready(link: &Link, machine: &Ref, spec: &MachineSpec) -> Result<()> {
    let notes = Native::of(spec).map(|native| native.notes).or_else(|| spec.title.clone()).filter(|notes| !notes.is_empty());
    let notes = notes.unwrap_or_else(|| " ".into());
    task::run(link, "ReconfigVM_Task", machine, &format!("<spec>{}</spec>", tag("annotation", notes))).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_follows_from_the_token() {
        assert_eq!(identity("a"), identity("a"));
        assert_ne!(identity("a"), identity("b"));
        assert_eq!(identity("a").len(), 36);
    }
}
