//! Making a machine that does not run yet.
//!
//! EC2 starts whatever it makes, and a copy must not boot before the run says so. Two other ways were thought of. To put
//! `RunInstances` off until the start would leave the machine without an id, without its address and without an entry in anybody's
//! console until the moment when all of it is needed. To run it at once and stop it would run a second copy for some seconds.
//! So its instance is made from a disk that does nothing (`placeholder.rs`), is stopped, and then gets its own volumes
//! (`build.rs`): what is left is an ordinary stopped instance.

use super::{
    super::{
        Ec2,
        inventory::{self, instance, is_building},
        link::Link,
        tags::{self, TITLE, TYPE, having},
    },
    build::{self, Order, by_token},
    definition, delete, describe, network,
    size::{self, Wanted},
    volumes,
};
use crate::clouds::{
    CreateRequest, MachineSpec,
    error::{Error, Kind, Result},
};
use aws_sdk_ec2::types::{Instance, Tag};
use model::machine::Firmware;

pub async fn create(driver: &Ec2, request: &CreateRequest) -> Result<String> {
    let link = &driver.link;
    if let Some(made) = find(link, &request.token).await? {
        return Ok(made);
    }
    let mut others = named(link, &request.spec.name).await?;
    let own = |one: &Instance| tags::get(one.tags(), tags::TOKEN) == Some(&tags::short(&request.token));
    // What another run of this machine began and gave up: one run works on a machine at a time.
    let given_up = |one: &Instance| is_building(one) && !own(one) && tags::get(one.tags(), tags::LINEAGE) == Some(&request.lineage);
    for old in others.extract_if(.., |one| given_up(one)) {
        delete::delete(link, old.instance_id().unwrap_or_default(), true).await?;
    }
    if let Some(other) = others.iter().find(|one| !own(one)) {
        let (name, id) = (instance::name(other), other.instance_id().unwrap_or_default());
        return Err(Error::conflict(format!("There is a machine {name} with this name already ({id}).")));
    }
    driver.known.forget_subnets();
    let (spec, subnets) = (&request.spec, driver.known.subnets(link).await?);
    let cards = network::cards(&subnets, spec, &request.networks, link.config.subnet.as_deref()).map_err(Error::conflict)?;
    let zone = cards.first().map(|card| card.place.zone.clone()).unwrap_or_default();
    let types = driver.known.every_type(link).await?;
    let none = || {
        Error::new(
            Kind::Full,
            format!("No instance type is large enough for {}: {}.", spec.name, size::largest(&types, &link.config.types)),
        )
    };
    let kind = size::choose(&types, &link.config.types, &wanted(spec)).ok_or_else(none)?.name.clone();
    definition::keep(link, &request.token, &request.lineage, spec).await?;
    let own = volumes::ensure(link, request, &zone).await?;
    let order = Order {
        token: &request.token,
        lineage: &request.lineage,
        tags: notes(spec, &kind),
        kind: &kind,
        arch: arch(spec),
        boot: boot(spec),
        cards: network::interfaces(driver, spec, &cards).await?,
    };
    let made = build::empty(link, order, &own.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let root = made.root_device_name().unwrap_or(super::placeholder::ROOT);
    let disks: Vec<_> = own.into_iter().enumerate().map(|(number, id)| (build::device(root, number), id)).collect();
    build::finish(link, &made, &disks).await?;
    Ok(made.instance_id.unwrap_or_default())
}

/// Only what is done: what is not will be by the next attempt, or is removed by [`super::tidy`].
pub async fn find(link: &Link, token: &str) -> Result<Option<String>> {
    Ok(by_token(link, token).await?.filter(|one| !is_building(one)).and_then(|one| one.instance_id))
}

pub async fn named(link: &Link, name: &str) -> Result<Vec<Instance>> {
    inventory::found(link, vec![having(tags::NAME, name)]).await
}

fn notes(spec: &MachineSpec, kind: &str) -> Vec<Tag> {
    let mut all = tags::all(&[(tags::NAME, &spec.name), (TYPE, kind), (TITLE, spec.title.as_deref().unwrap_or_default())]);
    all.extend(
        tags::from_words(&spec.tags)
            .into_iter()
            .filter(|tag| tag.key().is_some_and(|key| key != tags::NAME && !key.starts_with("crossfade:"))),
    );
    all
}

pub fn wanted(spec: &MachineSpec) -> Wanted<'_> {
    Wanted {
        vcpus: spec.vcpus,
        memory_mib: spec.memory_mib,
        arch: arch(spec),
        boot: boot(spec),
        nics: u32::try_from(spec.nics.len()).unwrap_or(u32::MAX),
        was: describe::type_of(spec),
    }
}

fn arch(spec: &MachineSpec) -> &'static str {
    match spec.arch.as_deref() {
        Some("aarch64" | "arm64") => "arm64",
        _ => "x86_64",
    }
}

fn boot(spec: &MachineSpec) -> &'static str {
    // ARM knows nothing else.
    if spec.firmware == Firmware::Uefi || arch(spec) == "arm64" { "uefi" } else { "legacy-bios" }
}
