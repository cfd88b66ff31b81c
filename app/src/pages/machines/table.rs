//! The list itself: only the rows in sight are in the document.

use super::{
    bulk, cells,
    columns::{Column, shown},
    query::Query,
    rows::Rows,
    window,
};
use crate::{
    components::{empty_state::EmptyState, error_note::ErrorNote},
    format,
};
use leptos::{html, prelude::*};
use model::{Id, Page, machine::MachineRow};
use std::{collections::BTreeMap, ops::Range};

/// Identifier and name of the chosen rows; they stay chosen when they leave the window.
pub type Chosen = RwSignal<BTreeMap<Id, String>>;

#[component]
pub fn MachineTable(query: Query, page: Page<MachineRow>, hidden: RwSignal<Vec<String>>) -> impl IntoView {
    let first = 0..page.items.len();
    let rows = Rows::new(query.clone(), page);
    let chosen: Chosen = RwSignal::new(BTreeMap::new());
    let window = RwSignal::new(first);
    let pane = NodeRef::<html::Div>::new();
    let look = move || {
        if let Some(pane) = pane.get_untracked() {
            measure(&pane, rows, window);
        }
    };
    Effect::new(move |_| {
        if pane.get().is_some() {
            look();
        }
        let resized = window_event_listener(leptos::ev::resize, move |_| look());
        on_cleanup(move || resized.remove());
    });
    follow(pane, rows, window);
    let columns = Memo::new(move |_| hidden.with(|h| shown(h)));
    view! {
        <p class="soft" role="status">{move || counted(rows.total.get())}</p>
        {move || rows.error.get().map(|e| view! { <ErrorNote error=e retry=Callback::new(move |()| rows.refresh())/> })}
        <Show when=move || rows.total.get() != 0 fallback=nothing>
            <div class="vlist" node_ref=pane on:scroll=move |_| look() tabindex="0" role="region" aria-label="Machines">
                <table aria-rowcount=move || (rows.total.get() + 1).to_string()>
                    {heads(&query, columns)}
                    <tbody>
                        <tr class="pad" aria-hidden="true"><td></td></tr>
                        <For each=move || window.get() key=|place| *place let:place>
                            {line(place, rows, columns, chosen)}
                        </For>
                        <tr class="pad" aria-hidden="true"><td></td></tr>
                    </tbody>
                </table>
            </div>
        </Show>
        <bulk::BulkBar chosen=chosen/>
    }
}

fn counted(total: usize) -> String {
    match total {
        1 => "1 machine".to_owned(),
        n => format!("{} machines", format::count(n as u64)),
    }
}

fn nothing() -> impl IntoView {
    view! {
        <EmptyState title="No machine matches">
            <p>"Words are searched in names, addresses and tags; all of them must fit. "<a href="/machines">"Show all machines"</a></p>
        </EmptyState>
    }
}

fn heads(query: &Query, columns: Memo<Vec<Column>>) -> impl IntoView + use<> {
    let query = query.clone();
    let name = Column { key: "name", label: "Name", sort: Some("name"), figure: false };
    let all = move || std::iter::once(name).chain(columns.get()).map(|c| head(c, &query)).collect_view();
    view! { <thead><tr aria-rowindex="1"><th class="col-mark" scope="col"><span class="unseen">"Chosen"</span></th>{all}</tr></thead> }
}

fn head(column: Column, query: &Query) -> impl IntoView + use<> {
    let class = format!("col-{}{}", column.key, if column.figure { " num" } else { "" });
    let (sort, label) = match column.sort {
        Some(by) => {
            (query.direction(by), view! { <a href=query.sorted_by(by).href()>{column.label}{arrow(query.direction(by))}</a> }.into_any())
        }
        None => (None, column.label.into_any()),
    };
    view! { <th class=class scope="col" aria-sort=sort>{label}</th> }
}

fn arrow(direction: Option<&str>) -> &'static str {
    match direction {
        Some("ascending") => " ↑",
        Some(_) => " ↓",
        None => "",
    }
}

fn line(place: usize, rows: Rows, columns: Memo<Vec<Column>>, chosen: Chosen) -> impl IntoView {
    let row = Memo::new(move |_| rows.by_place.with(|all| all.get(&place).cloned()));
    let split = move || row.with(|r| r.as_ref().is_some_and(|r| r.split_brain));
    let marked = move || row.with(|r| r.as_ref().is_some_and(|r| chosen.with(|c| c.contains_key(&r.id))));
    let content = move || match row.get() {
        Some(machine) => cells::all(&machine, &columns.get(), chosen).into_any(),
        None => view! { <td class="col-mark"></td><th scope="row" class="col-name soft">"…"</th> }.into_any(),
    };
    view! { <tr class="row" class:split=split class:chosen=marked aria-rowindex=(place + 2).to_string()>{content}</tr> }
}

/// Sizes are set through the CSSOM: a `style` attribute would need a weaker policy.
#[cfg(feature = "hydrate")]
fn measure(pane: &web_sys::HtmlDivElement, rows: Rows, window: RwSignal<Range<usize>>) {
    let row = row_height(pane);
    let seen = window::visible(f64::from(pane.scroll_top()), f64::from(pane.client_height()), row, rows.total.get_untracked());
    if seen != window.get_untracked() {
        window.set(seen.clone());
    }
    rows.show(seen);
}

#[cfg(feature = "hydrate")]
fn row_height(pane: &web_sys::HtmlDivElement) -> f64 {
    let row = pane.query_selector("tr.row").ok().flatten();
    row.map(|r| r.get_bounding_client_rect().height()).filter(|h| *h > 8.0).unwrap_or(28.0)
}

/// Empty space above and below stands for the rows that are not drawn.
#[cfg(feature = "hydrate")]
fn follow(pane: NodeRef<html::Div>, rows: Rows, window: RwSignal<Range<usize>>) {
    use wasm_bindgen::JsCast;
    Effect::new(move |_| {
        let (seen, total) = (window.get(), rows.total.get());
        let Some(pane) = pane.get() else { return };
        let row = row_height(&pane);
        let Ok(pads) = pane.query_selector_all("tr.pad > td") else { return };
        for (index, count) in [(0, seen.start), (1, total.saturating_sub(seen.end))] {
            if let Some(pad) = pads.item(index).and_then(|n| n.dyn_into::<web_sys::HtmlElement>().ok()) {
                let _ = pad.style().set_property("height", &format!("{}px", count as f64 * row));
            }
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn measure<T>(_: &T, rows: Rows, window: RwSignal<Range<usize>>) {
    rows.show(window::visible(0.0, 0.0, 1.0, window.get_untracked().end));
}

#[cfg(not(feature = "hydrate"))]
fn follow(_: NodeRef<html::Div>, _: Rows, _: RwSignal<Range<usize>>) {}
