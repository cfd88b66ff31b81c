//! Which cloud is the best, and why: pure. What can comes before what might, then the one to which least is to be sent,
//! then the one with fewer warnings, then the cheaper one.

use model::{
    Problem, Severity,
    placement::{Cost, GroupPlace, Place, Verdict},
};
use std::cmp::Ordering;

pub fn verdict(findings: &[Problem]) -> Verdict {
    match findings.iter().map(|p| p.severity).max() {
        Some(Severity::Critical) => Verdict::Cannot,
        Some(Severity::Warning) => Verdict::CanWithWarnings,
        _ => Verdict::Can,
    }
}

/// What both kinds of row are judged by.
pub struct Facts<'a> {
    verdict: Verdict,
    bytes: Option<u64>,
    warnings: usize,
    month: &'a Cost,
    cloud: &'a str,
    seeded: bool,
}

impl<'a> From<&'a Place> for Facts<'a> {
    fn from(p: &'a Place) -> Self {
        let warnings = warnings(&p.findings);
        Self { verdict: p.verdict, bytes: p.bytes, warnings, month: &p.cost.month, cloud: &p.at.cloud, seeded: p.point_at.is_some() }
    }
}

impl<'a> From<&'a GroupPlace> for Facts<'a> {
    fn from(p: &'a GroupPlace) -> Self {
        let warnings = warnings(&p.findings);
        Self { verdict: p.verdict, bytes: p.bytes, warnings, month: &p.cost.month, cloud: &p.at.cloud, seeded: false }
    }
}

fn warnings(findings: &[Problem]) -> usize {
    findings.iter().filter(|p| p.severity == Severity::Warning).count()
}

pub fn order<'a>(a: impl Into<Facts<'a>>, b: impl Into<Facts<'a>>) -> Ordering {
    let (a, b) = (a.into(), b.into());
    // Amounts of two currencies are not compared: what is of one stands together.
    let money = |f: &Facts| f.month.money.as_ref().map(|m| (m.currency.clone(), m.amount));
    let (price_a, price_b) = (money(&a), money(&b));
    let key = |f: &Facts| (f.verdict, f.bytes.unwrap_or(u64::MAX), f.warnings);
    let cheaper = (price_a.is_none(), &price_a).cmp(&(price_b.is_none(), &price_b));
    key(&a).cmp(&key(&b)).then(cheaper).then_with(|| a.cloud.cmp(b.cloud))
}

/// Of rows in their order: why the first one is the first.
pub fn best<'a, R: Into<Facts<'a>>>(rows: impl Iterator<Item = R>) -> Option<String> {
    let able: Vec<Facts> = rows.map(Into::into).filter(|f| f.verdict.is_possible()).collect();
    let (first, others) = able.split_first()?;
    let mut why = vec![match (first.verdict, first.warnings) {
        (Verdict::Can, _) => "nothing stands against it".to_owned(),
        (_, 1) => "it can run there, with one warning".to_owned(),
        (_, n) => format!("it can run there, with {n} warnings"),
    }];
    if others.is_empty() {
        why.push("no other cloud can take it now".into());
    }
    if first.seeded && first.bytes == Some(0) {
        why.push("a recovery point lies there already, and nothing has to be sent".into());
    } else if first.seeded {
        why.push(format!("a recovery point lies there already, so that only about {} are to be sent", size(first.bytes.unwrap_or(0))));
    } else if !others.is_empty() && others.iter().all(|o| o.bytes > first.bytes) {
        why.push(format!("least is to be sent ({})", size(first.bytes.unwrap_or(0))));
    }
    why.extend(cheapest(first, others));
    Some(format!("{} comes first: {}.", first.cloud, why.join("; ")))
}

fn cheapest(first: &Facts, others: &[Facts]) -> Option<String> {
    let own = first.month.money.as_ref()?;
    let priced: Vec<_> = others.iter().filter_map(|o| o.month.money.as_ref()).filter(|m| m.currency == own.currency).collect();
    let least = !priced.is_empty() && priced.iter().all(|m| m.amount > own.amount);
    least.then(|| format!("it costs least of those that are priced in {} ({} a month)", own.currency, own.amount.short()))
}

#[allow(clippy::cast_precision_loss)] // for people
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=0x3FFF_FFFF => format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)),
        _ => format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::placement::{ask, cost};
    use model::{
        placement::PlaceCost,
        prices::{Amount, Money},
    };

    fn row(cloud: &str, verdict: Verdict, bytes: u64, euros: Option<i64>) -> Place {
        let known = serde_json::json!({ "id": cloud, "name": cloud, "kind": "libvirt", "site": "s", "simulated": false, "status": "ok",
            "status_since": 0, "capabilities": [], "machines": 0, "running": 0, "fields": {} });
        let mut place = ask::silent(&serde_json::from_value(known).unwrap(), String::new());
        (place.verdict, place.bytes) = (verdict, Some(bytes));
        place.findings.retain(|_| verdict == Verdict::CanWithWarnings);
        let money = euros.map(|n| Money { currency: "EUR".into(), amount: Amount(n * 1_000_000) });
        place.cost = PlaceCost { month: Cost { money, about: String::new() }, moving: cost::none("") };
        place
    }

    fn sorted(mut rows: Vec<Place>) -> (Vec<String>, Option<String>) {
        rows.sort_by(|a, b| order(a, b));
        let best = best(rows.iter());
        (rows.into_iter().map(|r| r.at.cloud).collect(), best)
    }

    #[test]
    fn what_can_comes_first_then_what_is_least_to_send_then_the_price() {
        let seeded = Place { point_at: Some(1), ..row("seeded", Verdict::Can, 5 << 20, None) };
        let rows = vec![
            row("no", Verdict::Cannot, 0, Some(1)),
            row("dear", Verdict::Can, 9 << 30, Some(20)),
            row("unknown", Verdict::Unknown, 0, None),
            row("warned", Verdict::CanWithWarnings, 1, Some(15)),
            row("cheap", Verdict::Can, 9 << 30, Some(10)),
            row("unpriced", Verdict::Can, 9 << 30, None),
        ];
        let (order, why) = sorted(rows.clone());
        assert_eq!(order, ["cheap", "dear", "unpriced", "warned", "unknown", "no"]);
        let why = why.unwrap();
        assert!(why.starts_with("cheap comes first: nothing stands against it") && why.contains("10.00 a month"), "{why}");
        let (order, why) = sorted(rows.into_iter().chain([seeded]).collect());
        assert_eq!(order[0], "seeded");
        assert!(why.unwrap().contains("only about 5.0 MiB"));
    }

    #[test]
    fn the_only_one_says_so_and_none_has_no_best() {
        let rows = vec![row("a", Verdict::Cannot, 0, None), row("b", Verdict::CanWithWarnings, 0, None)];
        assert_eq!(sorted(rows).1.unwrap(), "b comes first: it can run there, with one warning; no other cloud can take it now.");
        assert_eq!(sorted(vec![row("a", Verdict::Unknown, 0, None)]).1, None);
    }

    #[test]
    fn the_worst_finding_decides() {
        let of = |s| verdict(&[Problem::new(Severity::Info, "", "", ""), Problem::new(s, "", "", "")]);
        assert_eq!(
            [Severity::Info, Severity::Warning, Severity::Critical].map(of),
            [Verdict::Can, Verdict::CanWithWarnings, Verdict::Cannot]
        );
    }
}
