//! What a machine costs, by a price list: for a month, and to send. Without a list there is no figure. Pure.

use crate::services::moves::Origin;
use model::{
    placement::Cost,
    prices::{Amount, Money, PriceList},
};

const GIB: u64 = 1 << 30;

pub struct Size {
    pub vcpus: u32,
    pub memory_mib: u64,
    pub disk_bytes: u64,
}

impl Size {
    pub fn of(origin: &Origin) -> Self {
        let o = &origin.observed;
        let disk_bytes = o.disks.iter().filter(|d| d.device == "disk").map(|d| d.size_bytes).sum();
        Self { vcpus: o.vcpus, memory_mib: o.memory_mib, disk_bytes }
    }
}

pub fn none(why: impl Into<String>) -> Cost {
    Cost { money: None, about: why.into() }
}

/// Running, by the list of the cloud that it would be at.
pub fn month(list: Option<&PriceList>, size: &Size) -> Cost {
    let Some(list) = list else { return none("Not priced: this cloud has no price list.") };
    let disks = list.storage_gib_month.times(size.disk_bytes, GIB);
    let (machine, how) = if list.flavours.is_empty() {
        let cpus = list.vcpu_month.times(u64::from(size.vcpus), 1);
        (cpus.plus(list.memory_gib_month.times(size.memory_mib, 1024)), format!("{} vCPU, {} MiB of memory", size.vcpus, size.memory_mib))
    } else {
        let fits = list.flavours.iter().filter(|f| f.vcpus >= size.vcpus && f.memory_mib >= size.memory_mib);
        match fits.min_by_key(|f| f.month) {
            Some(flavour) => (flavour.month, format!("flavour {}", flavour.name)),
            None => return none(format!("No flavour of its price list has {} vCPU and {} MiB of memory.", size.vcpus, size.memory_mib)),
        }
    };
    let about = format!("{how}: {}; {:.1} GiB of disks: {}.", machine.short(), gib(size.disk_bytes), disks.short());
    money(list, machine.plus(disks), about)
}

/// What leaves the cloud where it is now, by that one's list.
pub fn moving(list: Option<&PriceList>, source: &str, bytes: u64) -> Cost {
    let Some(list) = list else { return none(format!("Not priced: {source}, where it is now, has no price list.")) };
    let about = format!("{:.2} GiB that leave {source}, at {} each.", gib(bytes), list.egress_gib);
    money(list, list.egress_gib.times(bytes, GIB), about)
}

fn money(list: &PriceList, amount: Amount, about: String) -> Cost {
    Cost { money: Some(Money { currency: list.currency.clone(), amount }), about }
}

/// All of them together, where all have a price, and in one currency.
pub fn sum<'a>(all: impl Iterator<Item = (&'a str, &'a Cost)>) -> Cost {
    let mut total: Option<Money> = None;
    for (name, cost) in all {
        let Some(one) = &cost.money else { return none(format!("{name}: {}", cost.about)) };
        total = match total {
            None => Some(one.clone()),
            Some(sum) if sum.currency == one.currency => Some(Money { amount: sum.amount.plus(one.amount), ..sum }),
            Some(sum) => return none(format!("Prices are in {} and in {}: they are not added up.", sum.currency, one.currency)),
        };
    }
    match total {
        Some(_) => Cost { money: total, about: "All of its machines together.".into() },
        None => none("There is no machine to be sent."),
    }
}

#[allow(clippy::cast_precision_loss)] // for people
fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::prices::Flavour;

    fn list() -> PriceList {
        let price = |text| Amount::parse(text).unwrap();
        PriceList {
            currency: "EUR".into(),
            vcpu_month: price("8.5"),
            memory_gib_month: price("4"),
            storage_gib_month: price("0.0625"),
            egress_gib: price("0.09"),
            flavours: vec![],
        }
    }
    const SIZE: Size = Size { vcpus: 2, memory_mib: 1536, disk_bytes: 40 << 30 };

    fn amount(cost: &Cost) -> Option<String> {
        cost.money.as_ref().map(|m| m.amount.to_string())
    }

    #[test]
    fn a_month_is_cpu_memory_and_disks() {
        let cost = month(Some(&list()), &SIZE);
        assert_eq!(amount(&cost).as_deref(), Some("25.5"), "17 + 6 + 2.5: {}", cost.about);
        assert_eq!(amount(&moving(Some(&list()), "berlin-1", 10 << 30)).as_deref(), Some("0.9"));
    }

    #[test]
    fn the_cheapest_flavour_that_fits_or_none() {
        let flavour = |name: &str, vcpus, memory_mib, month| Flavour { name: name.into(), vcpus, memory_mib, month: Amount(month) };
        let large = flavour("large", 4, 8192, 30_000_000);
        let list = PriceList { flavours: vec![large, flavour("m", 2, 2048, 12_000_000), flavour("s", 1, 2048, 1)], ..list() };
        let cost = month(Some(&list), &SIZE);
        assert_eq!((amount(&cost).as_deref(), cost.about.contains("flavour m")), (Some("14.5"), true));
        let none = month(Some(&list), &Size { vcpus: 64, ..SIZE });
        assert!(none.money.is_none() && none.about.contains("64 vCPU"), "{}", none.about);
    }

    #[test]
    fn without_a_list_nothing_is_made_up_and_currencies_are_not_mixed() {
        let unpriced = month(None, &SIZE);
        assert!(unpriced.money.is_none() && unpriced.about.starts_with("Not priced"));
        let (euro, dollar) = (month(Some(&list()), &SIZE), month(Some(&PriceList { currency: "USD".into(), ..list() }), &SIZE));
        assert_eq!(amount(&sum([("a", &euro), ("b", &euro)].into_iter())).as_deref(), Some("51"));
        assert!(sum([("a", &euro), ("b", &dollar)].into_iter()).about.contains("USD"));
        assert!(sum([("a", &euro), ("b", &unpriced)].into_iter()).about.starts_with("b: Not priced"));
    }
}
