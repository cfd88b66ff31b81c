//! The choice of the target: the clouds that can take it first, the best at the top with the reason, and of the others why.

use super::{fields::MoveFields, targets};
use crate::{
    api,
    components::{error_note::ErrorNote, places, status},
};
use leptos::prelude::*;
use model::{
    cloud::Cloud,
    machine::Machine,
    placement::{Place, Placement, Verdict},
};

#[component]
pub fn Target(fields: MoveFields, machine: StoredValue<Machine>, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    let path = machine.with_value(|m| format!("/machines/{}/placement", m.row.id));
    let asked = LocalResource::new(move || {
        let path = path.clone();
        async move { api::get::<Placement>(&path).await }
    });
    let waiting = format!("Asking {} clouds where it can run …", clouds.with_value(Vec::len).saturating_sub(1));
    move || match asked.get() {
        None => view! { <p class="loading" role="status">{waiting.clone()}</p> }.into_any(),
        Some(Ok(found)) => view! { <Ranked fields found/> }.into_any(),
        Some(Err(error)) => view! { <ErrorNote error/> <Plain fields machine clouds/> }.into_any(),
    }
}

#[component]
fn Ranked(fields: MoveFields, found: Placement) -> impl IntoView {
    let able = found.rows.iter().any(|r| r.verdict.is_possible());
    let best = found
        .best
        .unwrap_or_else(|| "No other cloud can take this machine now; below is why. Connect another cloud, or mend what stops it.".into());
    let some_cannot = found.rows.iter().any(|r| r.verdict == Verdict::Cannot);
    let all_the_same = RwSignal::new(false);
    view! {
        <p class="note" class:warn=!able>{best}</p>
        <fieldset class="choices targets">
            <legend>"Target cloud"</legend>
            {found.rows.into_iter().map(|place| row(fields, place, all_the_same)).collect_view()}
        </fieldset>
        {some_cannot.then(|| view! {
            <label class="switch">
                <input type="checkbox" bind:checked=all_the_same/>
                "Let me choose one that cannot: with other networks or storage it may"
            </label>
        })}
    }
}

fn row(fields: MoveFields, place: Place, all_the_same: RwSignal<bool>) -> impl IntoView {
    let (verdict, why) = (place.verdict, places::reason(&place));
    let simulated = if place.at.simulated { " (SIMULATED)" } else { "" };
    let name = format!("{} at {}{simulated}", place.at.cloud, place.at.site);
    // One that did not tell is never a choice.
    let refused = move || !(verdict.is_possible() || verdict == Verdict::Cannot && all_the_same.get());
    view! { {choice(fields, place.at.cloud_id, name, refused.into_signal(), view! { {status::of(verdict)} <small>{why}</small> }.into_any())} }
}

/// What is known without asking: when the node could not tell more.
#[component]
fn Plain(fields: MoveFields, machine: StoredValue<Machine>, clouds: StoredValue<Vec<Cloud>>) -> impl IntoView {
    let option = move |cloud: &Cloud| {
        let (label, refused) = machine.with_value(|m| (targets::label(cloud, m), targets::refusal(cloud, m).is_some()));
        choice(fields, cloud.id.clone(), label, (move || refused).into_signal(), ().into_any())
    };
    view! {
        <fieldset class="choices targets">
            <legend>"Target cloud"</legend>
            {clouds.with_value(|list| list.iter().map(option).collect_view())}
        </fieldset>
    }
}

fn choice(fields: MoveFields, id: String, name: String, refused: Signal<bool>, about: AnyView) -> impl IntoView {
    let own = id.clone();
    let choose = move |_| {
        fields.target.set(id.clone());
        fields.forget_target();
    };
    view! {
        <label class="choice">
            <input type="radio" name="move-target" disabled=move || refused.get() prop:checked=move || fields.target.get() == own on:change=choose/>
            <span><b>{name}</b>" "{about}</span>
        </label>
    }
}

trait IntoSignal {
    fn into_signal(self) -> Signal<bool>;
}

impl<F: Fn() -> bool + Send + Sync + 'static> IntoSignal for F {
    fn into_signal(self) -> Signal<bool> {
        Signal::derive(self)
    }
}
