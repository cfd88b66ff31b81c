//! Choose machines of a site that are not protected yet. Those that cannot be chosen say why.

use crate::{
    api,
    components::{error_note::ErrorNote, load::Loading},
};
use leptos::prelude::*;
use model::{
    Page,
    machine::{CopyRole, MachineRow},
};

#[component]
pub fn MachinePicker(site: Signal<String>, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let words = RwSignal::new(String::new());
    let rows = LocalResource::new(move || read(site.get()));
    let shown = move |row: &MachineRow| words.with(|w| row.name.to_lowercase().contains(&w.trim().to_lowercase()));
    view! {
        <fieldset class="picker">
            <legend>"Machines at "{site}" "<small>{move || format!("{} chosen", chosen.with(Vec::len))}</small></legend>
            <input class="input" type="search" placeholder="Filter by name" aria-label="Filter by name" bind:value=words/>
            {move || match rows.get() {
                None => view! { <Loading/> }.into_any(),
                Some(Err(error)) => view! { <ErrorNote error/> }.into_any(),
                Some(Ok(page)) => {
                    let more = page.total.is_some_and(|t| t > page.items.len() as u64);
                    let list = page.items.into_iter().filter(shown).map(|row| view! { <Choice row chosen/> }).collect_view();
                    view! {
                        <ul class="picker-list">{list}</ul>
                        {more.then(|| view! { <p class="note">"Only the first 500 are listed; add the others from the Machines page."</p> })}
                    }.into_any()
                }
            }}
        </fieldset>
    }
}

async fn read(site: String) -> api::Result<Page<MachineRow>> {
    if site.is_empty() {
        return Ok(Page { items: vec![], next: None, total: None });
    }
    // The name of a site is a word of the search language; quotes keep blanks in it.
    let query = format!("site:\"{site}\"").replace(' ', "%20").replace('"', "%22");
    api::get(&format!("/machines?q={query}&limit=500")).await
}

/// Why it cannot be protected now.
fn refusal(row: &MachineRow) -> Option<String> {
    match (&row.protection, row.role) {
        (Some(p), _) => Some(format!("protected by {}", p.group)),
        (None, Some(CopyRole::Superseded)) => Some("a superseded copy".into()),
        (None, Some(CopyRole::Incoming)) => Some("being built by a run".into()),
        (None, _) => None,
    }
}

#[component]
fn Choice(row: MachineRow, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let (id, own) = (row.id.clone(), row.id.clone());
    let why = refusal(&row);
    let toggle = move |on: bool| {
        chosen.update(|list| {
            list.retain(|m| *m != id);
            if on {
                list.push(id.clone());
            }
        })
    };
    view! {
        <li>
            <label>
                <input
                    type="checkbox" disabled=why.is_some() prop:checked=move || chosen.with(|c| c.contains(&own))
                    on:change:target=move |e| toggle(e.target().checked())
                />
                {row.name}" "<small>{row.cloud}{why.map(|w| format!(", {w}"))}</small>
            </label>
        </li>
    }
}
