//! What is asked once: instance types never change, subnets seldom.

use super::super::{fault::look, link::Link, tags};
use crate::clouds::error::{Kind, Result};
use aws_sdk_ec2::types::{InstanceType, InstanceTypeInfo, Subnet};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// So many names one question may have.
const NAMES: usize = 100;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Type {
    pub name: String,
    pub vcpus: u32,
    pub memory_mib: u64,
    /// `x86_64`, `arm64` …
    pub archs: Vec<String>,
    /// `legacy-bios`, `uefi`; empty: not told.
    pub boots: Vec<String>,
    pub current: bool,
    /// With hardware that a plain machine has no use for, or without a hypervisor.
    pub special: bool,
    pub nitro: bool,
    /// 0: not told.
    pub most_nics: u32,
}

pub type Types = BTreeMap<String, Type>;

/// By id: the name that people know it by, and what it is.
pub type Subnets = BTreeMap<String, Place>;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    pub id: String,
    /// Its tag `Name` where that names it alone, else its id.
    pub name: String,
    pub cidr: String,
    pub zone: String,
    pub vpc: String,
    pub available: bool,
    pub free: i32,
}

#[derive(Clone, Default)]
pub struct Known(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    types: Types,
    /// All there are were asked for.
    every_type: bool,
    subnets: Option<Arc<Subnets>>,
}

impl Known {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn forget_subnets(&self) {
        self.kept().subnets = None;
    }

    pub async fn subnets(&self, link: &Link) -> Result<Arc<Subnets>> {
        if let Some(known) = &self.kept().subnets {
            return Ok(known.clone());
        }
        let seen = Arc::new(places(&subnets(link).await?));
        self.kept().subnets = Some(seen.clone());
        Ok(seen)
    }

    /// Those that are named; what the cloud does not know is left out.
    pub async fn types<'a>(&self, link: &Link, names: impl Iterator<Item = &'a InstanceType>) -> Result<Types> {
        let wanted: BTreeSet<String> = names.map(|name| name.as_str().to_owned()).collect();
        let missing: Vec<String> = {
            let kept = self.kept();
            wanted.iter().filter(|name| !kept.types.contains_key(*name)).cloned().collect()
        };
        for some in missing.chunks(NAMES) {
            let seen = some_types(link, some).await?;
            let mut kept = self.kept();
            // What it does not know is not asked for again.
            kept.types.extend(some.iter().map(|name| (name.clone(), Type { name: name.clone(), ..Type::default() })));
            kept.types.extend(seen.into_iter().map(|one| (one.name.clone(), one)));
        }
        let kept = self.kept();
        Ok(wanted.into_iter().filter_map(|name| Some((name.clone(), kept.types.get(&name)?.clone()))).collect())
    }

    /// All that the region has.
    pub async fn every_type(&self, link: &Link) -> Result<Vec<Type>> {
        if !self.kept().every_type {
            let all = all_types(link).await?;
            let mut kept = self.kept();
            kept.types.extend(all.into_iter().map(|one| (one.name.clone(), one)));
            kept.every_type = true;
        }
        Ok(self.kept().types.values().filter(|one| one.vcpus > 0).cloned().collect())
    }
}

async fn some_types(link: &Link, names: &[String]) -> Result<Vec<Type>> {
    let call = link.ec2().await?.describe_instance_types();
    let named = names.iter().fold(call, |call, name| call.instance_types(name.as_str().into()));
    match look("instance types", named.send()).await {
        Ok(answer) => Ok(answer.instance_types().iter().map(of).collect()),
        // Other clouds have types of their own and no such call.
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::Permanent | Kind::Unsupported) => Ok(vec![]),
        Err(error) => Err(error),
    }
}

async fn all_types(link: &Link) -> Result<Vec<Type>> {
    let (ec2, mut all, mut next) = (link.ec2().await?, vec![], None);
    loop {
        let answer = look("instance types", ec2.describe_instance_types().max_results(100).set_next_token(next).send()).await?;
        all.extend(answer.instance_types().iter().map(of));
        next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(all);
        }
    }
}

fn of(info: &InstanceTypeInfo) -> Type {
    let number = |value: Option<i32>| u32::try_from(value.unwrap_or_default()).unwrap_or_default();
    let special = info.gpu_info().is_some()
        || info.fpga_info().is_some()
        || info.inference_accelerator_info().is_some()
        || info.neuron_info().is_some()
        || info.media_accelerator_info().is_some()
        || info.bare_metal() == Some(true);
    Type {
        name: info.instance_type().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        vcpus: number(info.v_cpu_info().and_then(|cpus| cpus.default_v_cpus())),
        memory_mib: info.memory_info().and_then(|memory| memory.size_in_mib()).and_then(|mib| u64::try_from(mib).ok()).unwrap_or_default(),
        archs: info
            .processor_info()
            .map(|cpu| cpu.supported_architectures().iter().map(|arch| arch.as_str().to_owned()).collect())
            .unwrap_or_default(),
        boots: info.supported_boot_modes().iter().map(|mode| mode.as_str().to_owned()).collect(),
        current: info.current_generation() != Some(false),
        special,
        nitro: info.hypervisor().is_some_and(|one| one.as_str() == "nitro"),
        most_nics: number(info.network_info().and_then(|network| network.maximum_network_interfaces())),
    }
}

async fn subnets(link: &Link) -> Result<Vec<Subnet>> {
    let (ec2, mut all, mut next) = (link.ec2().await?, vec![], None);
    loop {
        let answer = look("subnets", ec2.describe_subnets().set_next_token(next).send()).await?;
        next = answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        all.extend(answer.subnets.unwrap_or_default());
        if next.is_none() {
            return Ok(all);
        }
    }
}

fn places(all: &[Subnet]) -> Subnets {
    let named = |one: &Subnet| tags::get(one.tags(), tags::NAME).filter(|name| !name.is_empty()).map(str::to_owned);
    let alone = |name: &String| all.iter().filter(|one| named(one).as_ref() == Some(name)).count() == 1;
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let place = |one: &Subnet| Place {
        id: text(one.subnet_id()),
        name: named(one).filter(alone).unwrap_or_else(|| text(one.subnet_id())),
        cidr: text(one.cidr_block()),
        zone: text(one.availability_zone()),
        vpc: text(one.vpc_id()),
        available: one.state().is_none_or(|state| state.as_str() == "available"),
        free: one.available_ip_address_count().unwrap_or_default(),
    };
    all.iter().map(place).map(|place| (place.id.clone(), place)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_two_subnets_have_names_none() {
        let subnet = |id: &str, name: &str| Subnet::builder().subnet_id(id).tags(tags::tag(tags::NAME, name)).build();
        let all = places(&[subnet("s1", "a"), subnet("s2", "b"), subnet("s3", "b"), Subnet::builder().subnet_id("s4").build()]);
        let names: Vec<_> = all.values().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["a", "s2", "s3", "s4"]);
    }
}
