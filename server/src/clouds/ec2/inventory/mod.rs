//! The facet `Inventory`: instances page by page. EC2 tells nobody of changes, so it is polled.

pub mod instance;
pub mod known;
pub mod resources;
pub mod volume;

use super::{
    Ec2,
    fault::{self, look},
    link::Link,
    tags::{self, BUILDING, filter},
};
use crate::clouds::{
    Change, Inventory, ListPage, Observed,
    error::{Error, Kind, Result},
};
use async_trait::async_trait;
use aws_sdk_ec2::types::{Instance, InstanceStateName};
use known::Known;
use model::cloud::{Capacity, Resources};
use tokio::sync::mpsc;

/// EC2 allows 1000; the first page of a large region is to be there soon.
const PAGE: i32 = 500;

#[async_trait]
impl Inventory for Ec2 {
    async fn list(&self, cursor: Option<String>) -> Result<ListPage> {
        if cursor.is_none() {
            self.known.forget_subnets();
        }
        let (instances, next) = page(&self.link, cursor).await?;
        Ok(ListPage { machines: observe(&self.link, &self.known, &instances).await?, next })
    }

    async fn one(&self, native_id: &str) -> Result<Option<Observed>> {
        let Some(instance) = find(&self.link, native_id).await?.filter(|one| !is_building(one)) else { return Ok(None) };
        Ok(observe(&self.link, &self.known, &[instance]).await?.pop())
    }

    async fn resources(&self) -> Result<Resources> {
        resources::look_at(&self.link, &self.known).await
    }

    async fn capacity(&self) -> Result<Capacity> {
        resources::capacity(&self.link).await
    }

    async fn alive(&self) -> Result<()> {
        look("regions", self.link.ec2().await?.describe_regions().send()).await.map(drop)
    }

    async fn watch(&self) -> Result<Option<mpsc::Receiver<Change>>> {
        Ok(None)
    }
}

/// Those that exist: a terminated one is shown by EC2 for an hour. What is being made is no machine yet.
pub async fn page(link: &Link, cursor: Option<String>) -> Result<(Vec<Instance>, Option<String>)> {
    let states = filter("instance-state-name", ["pending", "running", "stopping", "stopped", "shutting-down"]);
    let call = link.ec2().await?.describe_instances().max_results(PAGE).filters(states).set_next_token(cursor);
    let answer = look("instances", call.send()).await?;
    let next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
    let all = answer.reservations.unwrap_or_default().into_iter().flat_map(|one| one.instances.unwrap_or_default());
    Ok((all.filter(|one| exists(one) && !is_building(one)).collect(), next))
}

pub async fn observe(link: &Link, known: &Known, instances: &[Instance]) -> Result<Vec<Observed>> {
    let (volumes, subnets, types) = futures::try_join!(
        volume::of(link, instances),
        known.subnets(link),
        known.types(link, instances.iter().filter_map(Instance::instance_type))
    )?;
    Ok(instances.iter().map(|one| instance::observed(one, &volumes, &subnets, &types)).collect())
}

/// Those that a filter finds, with those that are being made.
pub async fn found(link: &Link, filters: Vec<aws_sdk_ec2::types::Filter>) -> Result<Vec<Instance>> {
    let (ec2, mut all, mut next) = (link.ec2().await?, vec![], None);
    loop {
        let call = ec2.describe_instances().set_filters(Some(filters.clone())).set_next_token(next);
        let answer = look("instances", call.send()).await?;
        next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        all.extend(answer.reservations.unwrap_or_default().into_iter().flat_map(|one| one.instances.unwrap_or_default()).filter(exists));
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// `None`: it does not exist, or not any more.
pub async fn find(link: &Link, id: &str) -> Result<Option<Instance>> {
    match one(link, id).await {
        Ok(found) => Ok(found),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

async fn one(link: &Link, id: &str) -> Result<Option<Instance>> {
    let call = link.ec2().await?.describe_instances().instance_ids(id);
    let answer = call.send().await.map_err(|error| fault::of("the instance", false, &error))?;
    Ok(answer.reservations.unwrap_or_default().into_iter().flat_map(|one| one.instances.unwrap_or_default()).find(exists))
}

/// # Errors
/// `NotFound` too.
pub async fn instance(link: &Link, id: &str) -> Result<Instance> {
    find(link, id).await?.ok_or_else(|| Error::not_found(format!("There is no instance {id} in {}.", link.config.region)))
}

fn exists(instance: &Instance) -> bool {
    state_name(instance) != Some(&InstanceStateName::Terminated)
}

pub fn state_name(instance: &Instance) -> Option<&InstanceStateName> {
    instance.state().and_then(|state| state.name())
}

pub fn is_building(instance: &Instance) -> bool {
    tags::get(instance.tags(), BUILDING).is_some()
}
