//! Price lists of clouds: entered by administrators, with a seed to begin with where a kind has public prices.

use super::{audit, audit::About, caller::Caller, clouds};
use crate::{
    error::{Error, Result},
    state::{Node, now},
    store::prices::{self as store, StoredPrices},
};
use model::{
    access::Role,
    error::FieldError,
    prices::{CloudPrices, Flavour, PriceList, PriceSeed},
};
use std::collections::{BTreeMap, HashSet};

/// By kind. A kind that is not in it is one's own hardware: only its owner knows what it costs.
const SEEDS: &str = include_str!("prices/seeds.json");
const MOST_FLAVOURS: usize = 500;

pub async fn get(node: &Node, cloud_id: &str) -> Result<CloudPrices> {
    let cloud = clouds::get(node, cloud_id)?;
    let stored = store::get(&node.db, cloud_id).await?;
    Ok(CloudPrices {
        cloud_id: cloud.id,
        changed_at: stored.as_ref().map(|s| s.changed_at),
        changed_by: stored.as_ref().map(|s| s.changed_by.clone()),
        list: stored.map(|s| s.list),
        seed: seed(&cloud.kind)?,
    })
}

fn seed(kind: &str) -> Result<Option<PriceSeed>> {
    let mut all: BTreeMap<String, PriceSeed> = serde_json::from_str(SEEDS).map_err(Error::internal)?;
    Ok(all.remove(kind))
}

pub async fn put(node: &Node, caller: &Caller, cloud_id: &str, list: PriceList) -> Result<CloudPrices> {
    let name = audit::name(&clouds::get(node, cloud_id)?.name);
    let about = About::new(&name, cloud_id);
    audit::refused(node, caller, "cloud.prices", about, try_put(node, caller, cloud_id, about, list).await).await
}

async fn try_put(node: &Node, caller: &Caller, cloud_id: &str, about: About<'_>, list: PriceList) -> Result<CloudPrices> {
    caller.must_be(Role::Administrator)?;
    let list = checked(list)?;
    let event = audit::event(caller, "cloud.prices", about, words(&list));
    let new = StoredPrices { cloud_id: cloud_id.into(), list, changed_at: now(), changed_by: caller.name.clone() };
    let seq = store::put(&node.db, &new, &event).await?.ok_or_else(|| Error::not_found("such cloud"))?;
    audit::show(node, event, seq);
    get(node, cloud_id).await
}

/// Not priced again.
pub async fn remove(node: &Node, caller: &Caller, cloud_id: &str) -> Result<()> {
    let name = audit::name(&clouds::get(node, cloud_id)?.name);
    let about = About::new(&name, cloud_id);
    audit::refused(node, caller, "cloud.prices", about, try_remove(node, caller, cloud_id, about).await).await
}

async fn try_remove(node: &Node, caller: &Caller, cloud_id: &str, about: About<'_>) -> Result<()> {
    caller.must_be(Role::Administrator)?;
    let event = audit::event(caller, "cloud.prices", about, "not priced any more");
    if let Some(seq) = store::remove(&node.db, cloud_id, &event).await? {
        audit::show(node, event, seq);
    }
    Ok(())
}

fn words(l: &PriceList) -> String {
    let flavours = if l.flavours.is_empty() { String::new() } else { format!(", {} flavours", l.flavours.len()) };
    format!(
        "{}: vCPU {}, GiB of memory {}, GiB of storage {} a month, GiB of egress {}{flavours}",
        l.currency, l.vcpu_month, l.memory_gib_month, l.storage_gib_month, l.egress_gib
    )
}

fn checked(mut list: PriceList) -> Result<PriceList> {
    let mut wrong = vec![];
    list.currency = list.currency.trim().to_uppercase();
    if list.currency.len() != 3 || !list.currency.chars().all(|c| c.is_ascii_uppercase()) {
        wrong.push(error("currency", format!("'{}' is no currency: write its three letters, EUR or USD for example.", list.currency)));
    }
    if list.flavours.len() > MOST_FLAVOURS {
        wrong.push(error("flavours", format!("There are {} flavours; at most {MOST_FLAVOURS} are kept.", list.flavours.len())));
    }
    let mut names = HashSet::new();
    for (i, flavour) in list.flavours.iter().enumerate() {
        wrong.extend(of_flavour(i, flavour, names.insert(flavour.name.clone())));
    }
    if wrong.is_empty() { Ok(list) } else { Err(Error::invalid_fields(wrong)) }
}

fn of_flavour(i: usize, f: &Flavour, first: bool) -> Option<FieldError> {
    let field = |name: &str| format!("flavours[{i}].{name}");
    let plain = !f.name.trim().is_empty() && f.name.len() <= 63 && !f.name.contains(char::is_control);
    if !plain {
        return Some(error(&field("name"), "A flavour has a name of 1 to 63 characters, as its cloud calls it.".into()));
    }
    if !first {
        return Some(error(&field("name"), format!("{} is listed twice. Keep one.", f.name)));
    }
    if f.vcpus == 0 {
        return Some(error(&field("vcpus"), format!("{} has no CPU: say how many it has.", f.name)));
    }
    (f.memory_mib == 0).then(|| error(&field("memory_mib"), format!("{} has no memory: say how many MiB it has.", f.name)))
}

fn error(field: &str, message: String) -> FieldError {
    FieldError { field: field.into(), message, span: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_lists_that_could_be_saved_and_internal_clouds_have_none() {
        for kind in ["ec2", "openstack"] {
            let seed = seed(kind).unwrap().unwrap();
            assert!(seed.about.contains("check"), "{}", seed.about);
            checked(seed.list).unwrap();
        }
        assert_eq!((seed("libvirt").unwrap(), seed("vsphere").unwrap()), (None, None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let small = Flavour { name: "small".into(), vcpus: 1, memory_mib: 1024, ..Flavour::default() };
        let list = PriceList { currency: "euro".into(), flavours: vec![small.clone(), small, Flavour::default()], ..PriceList::default() };
        let fields: Vec<String> = checked(list).unwrap_err().fields.into_iter().map(|f| f.field).collect();
        assert_eq!(fields, ["currency", "flavours[1].name", "flavours[2].name"]);
    }
}
