//! `crossfade cloud prices`.

use super::{
    client::{Client, Failure, Result},
    names,
    output::{Out, age, table},
};
use crate::state::now;
use clap::{Args, Subcommand};
use model::prices::{Amount, CloudPrices, Flavour, PriceList};

#[derive(Subcommand)]
pub enum Command {
    /// What a cloud costs, and the seed for its kind
    Show { cloud: String },
    /// Enter what a cloud costs; what is not named stays as it is
    Set(Box<Set>),
    /// Take the list away: not priced
    Clear { cloud: String },
}

#[derive(Args)]
pub struct Set {
    cloud: String,
    /// Begin with the seed for this kind of cloud: check it
    #[arg(long)]
    seed: bool,
    /// Three letters, like EUR
    #[arg(long)]
    currency: Option<String>,
    /// A vCPU for a month, like 8.50
    #[arg(long, value_parser = Amount::parse)]
    vcpu_month: Option<Amount>,
    /// A GiB of memory for a month
    #[arg(long, value_parser = Amount::parse)]
    memory_gib_month: Option<Amount>,
    /// A GiB of disk for a month
    #[arg(long, value_parser = Amount::parse)]
    storage_gib_month: Option<Amount>,
    /// A GiB that leaves the cloud
    #[arg(long, value_parser = Amount::parse)]
    egress_gib: Option<Amount>,
    /// A size with a price of its own, as NAME=VCPUS,MEMORY_MIB,PRICE (several times for several); replaces all
    #[arg(long = "flavour", value_name = "NAME=VCPUS,MIB,PRICE")]
    flavours: Vec<String>,
}

pub async fn run(command: Command, api: &Client, out: Out) -> Result<()> {
    match command {
        Command::Show { cloud } => {
            let path = path(api, &cloud).await?;
            out.show(&api.get::<CloudPrices>(&path).await?, |p| show(&cloud, p))
        }
        Command::Set(s) => set(*s, api, out).await,
        Command::Clear { cloud } => {
            let path = path(api, &cloud).await?;
            api.delete::<serde_json::Value>(&path).await?;
            out.say(format!("{cloud} is not priced any more."));
            Ok(())
        }
    }
}

async fn path(api: &Client, cloud: &str) -> Result<String> {
    Ok(format!("/clouds/{}/prices", names::cloud(api, cloud).await?))
}

async fn set(s: Set, api: &Client, out: Out) -> Result<()> {
    let path = path(api, &s.cloud).await?;
    let known: CloudPrices = api.get(&path).await?;
    let cloud = s.cloud.clone();
    let saved: CloudPrices = api.put(&path, &changed(s, known)?).await?;
    out.show(&saved, |p| show(&cloud, p))
}

/// What the list is to be. Pure.
fn changed(s: Set, known: CloudPrices) -> Result<PriceList> {
    let begin = match (s.seed, known.seed) {
        (true, Some(seed)) => seed.list,
        (true, None) => return Err(Failure::input("--seed: there is none for this kind of cloud; only you know what it costs.")),
        (false, _) => known.list.unwrap_or_default(),
    };
    Ok(PriceList {
        currency: s.currency.unwrap_or(begin.currency),
        vcpu_month: s.vcpu_month.unwrap_or(begin.vcpu_month),
        memory_gib_month: s.memory_gib_month.unwrap_or(begin.memory_gib_month),
        storage_gib_month: s.storage_gib_month.unwrap_or(begin.storage_gib_month),
        egress_gib: s.egress_gib.unwrap_or(begin.egress_gib),
        flavours: if s.flavours.is_empty() { begin.flavours } else { s.flavours.iter().map(|f| flavour(f)).collect::<Result<_>>()? },
    })
}

fn flavour(text: &str) -> Result<Flavour> {
    let wrong = || Failure::input(format!("--flavour {text}: write NAME=VCPUS,MEMORY_MIB,PRICE, like m1.small=1,2048,9.50"));
    let (name, rest) = text.split_once('=').ok_or_else(wrong)?;
    let [vcpus, memory, month] = rest.split(',').collect::<Vec<_>>()[..] else { return Err(wrong()) };
    let (vcpus, memory_mib) = (vcpus.parse().map_err(|_| wrong())?, memory.parse().map_err(|_| wrong())?);
    Ok(Flavour { name: name.into(), vcpus, memory_mib, month: Amount::parse(month).map_err(|_| wrong())? })
}

fn show(cloud: &str, p: &CloudPrices) -> String {
    let mut lines = vec![match &p.list {
        None => format!("{cloud} is not priced."),
        Some(l) => {
            let by = p.changed_by.as_deref().unwrap_or_default();
            format!("{cloud}, in {}, entered by {by} {} ago\n{}", l.currency, age(p.changed_at, now()), list(l))
        }
    }];
    if let (None, Some(seed)) = (&p.list, &p.seed) {
        lines.push(format!("{}\n{}\nTake it over with: crossfade cloud prices set {cloud} --seed", seed.about, list(&seed.list)));
    }
    lines.join("\n")
}

fn list(l: &PriceList) -> String {
    let rows = [
        ("vCPU, a month", l.vcpu_month),
        ("GiB of memory, a month", l.memory_gib_month),
        ("GiB of storage, a month", l.storage_gib_month),
        ("GiB of egress", l.egress_gib),
    ];
    let prices = table(["what", "price"], &rows, |(what, price)| [(*what).into(), format!("{price} {}", l.currency)]);
    if l.flavours.is_empty() {
        return prices;
    }
    let flavours = table(["flavour", "vcpus", "memory MiB", "a month"], &l.flavours, |f| {
        [f.name.clone(), f.vcpus.to_string(), f.memory_mib.to_string(), format!("{} {}", f.month, l.currency)]
    });
    format!("{prices}\n\n{flavours}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        set: Set,
    }

    fn changed_by(line: &str) -> Result<PriceList> {
        let list = serde_json::json!({ "currency": "EUR", "vcpu_month": "8", "memory_gib_month": "4", "storage_gib_month": "0.1", "egress_gib": "0" });
        let known = serde_json::json!({ "cloud_id": "c", "list": list, "changed_at": 0, "changed_by": "anna", "seed": null });
        let line = ["x", "dublin"].into_iter().chain(line.split_whitespace());
        changed(Line::try_parse_from(line).unwrap().set, serde_json::from_value(known).unwrap())
    }

    #[test]
    fn a_change_leaves_alone_what_it_does_not_name() {
        let list = changed_by("--egress-gib 0.09 --flavour m1.small=1,2048,9.50").unwrap();
        assert_eq!((list.vcpu_month.to_string(), list.egress_gib.to_string(), list.flavours.len()), ("8".into(), "0.09".into(), 1));
        assert!(changed_by("--flavour m1.small=1,9.50").is_err() && changed_by("--seed").is_err());
    }
}
