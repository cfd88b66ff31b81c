//! The addresses that clients use and that move with a machine, each proved from outside.

use super::{
    draft,
    editor::Draft,
    health_fields::{HealthFields, HealthForm},
};
use crate::components::field::{SelectField, TextField};
use leptos::prelude::*;
use model::plan::{HealthCheck, ServiceAddress};

/// The ways of moving an address, and in words; the first is where one begins.
const MECHANISMS: [(&str, &str); 3] = [
    ("garp", "Announcement (gratuitous ARP)"),
    ("floating", "Floating address of the cloud"),
    ("dns", "Name in a zone of a connected cloud (DNS)"),
];

#[component]
pub fn Addresses(draft: Draft) -> impl IntoView {
    let count = Memo::new(move |_| draft.spec.with(|s| s.service_addresses.len()));
    let first = Memo::new(move |_| draft.spec.with(|s| draft.groups.with(|p| draft::members(s, &p.items).first().map(|m| m.id.clone()))));
    let add = move |_| {
        if let Some(member_id) = first.get_untracked() {
            let fresh = ServiceAddress {
                address: String::new(),
                member_id,
                mechanism: MECHANISMS[0].0.into(),
                network: None,
                probe: HealthCheck::Ping { address: None },
            };
            draft.spec.update(|s| s.service_addresses.push(fresh));
        }
    };
    view! {
        <section aria-labelledby="addresses-title">
            <h2 id="addresses-title">"Service addresses"</h2>
            <p class="sub">"Announced on a stretched network, pointed by the recovery cloud, or a name in a zone of any cloud; then probed from outside."</p>
            // Removing one shifts the others: rows are drawn anew when their number changes.
            {move || (0..count.get()).map(|n| view! { <Row n draft/> }).collect_view()}
            <Show when=move || first.get().is_some() fallback=|| view! { <p class="sub">"Choose a group with machines first."</p> }>
                <button type="button" class="button small" on:click=add>"Add an address"</button>
            </Show>
        </section>
    }
}

#[component]
fn Row(n: usize, draft: Draft) -> impl IntoView {
    let Some(start) = draft.spec.with_untracked(|s| s.service_addresses.get(n).cloned()) else { return ().into_any() };
    let (address, member) = (RwSignal::new(start.address), RwSignal::new(start.member_id));
    let network = RwSignal::new(start.network.unwrap_or_default());
    let mechanism = RwSignal::new(start.mechanism);
    let mechanisms = Signal::derive(|| MECHANISMS.map(|(key, words)| (key.to_owned(), words.to_owned())).to_vec());
    let probe = HealthForm::new(&start.probe);
    let members = Signal::derive(move || {
        let all = draft.spec.with(|s| draft.groups.with(|p| draft::members(s, &p.items)));
        all.into_iter().map(|m| (m.id, m.name)).collect::<Vec<_>>()
    });
    let said = draft.said(move || Some(format!("service_addresses[{n}].address")));
    let error = Signal::derive(move || fault(&draft.spec.get(), n).or_else(|| said.get()));
    draft.watch(
        format!("address-{n}-probe"),
        format!("Service address {}, probe", n + 1),
        Signal::derive(move || probe.fault().get().map(|f| f.1)),
    );
    Effect::new(move |_| {
        let probe = probe.draft().parse().ok();
        let (address, member_id) = (address.get().trim().to_owned(), member.get());
        let network = Some(network.get().trim().to_owned()).filter(|n| !n.is_empty());
        let Some(row) = draft.spec.with_untracked(|s| s.service_addresses.get(n).cloned()) else { return };
        let probe = probe.unwrap_or_else(|| row.probe.clone());
        let next = ServiceAddress { address, member_id, mechanism: mechanism.get(), network, probe };
        if next != row {
            draft.spec.update(|s| s.service_addresses[n] = next);
        }
    });
    let remove = move |_| draft.spec.update(|s| drop(s.service_addresses.remove(n)));
    view! {
        <div class="plan-row" role="group" aria-label=format!("Service address {}", n + 1)>
            <TextField label="Address" name=format!("address-{n}") value=address placeholder="10.0.0.80, or a name with DNS" error/>
            <SelectField label="Carried by" name=format!("address-{n}-member") value=member options=members/>
            <SelectField label="Moved by" name=format!("address-{n}-mechanism") value=mechanism options=mechanisms/>
            <TextField label="Network of its card" name=format!("address-{n}-network") value=network placeholder="by its addresses"/>
            <HealthFields id=format!("address-{n}") form=probe label="Proved from outside by" no_address="The service address"/>
            <button type="button" class="button small quiet" on:click=remove>"Remove"</button>
        </div>
    }
    .into_any()
}

fn fault(spec: &model::plan::PlanSpec, n: usize) -> Option<String> {
    let field = format!("service_addresses.{n}");
    draft::faults(spec).into_iter().find(|(name, _)| *name == field).map(|(_, text)| text)
}
