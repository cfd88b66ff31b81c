//! The text of the price form, and the list that it means. Pure.

use model::{
    error::FieldError,
    prices::{Amount, Flavour, PriceList},
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PricesDraft {
    pub currency: String,
    pub vcpu: String,
    pub memory: String,
    pub storage: String,
    pub egress: String,
    /// One a line: name, vCPUs, MiB of memory, price.
    pub flavours: String,
}

impl From<&PriceList> for PricesDraft {
    fn from(l: &PriceList) -> Self {
        let flavours = l.flavours.iter().map(|f| format!("{} {} {} {}", f.name, f.vcpus, f.memory_mib, f.month));
        Self {
            currency: l.currency.clone(),
            vcpu: l.vcpu_month.to_string(),
            memory: l.memory_gib_month.to_string(),
            storage: l.storage_gib_month.to_string(),
            egress: l.egress_gib.to_string(),
            flavours: flavours.collect::<Vec<_>>().join("\n"),
        }
    }
}

impl PricesDraft {
    pub fn parse(&self) -> Result<PriceList, Vec<FieldError>> {
        let mut faults = vec![];
        let mut price = |field: &str, text: &str| {
            Amount::parse(text.trim()).unwrap_or_else(|message| {
                faults.push(FieldError { field: field.into(), message, span: None });
                Amount::default()
            })
        };
        let mut list = PriceList {
            currency: self.currency.trim().to_uppercase(),
            vcpu_month: price("vcpu_month", &self.vcpu),
            memory_gib_month: price("memory_gib_month", &self.memory),
            storage_gib_month: price("storage_gib_month", &self.storage),
            egress_gib: price("egress_gib", &self.egress),
            flavours: vec![],
        };
        for line in self.flavours.lines().filter(|l| !l.trim().is_empty()) {
            match flavour(line) {
                Some(flavour) => list.flavours.push(flavour),
                None => {
                    let message = format!(
                        "“{}” is no flavour: write its name, vCPUs, MiB of memory and price, like m1.small 1 2048 9.50",
                        line.trim()
                    );
                    faults.push(FieldError { field: "flavours".into(), message, span: None });
                }
            }
        }
        if faults.is_empty() { Ok(list) } else { Err(faults) }
    }
}

fn flavour(line: &str) -> Option<Flavour> {
    let [name, vcpus, memory, month] = line.split_whitespace().collect::<Vec<_>>()[..] else { return None };
    Some(Flavour { name: name.into(), vcpus: vcpus.parse().ok()?, memory_mib: memory.parse().ok()?, month: Amount::parse(month).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> PricesDraft {
        PricesDraft {
            currency: "eur".into(),
            vcpu: "8.50".into(),
            memory: "4".into(),
            storage: "0.06".into(),
            egress: "0".into(),
            flavours: "m1.small 1 2048 9.5\n\n".into(),
        }
    }

    #[test]
    fn what_is_saved_can_be_edited_again() {
        let list = draft().parse().unwrap_or_default();
        assert_eq!((list.currency.as_str(), list.flavours.len()), ("EUR", 1));
        assert_eq!(PricesDraft::from(&list).parse(), Ok(list));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let wrong = PricesDraft { vcpu: "8,5".into(), egress: String::new(), flavours: "small".into(), ..draft() };
        let fields: Vec<String> = wrong.parse().err().unwrap_or_default().into_iter().map(|f| f.field).collect();
        assert_eq!(fields, ["vcpu_month", "egress_gib", "flavours"]);
    }
}
