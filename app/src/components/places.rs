//! Where something can run: what all places that show it have in common. What is not known says so.

use super::{age::Age, simulated_badge::SimulatedBadge, status};
use crate::format;
use leptos::prelude::*;
use model::{
    placement::{Conversion, Cost, Place, PlaceCloud, Verdict},
    run::MoveMode,
};

/// Verdict, and how old is what is known where the cloud did not tell.
pub fn verdict(verdict: Verdict, at: &PlaceCloud) -> impl IntoView + use<> {
    let seen = at.observed_at;
    let silent = (verdict == Verdict::Unknown).then(|| view! { <p class="soft">"last seen "<Age at=Some(seen).flatten()/>" ago"</p> });
    view! { {status::of(verdict)} {silent} }
}

/// Name, site, and whether it is a real one.
pub fn cloud(at: &PlaceCloud) -> impl IntoView + use<> {
    let (href, name, site, simulated) = (format!("/clouds/{}", at.cloud_id), at.cloud.clone(), at.site.clone(), at.simulated);
    view! { <a href=href>{name}</a> <p class="soft">{site}</p> {simulated.then(|| view! { <SimulatedBadge/> })} }
}

pub fn bytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "not known".into(), format::bytes)
}

pub fn time(ms: Option<u64>) -> String {
    ms.map_or_else(|| "not known yet".into(), format::duration)
}

pub fn cost(cost: &Cost) -> String {
    cost.money.as_ref().map_or_else(|| "no prices".into(), model::prices::Money::short)
}

pub fn modes(modes: &[MoveMode]) -> String {
    let word = |mode: &MoveMode| match mode {
        MoveMode::Auto | MoveMode::Warm => "warm",
        MoveMode::Cold => "cold",
        MoveMode::Live => "live",
    };
    modes.iter().map(word).collect::<Vec<_>>().join(", ")
}

pub fn conversion(c: &Conversion) -> String {
    match &c.to {
        Some(to) if *to == c.from => format!("{}: {to}, as it is", c.what),
        Some(to) => format!("{}: {} becomes {to}", c.what, c.from),
        None => format!("{}: {} now; what it becomes is not known before it is made there", c.what, c.from),
    }
}

/// For one line in a list, beside the verdict: what decides.
pub fn reason(p: &Place) -> String {
    if !p.verdict.is_possible() {
        let first = p.findings.iter().max_by_key(|f| f.severity);
        return first.map_or_else(|| p.verdict.short().into(), |f| format!("{} {}", f.what, f.remedy));
    }
    let mut words = vec![format!("{} to send", bytes(p.bytes))];
    words.extend(p.estimate.time_ms.map(|ms| format!("about {}", format::duration(ms))));
    words.extend(p.cost.month.money.as_ref().map(|m| format!("{} a month", m.short())));
    words.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::placement::Conversion;

    #[test]
    fn what_is_not_known_is_said_to_be() {
        assert_eq!(
            (time(None).as_str(), bytes(None).as_str(), cost(&Cost::default()).as_str()),
            ("not known yet", "not known", "no prices")
        );
        let bus = |to: Option<&str>| conversion(&Conversion { what: "Disk bus".into(), from: "virtio".into(), to: to.map(Into::into) });
        assert_eq!(bus(Some("virtio")), "Disk bus: virtio, as it is");
        assert_eq!(bus(Some("scsi")), "Disk bus: virtio becomes scsi");
        assert!(bus(None).contains("not known"));
    }
}
