//! Setting an old copy aside. The card of an instance keeps its address for as long as the instance exists, so its volumes move to
//! another instance with an address of its own, and the old one goes.

use super::{
    super::{
        Ec2,
        fault::change,
        inventory::{
            self,
            instance::{attached, name, state},
            is_building, volume,
        },
        link::Link,
        lock::{self, Root},
        power,
        tags::{self, ASIDE, DEVICE, LINEAGE, LOCK, MACHINE, ROOT, TOKEN, having},
    },
    build::{self, Order, by_token},
    definition,
    network::{Card, interfaces_of},
};
use crate::clouds::error::{Error, Result};
use aws_sdk_ec2::types::{Instance, Tag};

pub async fn set_aside(driver: &Ec2, native_id: &str, token: &str) -> Result<String> {
    let link = &driver.link;
    let begun = by_token(link, token).await?;
    let old = inventory::find(link, native_id).await?;
    if let (Some(made), None) = (begun.as_ref().filter(|one| !is_building(one)), &old) {
        return Ok(made.instance_id().unwrap_or_default().to_owned());
    }
    if let Some(old) = &old {
        if !state(old).is_off() {
            return Err(Error::conflict(format!("{} runs: only a stopped machine can be set aside.", name(old))));
        }
        note_volumes(link, old, token).await?;
        if let Some(spec) = definition::read(link, tags::get(old.tags(), TOKEN).unwrap_or_default()).await? {
            definition::keep(link, token, tags::get(old.tags(), LINEAGE).unwrap_or_default(), &spec).await?;
        }
    }
    let moving = volume::found(link, vec![having(ASIDE, &tags::hash(token))]).await?;
    let own: Vec<&str> = moving.iter().filter_map(|one| one.volume_id()).collect();
    let made = match (begun, &old) {
        (_, Some(old)) => build::empty(link, order(driver, old, token).await?, &own).await?,
        (Some(begun), None) => begun,
        (None, None) => return Err(Error::not_found(format!("There is no instance {native_id} in {}.", link.config.region))),
    };
    let root = made.root_device_name().unwrap_or(super::placeholder::ROOT).to_owned();
    let locked = Root::of(&made);
    let mut disks = vec![];
    for one in &moving {
        let (id, device) = (one.volume_id().unwrap_or_default(), tags::get(one.tags(), DEVICE).unwrap_or_default());
        if old.as_ref().is_some_and(|old| lock::is_attached(old, id)) {
            build::detach(link, native_id, id).await?;
        }
        // The root volume of a locked machine stays away from it.
        if locked.as_ref().is_none_or(|root| root.volume != id) {
            disks.push((if device == "root" { root.clone() } else { device.to_owned() }, id.to_owned()));
        }
    }
    if let Some(old) = old {
        change("remove the instance", link.ec2().await?.terminate_instances().instance_ids(native_id).send()).await?;
        power::until_gone(link, native_id).await?;
        definition::delete(link, tags::get(old.tags(), TOKEN).unwrap_or_default()).await?;
    }
    let id = made.instance_id().unwrap_or_default().to_owned();
    if let Some(root) = locked {
        let note = link.ec2().await?.create_tags().resources(root.volume).tags(tags::tag(MACHINE, &id));
        change("note the lock", note.send()).await?;
    }
    build::finish(link, &made, &disks).await?;
    Ok(id)
}

/// Before anything is taken apart: which volumes go where.
async fn note_volumes(link: &Link, old: &Instance, token: &str) -> Result<()> {
    for (number, (device, volume)) in attached(old).into_iter().enumerate() {
        let device = if number == 0 { "root".to_owned() } else { device };
        let notes = tags::all(&[(ASIDE, &tags::hash(token)), (DEVICE, &device)]);
        let call = link.ec2().await?.create_tags().resources(volume).set_tags(Some(notes));
        change("note the volumes", call.send()).await?;
    }
    Ok(())
}

async fn order<'a>(driver: &Ec2, old: &'a Instance, token: &'a str) -> Result<Order<'a>> {
    let subnets = driver.known.subnets(&driver.link).await?;
    let card = |one: &aws_sdk_ec2::types::InstanceNetworkInterface| {
        Some(Card { place: subnets.get(one.subnet_id()?)?.clone(), addresses: vec![] })
    };
    let cards: Vec<Card> = old.network_interfaces().iter().filter_map(card).collect();
    let groups: Vec<String> = old.security_groups().iter().filter_map(|one| one.group_id().map(str::to_owned)).collect();
    Ok(Order {
        token,
        lineage: tags::get(old.tags(), LINEAGE).unwrap_or_default(),
        tags: notes(old, token),
        kind: old.instance_type().map_or("t3.micro", |kind| kind.as_str()),
        arch: old.architecture().map_or("x86_64", |arch| arch.as_str()),
        boot: old.boot_mode().map_or("legacy-bios", |mode| if mode.as_str() == "legacy-bios" { "legacy-bios" } else { "uefi" }),
        cards: interfaces_of(&cards, &groups),
    })
}

/// Those that it has, under another name.
fn notes(old: &Instance, token: &str) -> Vec<Tag> {
    let stays = |tag: &&Tag| {
        let key = tag.key().unwrap_or_default();
        key == LOCK
            || key == ROOT
            || key == tags::TITLE
            || key == tags::TYPE
            || !(key == tags::NAME || key.starts_with("crossfade:") || key.starts_with("aws:"))
    };
    let mut all: Vec<Tag> = old.tags().iter().filter(stays).cloned().collect();
    let plain = name(old);
    let plain = plain.split('~').next().unwrap_or_default();
    all.push(tags::tag(tags::NAME, &format!("{plain}~{}", &tags::hash(token)[..8])));
    all
}
