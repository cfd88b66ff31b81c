//! Protect machines: into a new group, or into one that is there.

mod existing;
mod fresh;
mod machines;

use crate::{
    api,
    components::{dialog::Dialog, error_note::ErrorNote, load::Loading},
};
use leptos::prelude::*;
use machines::Chosen;
use model::{Id, Page, cloud::Cloud, protection::Group};

/// Opens while `open` is true and sets it to false when it closes. `machines` are identifiers.
#[component]
pub fn ProtectDialog(#[prop(into)] machines: Signal<Vec<Id>>, open: RwSignal<bool>) -> impl IntoView {
    let title = Signal::derive(move || match machines.with(Vec::len) {
        1 => "Protect this machine".to_owned(),
        n => format!("Protect {n} machines"),
    });
    view! {
        <Dialog open title look="wide">
            <Body machines open/>
        </Dialog>
    }
}

#[derive(Clone)]
struct Facts {
    chosen: Chosen,
    groups: Vec<Group>,
    clouds: Vec<Cloud>,
}

#[component]
fn Body(machines: Signal<Vec<Id>>, open: RwSignal<bool>) -> impl IntoView {
    let facts = LocalResource::new(move || read(machines.get_untracked()));
    move || match facts.get() {
        None => view! { <Loading/> }.into_any(),
        Some(Err(error)) => view! { <ErrorNote error/> }.into_any(),
        Some(Ok(facts)) => view! { <Ways facts open/> }.into_any(),
    }
}

async fn read(ids: Vec<Id>) -> api::Result<Facts> {
    let groups = api::get::<Page<Group>>("/groups?limit=500").await?.items;
    let clouds = api::get::<Page<Cloud>>("/clouds?limit=500").await?.items;
    Ok(Facts { chosen: machines::read(ids).await?, groups, clouds })
}

/// A machine belongs to one site; a group too. So the site decides which groups can take them.
#[component]
fn Ways(facts: Facts, open: RwSignal<bool>) -> impl IntoView {
    let Facts { chosen, groups, clouds } = facts;
    let site = match chosen.one_site() {
        Ok(site) => site,
        Err(why) => return view! { <div class="dialog-body"><p class="note bad">{why}</p></div> }.into_any(),
    };
    let names: Vec<String> = groups.iter().map(|g| g.name.clone()).collect();
    let fitting: Vec<Group> = groups.into_iter().filter(|g| g.protected_site == site).collect();
    let new = RwSignal::new(fitting.is_empty());
    let pick = move |value: bool, label: &'static str, refused: bool| {
        view! {
            <label class="choice">
                <input type="radio" name="protect-way" disabled=refused prop:checked=move || new.get() == value on:change=move |_| new.set(value)/>
                <span>{label}</span>
            </label>
        }
    };
    let (none, ids) = (fitting.is_empty(), StoredValue::new(chosen.free));
    let (fitting, clouds, names, site) =
        (StoredValue::new(fitting), StoredValue::new(clouds), StoredValue::new(names), StoredValue::new(site));
    view! {
        {machines::refused_note(&chosen.refused)}
        <div class="dialog-body">
            <fieldset class="choices">
                <legend>"Into"</legend>
                {pick(false, "a group that is there", none)}
                {pick(true, "a new group", false)}
            </fieldset>
        </div>
        <Show
            when=move || new.get()
            fallback=move || view! { <existing::Existing groups=fitting ids open/> }
        >
            <fresh::Fresh clouds taken=names site=site.get_value() ids open/>
        </Show>
    }
    .into_any()
}
