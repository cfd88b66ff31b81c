//! What a cloud costs: as somebody entered it, or that nobody did.

mod draft;
mod form;

use crate::{
    api,
    components::{age::Age, button_action::ButtonAction, confirm_dialog::ConfirmDialog, load::Fresh},
    state::Session,
};
use form::PricesDialog;
use leptos::prelude::*;
use model::{
    access::Role,
    prices::{CloudPrices, PriceList},
};

pub fn draw(fresh: Fresh<CloudPrices>) -> impl IntoView {
    let prices = fresh.value;
    let (edit, clear) = (RwSignal::new(false), RwSignal::new(false));
    let session = Session::get();
    let refused = Signal::derive(move || session.refusal(Role::Administrator));
    let none = Signal::derive(move || refused.get().or_else(|| prices.with(|p| p.list.is_none()).then(|| "It is not priced.".to_owned())));
    let open = |dialog: RwSignal<bool>| {
        move || async move {
            dialog.set(true);
            Ok(())
        }
    };
    let remove = move || async move {
        api::delete::<serde_json::Value>(&prices.with_untracked(|p| format!("/clouds/{}/prices", p.cloud_id))).await?;
        fresh.reload();
        Ok(())
    };
    view! {
        <section class="card" aria-label="Prices">
            <div class="card-head">
                <h2>"Prices"</h2>
                <ButtonAction label="Edit …" look="small" refused=refused run=open(edit)/>
                <Show when=move || prices.with(|p| p.list.is_some())>
                    <ButtonAction label="Take away …" look="small" refused=none run=open(clear)/>
                </Show>
            </div>
            {move || prices.with(shown)}
        </section>
        <PricesDialog prices open=edit/>
        <ConfirmDialog open=clear title="Take the price list away?" verb="Take it away" run=remove>
            <p>"Where can it run shows no costs for this cloud then."</p>
        </ConfirmDialog>
    }
}

fn shown(p: &CloudPrices) -> AnyView {
    let Some(list) = &p.list else {
        let seed = p.seed.is_some().then_some(" A seed for this kind of cloud can be taken over and checked.");
        return view! { <p class="soft">"Not priced: where can it run shows no costs for this cloud."{seed}</p> }.into_any();
    };
    let by = p.changed_by.clone().unwrap_or_default();
    view! {
        <p class="soft">"Entered by "{by}" "<Age at=p.changed_at/>" ago."</p>
        {facts(list)}
    }
    .into_any()
}

fn facts(list: &PriceList) -> impl IntoView + use<> {
    let price = |amount: model::prices::Amount| format!("{amount} {}", list.currency);
    let flavours = list.flavours.iter().map(|f| {
        let size = format!("{}: {} vCPU, {} MiB: {}", f.name, f.vcpus, f.memory_mib, price(f.month));
        view! { <li>{size}</li> }
    });
    view! {
        <dl class="facts">
            <div><dt>"vCPU, a month"</dt><dd class="num">{price(list.vcpu_month)}</dd></div>
            <div><dt>"GiB of memory, a month"</dt><dd class="num">{price(list.memory_gib_month)}</dd></div>
            <div><dt>"GiB of storage, a month"</dt><dd class="num">{price(list.storage_gib_month)}</dd></div>
            <div><dt>"GiB of egress"</dt><dd class="num">{price(list.egress_gib)}</dd></div>
        </dl>
        {(!list.flavours.is_empty()).then(|| view! {
            <h3>"Flavours, a month"</h3>
            <ul>{flavours.collect_view()}</ul>
        })}
    }
}
